"""Two jobs on one PostgreSQL, in a chosen order of their statements.

Each job runs in a thread on an engine of its own, and stops before each statement and each commit until it is let on.
Whether one waits for a lock of the other is asked of the server; whether that was a deadlock is asked of the errors,
for the product may do a job again that met one. What the jobs are, and what must hold after them, is the caller's.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Semaphore
from typing import Any

import psycopg
from sqlalchemy import event

from campaigns.database import Database

Job = Callable[[Database], Any]
Order = Sequence[int]
"""Which of the two goes on, step by step; when it is used up, each in turn goes on to its end."""

LONGEST_WAIT = 60.0
"""Seconds that a job may wait for a lock, or for anything else: longer is for ever."""


class Hung(AssertionError):
    """A job waited too long."""


@dataclass
class Side:
    """One of the two, stopped at its next statement."""

    database: Database
    steps: int = 0
    running: bool = False
    errors: list[str] = field(default_factory=list)
    _pid: int = 0
    _may_go: Semaphore = field(default_factory=lambda: Semaphore(0))
    _stopped: Event = field(default_factory=Event)
    _done: Future[Any] | None = None

    def __post_init__(self) -> None:
        with self.database.transaction() as connection:  # what a first connection asks is no step of a job
            connection.exec_driver_sql("SELECT 1")
        event.listen(self.database.engine, "before_cursor_execute", lambda connection, *_: self._stop(connection))
        event.listen(self.database.engine, "commit", self._stop)
        event.listen(self.database.engine, "handle_error", self._note)

    def begin(self, pool: ThreadPoolExecutor, job: Job) -> None:
        """Run the job up to its first statement."""
        self.steps, self.errors = 0, []
        self._may_go, self._stopped = Semaphore(0), Event()
        self.running = True
        self._done = pool.submit(self._run, job)

    def _run(self, job: Job) -> Any:
        try:
            return job(self.database)
        finally:
            self.running = False
            self._stopped.set()

    def _stop(self, connection: Any) -> None:
        if not self.running:
            return
        self._pid = connection.connection.driver_connection.info.backend_pid
        self._stopped.set()
        if not self._may_go.acquire(timeout=180):
            raise Hung("nobody let it go on")
        self.steps += 1

    def _note(self, context: Any) -> None:
        self.errors.append(getattr(context.original_exception, "sqlstate", None) or type(context).__name__)

    @property
    def done(self) -> bool:
        """Whether the job has ended."""
        return self._done is not None and self._done.done()

    def result(self) -> Any:
        """What it returned, or raised."""
        assert self._done is not None
        return self._done.result(LONGEST_WAIT)

    def let_go(self) -> None:
        """One step further, if it is stopped."""
        if self._stopped.is_set() and self.running:
            self._stopped.clear()
            self._may_go.release()

    def set_free(self) -> None:
        """It stops no more."""
        self.running = False
        self._may_go.release(1_000)

    def arrives(self, seconds: float) -> bool:
        """Whether it comes to its next stop, or its end, in so many seconds."""
        return self._stopped.wait(seconds)

    def waits_for_a_lock(self, watch: psycopg.Connection[Any]) -> bool:
        """Whether somebody holds what it needs."""
        if self._pid == 0:
            return False
        blockers = watch.execute("SELECT cardinality(pg_blocking_pids(%s))", [self._pid]).fetchone()
        return blockers is not None and blockers[0] > 0


class Interleaving:
    """Two sides on one database; to be closed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sides = (Side(Database(url)), Side(Database(url)))
        self._pool = ThreadPoolExecutor(2)
        self._watch = psycopg.connect(url, autocommit=True)

    def close(self) -> None:
        """Give the connections back."""
        self._pool.shutdown()
        self._watch.close()
        for side in self.sides:
            side.database.close()

    def run(self, jobs: tuple[Job, Job], order: Order) -> tuple[int, int]:
        """Run both in this order; returns how many steps each made. What they raise is raised."""
        try:
            for side, job in zip(self.sides, jobs, strict=True):
                side.begin(self._pool, job)
                assert side.arrives(LONGEST_WAIT)
            for which in order:
                self._step(self.sides[which])
            self._finish(order)
        finally:
            for side in self.sides:
                side.set_free()
        for side in self.sides:
            side.result()
            assert "40P01" not in side.errors, "a deadlock"
        return self.sides[0].steps, self.sides[1].steps

    def _step(self, side: Side) -> bool:
        """One step; returns whether it was made, or else waits for a lock."""
        side.let_go()
        until = time.monotonic() + LONGEST_WAIT
        while not side.arrives(0.002):
            if side.waits_for_a_lock(self._watch):
                return side.arrives(0.001)
            if time.monotonic() > until:
                raise Hung("a statement that waits for nobody does not end")
        return True

    def _finish(self, order: Order) -> None:
        until = time.monotonic() + LONGEST_WAIT
        first = order[0] if order else 0
        while not all(side.done for side in self.sides):
            for which in (first, 1 - first):
                while not self.sides[which].done and self._step(self.sides[which]):
                    if not self.sides[which].running:
                        self.sides[which].result()
            if time.monotonic() > until:
                raise Hung("each waits for the other")


def orders(first: int, second: int) -> Iterator[Order]:
    """Every order in which one of them is held at each of its steps while the other runs, to its end or for some steps.

    Args:
        first: how many steps the first makes by itself.
        second: and the second.
    """
    for one, steps in ((0, first), (1, second)):
        for held in range(steps):
            yield [one] * held + [1 - one] * (first + second)
    for at, other_at in itertools.product(range(1, first), range(1, second)):
        yield [0] * at + [1] * other_at
        yield [1] * other_at + [0] * at


def some(chance: random.Random, first: int, second: int, most: int) -> list[Order]:
    """Some of these orders, and of those in which the two take turns at random."""
    planned = list(orders(first, second))
    at_random = [[chance.randint(0, 1) for _ in range(first + second)] for _ in range(most)]
    return chance.sample(planned, min(most, len(planned))) + at_random[: -(-most // 3)]
