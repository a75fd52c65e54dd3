"""Fixtures that give a test a fresh database: PostgreSQL, SQLite, or each in turn.

The schema is migrated once into a template, and each test gets a copy, in some 50 ms on PostgreSQL and 1 ms on SQLite.
"""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from campaigns.database import Database
from campaigns.migrations import migrate
from campaigns.models import metadata
from tests.servers.postgres import postgres

LARGE = 1_000_000  # bytes


@dataclass(frozen=True)
class Databases:
    """Fresh databases on one PostgreSQL server; `server` is the URL of a database that exists there."""

    server: str
    template: str

    @contextlib.contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        """A new database's URL, with the schema or empty. It is dropped at the end, whoever is still connected."""
        name = f"campaigns_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name}" + (f" TEMPLATE {self.template}" if migrated else ""))
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, name: str) -> str:
        return make_url(self.server).set(database=name).render_as_string(hide_password=False)

    def run(self, statement: str) -> None:
        plain = make_url(self.server).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL server: `DATABASE_URL` if it names one, a private one otherwise."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield given.replace("postgres://", "postgresql://", 1)
        return
    if given:
        pytest.exit("DATABASE_URL names no PostgreSQL: the tests need one, or start one themselves without it", 2)
    with postgres() as url:
        yield url


@pytest.fixture(scope="session")
def databases(postgres_url: str) -> Iterator[Databases]:
    """Makes fresh databases; for a module that shares one, and for tests that need several."""
    made = Databases(server=postgres_url, template=f"campaigns_template_{uuid.uuid4().hex[:12]}")
    made.run(f"CREATE DATABASE {made.template}")
    try:
        _migrate(made.url(made.template))
        yield made
    finally:
        made.run(f"DROP DATABASE {made.template} WITH (FORCE)")


@pytest.fixture(scope="session")
def reused_database_url(databases: Databases) -> Iterator[str]:
    """One database for many tests; each of them finds it empty."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def database_url(reused_database_url: str) -> str:
    """A PostgreSQL database with the schema in it, and nothing else: emptied, which takes a tenth of making one."""
    _empty(reused_database_url)
    return reused_database_url


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A fresh PostgreSQL database with nothing in it."""
    with databases.fresh(migrated=False) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema in it, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    path.touch()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with the schema in it."""
    path = tmp_path / "campaigns.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """A SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture(params=["postgresql", "sqlite"])
def any_database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database with the schema in it, of each kind in turn."""
    url: str = request.getfixturevalue("database_url" if request.param == "postgresql" else "sqlite_url")
    return url


def _empty(url: str) -> None:
    """Forget all rows, number anew from 1, and end whatever another test's threads have left open."""
    names = list(metadata.tables)
    numbered = [table.name for table in metadata.tables.values() if table.autoincrement_column is not None]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        size = connection.execute("SELECT pg_relation_size('messages')").fetchone()
        if size is not None and size[0] > LARGE:  # deleted rows would slow down whoever comes next
            connection.execute(f"TRUNCATE {', '.join(names)}".encode())
        deleted = "; ".join(f"DELETE FROM {name}" for name in names)
        connection.execute(f"SET session_replication_role = replica; {deleted}".encode())
        for name in numbered:
            connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1, false)", [name])


def _migrate(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()
