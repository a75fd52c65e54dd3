"""What is told in the log of work that was done: an event a line, each with the fields that the table says.

It is told once the transaction that did it is committed, and not at all if it is not. Lines carry no number, no text
and no name of a person: ids, counts, credits and seconds. How a line looks is the affair of whoever runs the process
(of workers, `worker.logs`); a producer's own logging hears these as any other library's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from decimal import Decimal
from typing import Any

log = logging.getLogger(__name__)

SUBMITTED = "campaign submitted"
MOVED = "campaign moved"
PAUSED = "campaign paused"
RESUMED = "campaign resumed"
SENT = "batch settled"
LOOKED_UP = "lookup settled"
READ = "reports read"
APPLIED = "reports applied"
DOUBTED = "doubt arose"
PROVEN = "doubt proven"
DECIDED = "doubt decided"
RESTORED = "database restored"

_OF_A_REQUEST = (
    *("campaign", "batch", "attempt", "account"),
    *("outcome", "code", "size", "accepted", "credits", "reason", "seconds"),
)

EVENTS: Mapping[str, tuple[str, ...]] = {
    SUBMITTED: ("campaign", "account", "state", "recipients"),
    MOVED: ("campaign", "state", "reason"),
    PAUSED: ("campaign", "by", "reason"),
    RESUMED: ("campaign",),
    SENT: _OF_A_REQUEST,
    LOOKED_UP: _OF_A_REQUEST,
    READ: ("account", "poll", "reports", "bytes", "seconds"),
    APPLIED: ("account", "poll", "reports", "changed", "seconds"),
    DOUBTED: ("campaign", "attempt", "reason"),
    PROVEN: ("campaign", "attempt"),
    DECIDED: ("campaign", "batch", "attempt", "decision", "by", "size", "credits"),
    RESTORED: ("campaign", "requests", "numbers", "reason"),
}
"""What is told, and with which fields; one that has nothing to say is left out."""

BOUND = ("task", "task_id", "campaign", "batch", "attempt", "account", "lane", "schedule", "poll", "trace")
"""What any line has that is written while there is work about one (see `about`), whoever writes it."""

WARNINGS = frozenset({DOUBTED})

Told = tuple[int, str, dict[str, Any]]

_about: ContextVar[Mapping[str, Any]] = ContextVar("about", default={})  # noqa: B039  it is never written to
_held: ContextVar[list[Told] | None] = ContextVar("held", default=None)


@contextmanager
def about(**ids: Any) -> Iterator[None]:
    """Every line that is written meanwhile is about these."""
    token = bind(**ids)
    try:
        yield
    finally:
        _about.reset(token)


def bind(**ids: Any) -> Token[Mapping[str, Any]]:
    """The same without an end, for whoever learns of begin and end in two places."""
    return _about.set({**_about.get(), **ids})


def unbind() -> None:
    """The work is over, whatever it was about."""
    _about.set({})


def bound() -> Mapping[str, Any]:
    """What a line that is written now is about."""
    return _about.get()


def tell(event: str, *, level: int | None = None, **fields: Any) -> None:
    """Write an event's line; inside a transaction, once that is committed.

    Args:
        event: one of EVENTS.
        level: of the logging module, where it is not the event's usual one.
        fields: those of the event; whatever is None is left out.
    """
    level = level or (logging.WARNING if event in WARNINGS else logging.INFO)
    if not log.isEnabledFor(level):
        return
    told = level, event, {name: _plain(value) for name, value in fields.items() if value is not None}
    held = _held.get()
    if held is None:
        _write(told)
    else:
        held.append(told)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return round(value, 3) if isinstance(value, float) else value


def _write(told: Told) -> None:
    level, event, fields = told
    log.log(level, event, extra=fields)


def hold() -> Token[list[Told] | None]:
    """What is told from now on waits for the end of a transaction."""
    return _held.set([])


def drop(token: Token[list[Told] | None]) -> Sequence[Told]:
    """It was not kept, and nothing of it is told; returns what would have been, for `make_up`."""
    held = _held.get() or ()
    _held.reset(token)
    return held


def release(token: Token[list[Told] | None]) -> None:
    """It was kept."""
    make_up(drop(token))


def make_up(untold: Iterable[Told]) -> None:
    """Tell what was not told of a transaction that was kept after all (`AnswerLost.untold`)."""
    for told in untold:
        _write(told)
