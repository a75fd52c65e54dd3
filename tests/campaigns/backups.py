"""A backup of a database, and its restoration over whatever is there now: row by row, as `pg_dump --data-only` does."""

from typing import Any

from sqlalchemy import func, insert, select, text

from campaigns.database import Database
from campaigns.models import metadata

Backup = dict[str, list[dict[str, Any]]]


def backup(database: Database) -> Backup:
    """All rows, of one moment."""
    with database.snapshot() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in metadata.sorted_tables
        }


def restore(database: Database, kept: Backup) -> None:
    """The database is as it was then; its keys are given out from there again."""
    with database.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        for table in metadata.sorted_tables:
            if kept[table.name]:
                connection.execute(insert(table), kept[table.name])
            numbered = table.autoincrement_column
            if numbered is not None and not database.is_sqlite:
                last = connection.execute(select(func.max(numbered))).scalar() or 0
                begin = f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {max(last, 1)}, {last > 0})"
                connection.execute(text(begin))
