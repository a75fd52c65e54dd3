"""How a database goes about a statement: by which index, or by reading the whole table."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from campaigns.database import Database


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
    yield plans
    event.remove(database.engine, "before_cursor_execute", note)
