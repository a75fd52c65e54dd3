"""Instants in SQL: a column type, and the database's own clock, in the words of PostgreSQL and of SQLite.

Time is the database's (`now()`, `later()`), so that a host whose clock steps breaks no lease and no window.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Dialect, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

SQLITE_FORMAT = "%Y-%m-%d %H:%M:%f000"
"""For SQLite's strftime, which knows milliseconds: with the six digits of a bound moment, for they compare as texts."""


class Moment(TypeDecorator[datetime]):
    """An instant: aware in Python and UTC, `timestamptz` on PostgreSQL, ISO text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses a naive time: which moment it means would depend on the host."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone is no moment")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """An aware UTC time, whatever the server's session says."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class now(FunctionElement[datetime]):  # noqa: N801  reads as the SQL function that it is
    """The database's clock, at the start of the statement."""

    type = Moment()
    inherit_cache = True


class later(FunctionElement[datetime]):  # noqa: N801
    """The database's clock plus some seconds (which may be negative, or an expression)."""

    type = Moment()
    inherit_cache = True


AHEAD_SECONDS = 1.0
"""By so much a moment that was written down may lie ahead although no clock was set back: servers differ a little."""


def is_ahead(moment: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Of a moment of the past, as it was written down: it is still to come, so the clock was set back since."""
    return moment > later(AHEAD_SECONDS)


def is_over(moment: ColumnElement[datetime], seconds: float) -> ColumnElement[bool]:
    """Of a moment of the past: it is longer ago than this, or the clock was set back since, and nobody knows."""
    return or_(moment < later(-seconds), is_ahead(moment))


@compiles(now, "postgresql")
def _now_postgresql(_element: Any, _compiler: Any, **_: Any) -> str:
    return "statement_timestamp()"


@compiles(now, "sqlite")
def _now_sqlite(_element: Any, _compiler: Any, **_: Any) -> str:
    return f"strftime('{SQLITE_FORMAT}', 'now')"


@compiles(later, "postgresql")
def _later_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"(statement_timestamp() + make_interval(secs => ({compiler.process(element.clauses, **options)})::float))"


@compiles(later, "sqlite")
def _later_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('{SQLITE_FORMAT}', 'now', printf('%+.3f seconds', {seconds}))"
