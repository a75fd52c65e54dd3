"""How a worker takes a bell's task: it waits by this host's own clock, and is never too old.

Celery writes when a task is due, and when it expires, by the clock of the host that sends it, and compares that with
the clock of the host that takes it: a worker an hour ahead would drop each bell, one an hour behind would hold it for
an hour. So a bell says for how many seconds it waits; and a stale one does no harm, since its serial is not answered.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Task
from celery.worker.strategy import default

from worker.ringing import WAIT


class BellTask(Task):
    """A task whose delay is counted from when a worker has it."""

    Strategy = "worker.receiving:by_own_clock"


def by_own_clock(task: Task, app: Any, consumer: Any, **options: Any) -> Callable[..., Any]:
    """Celery's own strategy, which hears of no moment of another host's clock."""
    take = default(task, app, consumer, **options)

    def take_by_own_clock(message: Any, *more: Any, **others: Any) -> Any:
        wait = message.headers.get(WAIT) or 0.0
        due = (datetime.now(UTC) + timedelta(seconds=wait)).isoformat() if wait else None
        message.headers.update(eta=due, expires=None)
        return take(message, *more, **others)

    return take_by_own_clock
