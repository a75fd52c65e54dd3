"""The beat's scheduler: Celery's own, whose file may lie in a folder that is not there yet.

Celery opens the file before any of its signals says that a beat begins, and ends where there is no folder for it.
"""

from __future__ import annotations

from pathlib import Path

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Keeps when each entry was last due in `schedule_filename`, whose folder it makes."""

    def setup_schedule(self) -> None:
        """Open the file; raises OSError if its folder cannot be made."""
        Path(self.schedule_filename).parent.mkdir(parents=True, exist_ok=True)
        super().setup_schedule()
