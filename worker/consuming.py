"""How a worker meets a message that no task of ours takes: it is thrown away by a line that quotes nothing.

Whoever may write to the broker may have put anything into it, a person's number in the wrong place, or in a name.
Celery's own lines would quote all of it, body and headers, and of some messages the worker would end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer

from worker.receiving import NO_TASK, throw_away

_OURS = re.compile(r"campaigns\.[a-z_]+")
"""A name that another release of ours may know: it is nobody's, and tells that this host was forgotten."""


class QuietConsumer(Consumer):  # type: ignore[misc]  # Celery has no types here
    """Celery's consumer, without its words about what it cannot make sense of."""

    def create_task_handler(self, *more: Any, **others: Any) -> Callable[[Any], Any]:
        """What takes each message: of what Celery did not think of, the message is lost, and not the worker."""
        take = super().create_task_handler(*more, **others)

        def take_or_throw_away(message: Any) -> Any:
            try:
                return take(message)
            except NO_TASK as error:
                return throw_away(message, type(error).__name__)

        return take_or_throw_away

    def on_unknown_message(self, _body: object, message: Any) -> None:
        """It names no task."""
        throw_away(message, "it names no task")

    def on_unknown_task(self, _body: object, message: Any, exc: Exception) -> None:  # noqa: ARG002
        """It names one that this worker has not."""
        name = (message.headers or {}).get("task")
        known = isinstance(name, str) and _OURS.fullmatch(name)
        throw_away(message, f"no task here is called {name}" if known else "it names a task that is unknown here")

    def on_invalid_task(self, _body: object, message: Any, exc: Exception) -> None:
        """It is not made as a task's message is."""
        throw_away(message, type(exc).__name__)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Its body is none that is read here."""
        throw_away(message, type(exc).__name__)
