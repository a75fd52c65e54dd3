"""How a worker takes a task: one that waits does so by this host's own clock, and a bell's is never too old.

Celery writes when a task is due, and when it expires, by the clock of the host that sends it, and compares that with
the clock of the host that takes it: a worker an hour ahead would drop each bell, one an hour behind would hold it for
an hour. So a task of ours says for how many seconds it waits. A stale bell does no harm: its serial is not answered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Task
from celery.exceptions import InvalidTaskError
from celery.worker.strategy import default
from kombu.exceptions import ContentDisallowed, DecodeError

from worker.broker import VISIBILITY_SECONDS
from worker.ringing import WAIT

log = logging.getLogger(__name__)


class BellTask(Task):
    """A task whose delay is counted from when a worker has it; what any clock says of it is not heard."""

    Strategy = "worker.receiving:by_own_clock"


class JobTask(Task):
    """A task that its sender may delay, or let expire, by his clock; where we put it off, it is as a bell's."""

    Strategy = "worker.receiving:by_own_clock_where_put_off"


def by_own_clock(task: Task, app: Any, consumer: Any, **options: Any) -> Callable[..., Any]:
    """Celery's own strategy, which hears of no moment of another host's clock."""
    take = default(task, app, consumer, **options)

    def take_by_own_clock(message: Any, *more: Any, **others: Any) -> Any:
        message.headers.update(eta=_due(message.headers), expires=None)
        return _taken(take, message, *more, **others)

    return take_by_own_clock


def by_own_clock_where_put_off(task: Task, app: Any, consumer: Any, **options: Any) -> Callable[..., Any]:
    """Celery's own strategy, which hears of what the sender wanted, but not of when another worker put it off."""
    take = default(task, app, consumer, **options)

    def take_where_put_off(message: Any, *more: Any, **others: Any) -> Any:
        if WAIT in message.headers:
            message.headers["eta"] = _due(message.headers)
        return _taken(take, message, *more, **others)

    return take_where_put_off


NO_TASK = (ValueError, LookupError, TypeError, AttributeError, InvalidTaskError, ContentDisallowed, DecodeError)
"""What Celery raises of a message that is not made as its own are. Most of it would end the worker, and each one after
it: the broker hands the message on."""


def _taken(take: Callable[..., Any], message: Any, *more: Any, **others: Any) -> Any:
    """Takes a task; what a program of somebody's own has sent, and cannot be read, is thrown away."""
    try:
        return take(message, *more, **others)
    except NO_TASK as error:
        return throw_away(message, type(error).__name__)


def throw_away(message: Any, why: str) -> None:
    """Reject a message for good. Nothing of it is quoted, as Celery would: there may be numbers in it."""
    log.error("a message that cannot be read is thrown away (%s): see docs/producing.md", why)
    message.reject_log_error(log, NO_TASK)


def _due(headers: Mapping[str, Any]) -> str | None:
    """When it is to be done, by this clock; None: at once."""
    wait = seconds_of(headers.get(WAIT))
    return (datetime.now(UTC) + timedelta(seconds=wait)).isoformat() if wait else None


def seconds_of(wait: object) -> float:
    """What the header says, where that is a time: else the worker would end by it, and each that takes it up after it.

    After VISIBILITY_SECONDS the broker would give the task to a second worker.
    """
    if not isinstance(wait, int | float) or isinstance(wait, bool) or not wait > 0:
        return 0.0
    return float(min(wait, VISIBILITY_SECONDS))
