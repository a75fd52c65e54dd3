"""The beat's scheduler: Celery's own, where its file's folder lacks, where its clock steps, and where nobody listens.

Celery opens the file before any of its signals says that a beat begins, and ends where there is no folder for it. It
waits for moments of the host's clock: after an hour's step back, or with a file of such a time, it would wait an hour.
What it sends must not pile up while no worker runs; to have it expire would need two hosts' clocks to agree.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler, SchedulingError
from kombu.exceptions import OperationalError

from worker.ringing import ROUNDS

log = logging.getLogger(__name__)

MOST_WAITING = 20
"""Rounds that wait in the queue: with so many, no further one is sent. They are done within a second."""

STEP_SECONDS = 5.0
"""So much the clock may go astray between two looks without having been set."""


class Scheduler(PersistentScheduler):
    """Keeps when each entry was last due in `schedule_filename`, whose folder it makes."""

    _offset: float | None = None

    def setup_schedule(self) -> None:
        """Open the file; raises OSError if its folder cannot be made."""
        Path(self.schedule_filename).parent.mkdir(parents=True, exist_ok=True)
        super().setup_schedule()

    def tick(self, *args: Any, **options: Any) -> Any:
        """Send what is due; whatever was to be due by a clock that was set since is reckoned anew."""
        offset = time.time() - time.monotonic()
        if self._offset is None or abs(offset - self._offset) > STEP_SECONDS:
            self._reckon_anew()
        self._offset = offset
        return super().tick(*args, **options)

    def _reckon_anew(self) -> None:
        for entry in self.schedule.values():
            clock = entry.default_now()
            if entry.last_run_at > clock:
                entry.last_run_at = clock
        self._heap = None  # it is put together from the entries at the next tick

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send its task, unless it is a round and enough of these wait already."""
        route = self.app.conf.task_routes.get(entry.task)
        if route != ROUNDS or self._waiting(producer) < MOST_WAITING:
            super().apply_entry(entry, producer=producer)

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """Send its task; that the broker is away is one line a try, where Celery logs two stacks."""
        try:
            return super().apply_async(entry, producer=producer, advance=advance, **options)
        except SchedulingError as error:
            if not isinstance(error.__context__, OperationalError):
                raise
            log.error("%s could not be sent, and is again when it is due: the broker is away", entry.name)  # noqa: TRY400
            return None

    def _waiting(self, producer: Any) -> int:
        """How many rounds nobody has taken yet; where that cannot be told, none."""
        # Declared as the sending does it: RabbitMQ closes a channel on which a queue is asked for that is not there.
        queue = self.app.amqp.queues[ROUNDS]
        try:
            return int(queue.bind(producer.channel).queue_declare().message_count)
        except Exception:  # noqa: BLE001  each broker has errors of its own; the sending after it says what is wrong
            return 0
