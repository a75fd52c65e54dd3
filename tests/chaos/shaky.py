"""A PostgreSQL that keeps a transaction, or does not, and whose answer to the COMMIT is lost.

Whoever asked cannot tell the two apart, so a test is made of each (`carried_out`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from campaigns.database import Database
from tests.servers.between import before
from tests.servers.proxy import Proxy
from tests.servers.ways import COMMIT, LoseAnswer


@dataclass
class Shaky:
    """A database that is reached through a proxy, and by the side of it."""

    url: str
    database: Database
    between: Proxy
    beside: Database
    lost: LoseAnswer = field(default_factory=lambda: LoseAnswer(to=COMMIT))

    def lose(self, *, carried_out: bool = True, **options: Any) -> None:
        """Lose the answer to the next commit."""
        self.lost = LoseAnswer(to=COMMIT, carried_out=carried_out, **options)
        self.between.all(self.lost)


@pytest.fixture
def shaky(database_url: str) -> Iterator[Shaky]:
    with before(database_url) as (url, between):
        made = Shaky(database_url, Database(url), between, Database(database_url))
        yield made
        made.database.close()
        made.beside.close()


@pytest.fixture(params=[True, False], ids=["carried out", "not carried out"])
def carried_out(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def rows(database: Database, statement: Any) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(statement).all())
