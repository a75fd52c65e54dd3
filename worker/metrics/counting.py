"""Messages are counted beside all other figures, in a thread: there may be millions, and no look waits for them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError

from campaigns.database import Database, NotMigratedError
from campaigns.endings import Endings

LOOK_SECONDS = 0.1
"""How long a look is, at least: a slice of messages is counted to its end."""

SHARE = 20
"""A twentieth of one of the database's processors, at most, goes into counting."""

RESTS_SECONDS = 5.0
"""At least for so long it rests when all is counted: nobody asks more often."""


def count(database: Database, endings: Endings, *, seconds: float) -> bool:
    """Count for about so long; returns whether all is counted. A database that is away is counted another time."""
    with contextlib.suppress(SQLAlchemyError, NotMigratedError), database.snapshot() as connection:
        return endings.look(connection, seconds=seconds)
    return False


@contextmanager
def counting(database: Database, endings: Endings) -> Iterator[None]:
    """Meanwhile, messages are counted again and again."""
    stop = Event()

    def go_on() -> None:
        rest = 0.0
        while not stop.wait(rest):
            began = monotonic()
            whole = count(database, endings, seconds=LOOK_SECONDS)
            took = monotonic() - began
            rest = max(RESTS_SECONDS, SHARE * took) if whole or took < LOOK_SECONDS else SHARE * took

    thread = Thread(target=go_on, name="counting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(RESTS_SECONDS)
