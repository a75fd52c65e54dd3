"""A question that may hang, asked on a thread of its own: whoever wants the answer waits for so long and no longer.

Nobody waits for the thread at the end of the process either.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Asked(Generic[T]):
    """Asked from now on, beside whatever else is done."""

    def __init__(self, question: Callable[[], T]) -> None:
        self._question = question
        self._done = Event()
        self._began = monotonic()
        self._answers: list[T] = []
        self._errors: list[Exception] = []
        Thread(target=self._ask, daemon=True).start()

    def answer(self, *, within: float) -> T:
        """What came; raises whatever the question did, or TimeoutError so many seconds after it was asked."""
        if not self._done.wait(max(0.0, self._began + within - monotonic())):
            raise TimeoutError
        if self._errors:
            raise self._errors[0]
        return self._answers[0]

    @property
    def seconds(self) -> float:
        """For how long it has been asked."""
        return monotonic() - self._began

    def _ask(self) -> None:
        try:
            self._answers.append(self._question())
        except Exception as error:  # noqa: BLE001  it is raised where the answer is wanted
            self._errors.append(error)
        self._done.set()
