"""What may go wrong with the database, in words that say what the catcher can do; and nothing private in them.

A driver's own errors quote the row that they are about, which is somebody's phone number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import chain, repeat
from time import monotonic, sleep
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import URL, Engine, ExceptionContext, event
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError

from campaigns import departure, events
from campaigns.language import _

_NO_SUCH_TABLE_OR_COLUMN = ("42P01", "42703")
_IS_A_STANDBY = "25006"

P = ParamSpec("P")
T = TypeVar("T")

INSIST_SECONDS = 540.0
"""As long as a task may take before the broker hands it to another worker (`worker.broker`)."""


class DatabaseAway(OperationalError):
    """The database cannot be reached, or went away: what was open is not kept. Waiting, or starting it, can help."""

    def __init__(self, url: URL, cause: BaseException) -> None:
        super().__init__(None, None, cause, hide_parameters=True)
        said = str(cause).strip().partition("\n")[0]
        self._sentence = _(
            "the database {place} is away ({said}): see that it runs, and what DATABASE_URL says"
        ).format(place=place(url), said=said)

    def __str__(self) -> str:
        return self._sentence


class AnswerLost(DatabaseAway):
    """It went away when it had been asked to keep a transaction: whether it did must be looked up, or asked again.

    `untold` is what was to be told of it once it was kept: whoever finds that it was makes up for that (`events`).
    """

    def __init__(self, url: URL, cause: BaseException, untold: Sequence[events.Told] = ()) -> None:
        super().__init__(url, cause)
        self.untold = untold
        self._sentence += "; " + _("it did not say whether it kept what was written last")


PASSING = (OperationalError, InternalError)
"""What waiting can mend: a database that is away (DatabaseAway), locked, full, or a standby that may not be written."""


class NotMigratedError(RuntimeError):
    """The database's tables are not those that this release works with."""


def insisting(write: Callable[P, T]) -> Callable[P, T]:
    """Of a function whose loss would cost knowledge: it is done again and again while the database does not take it.

    It is one transaction, which does nothing more when it is repeated: its commit may have been made and the answer
    lost. After INSIST_SECONDS, or once its process is to be gone, it raises what the database said last.
    """

    @wraps(write)
    def insistently(*args: P.args, **options: P.kwargs) -> T:
        return insist(lambda: write(*args, **options), seconds=INSIST_SECONDS)

    return insistently


def insist(write: Callable[[], T], *, seconds: float) -> T:
    """What `write` returns, once the database takes it.

    After so many seconds, or by the time that its process is to be gone, it raises what the database said last.
    """
    until = monotonic() + seconds
    for wait in chain((0.05, 0.1, 0.2, 0.5), repeat(1.0)):
        try:
            return write()
        except PASSING:
            if monotonic() + wait > min(until, departure.by()):
                raise
            sleep(wait)
    raise AssertionError("the waits never end")


def place(url: URL) -> str:
    """Which database it is, without anything that lets one in."""
    named = url.host or url.query.get("host") or ""
    host = named if isinstance(named, str) else ",".join(named)
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()}://{host}{port}/{url.database or ''}"


def translate(engine: Engine) -> None:
    """Have the engine raise these errors instead of the driver's, where they say more."""

    @event.listens_for(engine, "handle_error")
    def _translate(context: ExceptionContext) -> BaseException | None:
        error = context.original_exception
        if context.sqlalchemy_exception is None or context.is_pre_ping:  # Ctrl-C; the pool connects anew by itself
            return None
        if getattr(error, "sqlstate", None) == _IS_A_STANDBY:
            context.is_disconnect = True  # it may never be the one to write to: the next connection finds that one
        if context.connection is None or context.is_disconnect:
            return DatabaseAway(engine.url, error)
        if _lacks_a_table(error):
            return NotMigratedError(_("the database lacks tables: run `campaigns migrate`"))
        return _hushed(engine, error, context.statement or "") if _is_of_postgresql(error) else None


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """The same for what goes past the engine: COPY, and the folder of a SQLite file."""
    # The engine's own driver is asked: to import PostgreSQL's here would cost whoever uses none a tenth of his start.
    driver = engine.dialect.loaded_dbapi
    try:
        yield
    except (driver.OperationalError, OSError) as error:
        raise DatabaseAway(engine.url, error) from None
    except driver.Error as error:
        raise _hushed(engine, error, "COPY") from None


def _is_of_postgresql(error: BaseException) -> bool:
    return hasattr(error, "diag")


def _lacks_a_table(error: BaseException) -> bool:
    state = getattr(error, "sqlstate", None)
    return state in _NO_SUCH_TABLE_OR_COLUMN or str(error).startswith(("no such table", "no such column"))


def _hushed(engine: Engine, error: Any, statement: str) -> BaseException:
    """What it is about (the constraint, the type), without the lines that quote the row."""
    error.args = (error.diag.message_primary or type(error).__name__,)
    driver: Any = engine.dialect.loaded_dbapi
    hushed: BaseException = DBAPIError.instance(statement, None, error, driver.Error, hide_parameters=True)
    return hushed
