"""The database: one engine a process, transactions, reads, and the few words in which PostgreSQL and SQLite differ.

How each is connected to is `engines`, instants are `moments`, what may go wrong is `outages`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Row,
    Table,
    Text,
    cast,
    column,
    func,
    literal,
    make_url,
    select,
)
from sqlalchemy.types import TypeEngine

from campaigns import engines, events, outages
from campaigns.moments import Moment, is_ahead, is_over, later, now
from campaigns.outages import AnswerLost, DatabaseAway, NotMigratedError
from campaigns.settings import domain_settings

__all__ = [
    "AnswerLost",
    "Database",
    "DatabaseAway",
    "Moment",
    "NotMigratedError",
    "Record",
    "among",
    "copy_in",
    "default",
    "forbid_scans",
    "forbid_sorting",
    "is_ahead",
    "is_over",
    "later",
    "let_rest",
    "now",
    "rows_of",
    "upsert",
    "upsert_for",
]

Record = Row[*tuple[Any, ...]]
"""A row of any columns."""

_SNAPSHOT: dict[str, dict[str, Any]] = {
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    "sqlite": {"deferred": True},
}


class Database:
    """One engine, and the only ways to use it.

    Args:
        url: `postgresql://user:password@host/name`, or `sqlite:///path` of a file that `make` has made.

    Whatever is done with it raises DatabaseAway where there is no database, and NotMigratedError where tables lack.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = engines.sqlite(self.url) if self.is_sqlite else engines.postgresql(self.url)
        outages.translate(self.engine)
        self._reads = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshots = self.engine.execution_options(**_SNAPSHOT[self.url.get_backend_name()])

    def make(self) -> None:
        """Make the file of SQLite if there is none; any other server's database is its administrator's to make.

        Raises DatabaseAway where that cannot be.
        """
        if self.is_sqlite:
            with outages.translated(self.engine):
                engines.make_file(self.url)

    def __repr__(self) -> str:
        return f"Database({outages.place(self.url)!r})"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing; on SQLite it holds the write lock from its first moment (BEGIN IMMEDIATE).

        Never keep one open while the network answers. Raises AnswerLost if nobody knows whether it was kept. What is
        told meanwhile (`campaigns.events`) is told at its end, if it is kept.
        """
        whole, telling = False, events.hold()
        try:
            with self.engine.begin() as connection:
                yield connection
                whole = True
        except BaseException as error:
            untold = events.drop(telling)
            if whole and isinstance(error, DatabaseAway):
                raise AnswerLost(self.url, error.orig or error, untold) from None
            raise
        events.release(telling)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Each statement by itself, in autocommit: a reader never holds a lock between two of them."""
        with self._reads.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Several reads of one moment, that hold up no writer."""
        with self._snapshots.begin() as connection:
            yield connection

    def clock(self) -> datetime:
        """The database's time, aware, UTC."""
        with self.reading() as connection:
            return connection.execute(select(now())).scalar_one()

    def close(self) -> None:
        """Give every connection back to the server."""
        self.engine.dispose()


_default: Database | None = None


def default() -> Database:
    """The database that `DATABASE_URL` names; one a process, made at first use."""
    global _default
    if _default is None:
        _default = Database(domain_settings().database_url)
    return _default


def _forget_after_fork() -> None:
    # The parent's sockets are not ours: closing them here would end the parent's sessions.
    global _default
    if _default is not None:
        _default.engine.dispose(close=False)
        _default = None


os.register_at_fork(after_in_child=_forget_after_fork)


def rows_of(connection: Connection, name: str, **columns: tuple[type[TypeEngine[Any]], Sequence[Any]]) -> FromClause:
    """Python columns as a table in a statement, in one parameter a column however many rows there are.

    Args:
        connection: whose dialect decides (unnest on PostgreSQL, json_each on SQLite).
        name: the alias in the statement.
        columns: name → (SQL type, values); all of the same length.
    """
    if connection.dialect.name == "postgresql":
        arrays = [cast(_array(kind, values), ARRAY(kind)) for kind, values in columns.values()]
        named = [column(key, kind) for key, (kind, _) in columns.items()]
        return func.unnest(*arrays).table_valued(*named, name=name).render_derived()
    data = json.dumps(list(zip(*(values for _, values in columns.values()), strict=True)))
    each = func.json_each(literal(data, Text)).table_valued("value", name=f"{name}_each")
    rows = select(
        *[
            cast(func.json_extract(each.c.value, f"$[{place}]"), kind).label(key)
            for place, (key, (kind, _)) in enumerate(columns.items())
        ]
    )
    # The limit has SQLite put the rows aside; inlined, it reads the JSON again for each row of the table joined to it.
    return rows.limit(-1).subquery(name)


def among(connection: Connection, key: ColumnElement[int], ids: Iterable[int]) -> ColumnElement[bool]:
    """Whether a key is one of these ids, however many: of a list with a parameter each, PostgreSQL takes 65,535."""
    named = rows_of(connection, "these", id=(BigInteger, sorted(ids)))
    return key.in_(select(named.c.id))


def _array(kind: type[TypeEngine[Any]], values: Sequence[Any]) -> Any:
    # The driver would turn integers into an array one by one: a third of the time that a body of reports takes.
    if issubclass(kind, Integer):
        return literal("{" + ",".join(map(str, values)).replace("None", "NULL") + "}", Text)
    return literal(list(values), ARRAY(kind))


def upsert(connection: Connection, into: Table) -> Any:
    """An INSERT that knows ON CONFLICT, in the connection's dialect."""
    return upsert_for(connection.dialect.name, into)


def upsert_for(dialect: str, into: Table) -> Any:
    """The same for a statement that is put together once and kept."""
    # Imported here: a dialect brings all of its drivers' modules, and nobody needs two of them.
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(into)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(into)


def copy_in(connection: Connection, into: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert many rows: COPY on PostgreSQL (five times an executemany), executemany on SQLite.

    Args:
        connection: an open transaction.
        into: the table's name.
        columns: its columns, in the order of each row.
        rows: numbers and texts, each row a tuple; texts are sent as they are, tabs and line breaks included. Where the
            first row is numbers alone, all are.
    """
    if not rows:
        return
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {into} ({names}) VALUES ({marks})", [tuple(row) for row in rows])
        return
    driver: Any = connection.connection.driver_connection
    with outages.translated(connection.engine), driver.cursor().copy(f"COPY {into} ({names}) FROM STDIN") as copy:
        if all(type(value) is int for value in rows[0]):
            line = "\t".join(["%d"] * len(columns)) + "\n"
            copy.write("".join([line % row for row in rows]))
        else:
            for row in rows:
                copy.write_row(row)


def let_rest(connection: Connection) -> None:
    """Have the server let a snapshot rest: whoever is given its rows may be slow, and it locks nobody out."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def forbid_scans(connection: Connection) -> None:
    """Have the rest of the transaction find rows by index only.

    As a table grows the planner turns a statement that names some of its rows into a hash join over the whole of it:
    quadratic in a campaign.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
        )


def forbid_sorting(connection: Connection) -> None:
    """Have the rest of the transaction find the first of many rows by walking the index that has them in order.

    Where its statistics are older than those rows, the planner takes them for one, and puts all in order to take it.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
