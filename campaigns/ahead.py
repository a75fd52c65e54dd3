"""One thing done ahead, in a thread of its own, while its caller waits for the database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """At most one thing at a time; a context manager, at whose end nothing runs any more.

    Args:
        seconds: after which nothing is begun.
    """

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._begun: Future[T] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    @property
    def begun(self) -> bool:
        """Whether there is something to take."""
        return self._begun is not None

    def begin(self, work: Callable[[], T]) -> None:
        """Do this beside, if there is time left for it."""
        if monotonic() < self._until:
            self._begun = self._thread.submit(work)

    def take(self) -> T | None:
        """What was done, once; None if nothing was begun. Raises what the work has raised."""
        begun, self._begun = self._begun, None
        return begun.result() if begun is not None else None
