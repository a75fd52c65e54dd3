"""One thing done ahead, in a thread of its own, while its caller waits for the database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from math import inf
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import Generic, Self, TypeVar

from campaigns import departure

T = TypeVar("T")


class Ahead(Generic[T]):
    """At most one thing at a time; a context manager, at whose end nothing runs any more.

    Only where the process is to be gone by then is it not waited for: what it does is as lost as with a process that
    dies.

    Args:
        seconds: after which nothing is begun.
    """

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds
        self._begun: Future[T] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._begun is not None:
            by = departure.by()
            wait([self._begun], timeout=None if by == inf else max(0.0, by - monotonic()))

    @property
    def begun(self) -> bool:
        """Whether there is something to take."""
        return self._begun is not None

    def begin(self, work: Callable[[], T]) -> None:
        """Do this beside, if there is time left for it."""
        if monotonic() < self._until:
            self._begun = Future()
            # A daemon: an executor's thread would hold up the end of its process.
            # What it writes into the log is about the same as its caller's lines.
            todo = copy_context().run, _do, work, self._begun
            Thread(target=todo[0], args=todo[1:], name="ahead", daemon=True).start()

    def take(self) -> T | None:
        """What was done, once; None if nothing was begun. Raises what the work has raised."""
        begun = self._begun
        if begun is None:
            return None
        try:
            return begun.result()
        finally:
            if begun.done():  # or whoever waits was asked to end, and it is still waited for
                self._begun = None


def _do(work: Callable[[], T], begun: Future[T]) -> None:
    try:
        done = work()
    except BaseException as error:  # noqa: BLE001  it is raised where it is taken
        begun.set_exception(error)
    else:
        begun.set_result(done)
