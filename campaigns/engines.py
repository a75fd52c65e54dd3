"""How the two databases are connected to, and with which settings; the rest is `database`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from math import inf
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError, OperationalError

from campaigns.language import _
from campaigns.outages import NotMigratedError

BUSY_SECONDS = 30
"""How long a SQLite writer waits for another before it gives up."""

RESTED_SECONDS = 1.0
"""After which a kept connection to PostgreSQL is asked whether it still lives, before it is used."""


CONNECTION = {
    "application_name": "campaigns",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""Unless the URL says otherwise. A host that lost its power says nothing: it is noticed within 25 seconds, and not when
the system gives up, which takes hours."""


IDLE_IN_TRANSACTION = "30s"
"""After which the server ends a transaction that nobody goes on with: a process that was stopped must not keep from
others what it had locked. None of ours that locks anything rests so long between two statements (`database.let_rest`).
"""


def postgresql(url: URL) -> Engine:
    """Connections that are kept, and asked whether they still live when they have rested."""
    engine = create_engine(
        url,
        hide_parameters=True,  # errors are logged, and parameters are numbers and texts
        pool_size=5,
        max_overflow=10,
        connect_args={name: value for name, value in CONNECTION.items() if name not in url.query},
    )

    @event.listens_for(engine, "connect")
    def _prepare_early(connection: Any, _record: Any) -> None:
        # The same few statements run for every batch: planned once a connection, not once a batch.
        connection.prepare_threshold = 2
        # Without a transaction of its own: one more commit a connection is one more whose answer may be lost.
        connection.autocommit = True
        connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION}'")
        connection.autocommit = False

    @event.listens_for(engine, "checkin")
    def _note_its_return(_connection: Any, record: Any) -> None:
        record.info["returned_at"] = monotonic()

    @event.listens_for(engine, "checkout")
    def _ask_whether_it_lives(connection: Any, record: Any, _fairy: Any) -> None:
        # Only what has rested: a question at each of the transactions of a batch is a tenth of a worker's time.
        if monotonic() - record.info.get("returned_at", inf) < RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            raise InvalidatePoolError from None

    return engine


def sqlite(url: URL) -> Engine:
    """Connections to a file that is there (see `make_file`); every transaction is a writer from its first moment."""
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "do_connect")
    def _need_file(*_connecting: object) -> None:
        # SQLite would make it: a mistyped URL, or one from another folder, would have an empty database of its own.
        path = _file_of(url)
        if path is not None and not path.exists():
            said = _("there is no file {path}: run `campaigns migrate`, which makes it, or correct DATABASE_URL")
            raise NotMigratedError(said.format(path=path.absolute()))

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver would begin deferred transactions by itself
        cursor = connection.cursor()
        _patiently(lambda: cursor.execute("PRAGMA journal_mode=WAL"))
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin_immediate(connection: Connection) -> None:
        # A deferred transaction that turns into a writer fails at once with "database is locked".
        options = connection.get_execution_options()
        if options.get("isolation_level") != "AUTOCOMMIT":
            begin = "BEGIN" if options.get("deferred") else "BEGIN IMMEDIATE"
            _patiently(lambda: connection.exec_driver_sql(begin))

    return engine


def make_file(url: URL) -> None:
    """Make the SQLite file if there is none, and the folder of a relative path, as the default's `var` is.

    Raises FileNotFoundError where another folder is missing: it is mistyped, or a disk that is not mounted yet.
    """
    path = _file_of(url)
    if path is None or path.exists():
        return
    if not path.is_absolute():
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.parent.is_dir():
        raise FileNotFoundError(_("there is no folder {folder}").format(folder=path.parent))
    path.touch()


def _file_of(url: URL) -> Path | None:
    """None: it is in memory, or named by a URI of SQLite's own."""
    named = url.database
    return None if not named or named == ":memory:" or named.startswith("file:") else Path(named)


def _patiently(do: Callable[[], object]) -> None:
    """SQLite tells one of two who open a file at once that it is locked, however long he was ready to wait."""
    until = monotonic() + BUSY_SECONDS
    while True:
        try:
            do()
        except (sqlite3.OperationalError, OperationalError) as error:
            if "locked" not in str(error) or monotonic() > until:
                raise
            sleep(0.02)
        else:
            return
