"""How a database goes about a statement: by which index, or by reading the whole table."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event, insert, text

from campaigns.database import Database, copy_in
from campaigns.models import campaigns

FIRST = 22507_00000000
ROWS = 3_000
_COLUMNS = ("campaign_id", "msisdn", "batch_id")


@contextmanager
def plans_of(database: Database, table: str) -> Iterator[list[str]]:
    """The plan of each statement that reads or writes the table, as the planner sees it in its transaction."""
    plans: list[str] = []
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "

    def note(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if table in statement and not statement.startswith("EXPLAIN"):
            found = connection.exec_driver_sql(explain + statement, parameters)
            plans.append("\n".join(str(tuple(row)) for row in found))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield plans
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


@contextmanager
def newer_than_statistics(database: Database) -> Iterator[tuple[Connection, int]]:
    """A transaction, and a campaign that came with its messages, from FIRST on, after an ANALYZE of ten others."""
    with database.transaction() as connection:
        others = [(campaign_id, FIRST + number, 1) for campaign_id in range(100, 110) for number in range(ROWS)]
        copy_in(connection, "messages", _COLUMNS, others)
    with database.reading() as connection:
        connection.execute(text("ANALYZE"))
    with campaign_without_statistics(database) as (connection, made):
        yield connection, made


@contextmanager
def campaign_without_statistics(database: Database) -> Iterator[tuple[Connection, int]]:
    """A transaction, and a campaign that came with its messages, from FIRST on, of which the planner knows nothing."""
    with database.transaction() as connection:
        row = {"account": "a", "name": "n", "spec": {}, "wire_text": "", "state": "tracking"}
        made = connection.execute(insert(campaigns).returning(campaigns.c.id), row).scalar_one()
        copy_in(connection, "messages", _COLUMNS, [(made, FIRST + number, 1) for number in range(ROWS)])
        yield connection, made
