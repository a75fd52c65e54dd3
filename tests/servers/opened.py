"""A migrated database of each kind, opened, for tests of whatever works on one."""

from collections.abc import Iterator

import pytest

from campaigns.database import Database


@pytest.fixture
def any_database(any_database_url: str) -> Iterator[Database]:
    """A fresh, migrated database: PostgreSQL, then SQLite."""
    database = Database(any_database_url)
    yield database
    database.close()


@pytest.fixture
def postgresql(database_url: str) -> Iterator[Database]:
    """A fresh, migrated PostgreSQL database."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    """A fresh, migrated SQLite database."""
    database = Database(sqlite_url)
    yield database
    database.close()
