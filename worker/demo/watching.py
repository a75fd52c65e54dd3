"""Watching the demo's campaign until it ends, or until a part of the installation fails; `worker.console` draws it."""

import time
from collections.abc import Callable

from rich.console import Console

from campaigns.progress import Progress
from worker.console.watching import LOOK_SHARE, Stages, shown
from worker.processes import NotReadyError

LOOK_EVERY = 0.1  # seconds


def watch(
    look: Callable[[], Progress],
    *,
    check: Callable[[], None],
    console: Console,
    patience: float,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Progress, float]:
    """Look until the campaign is finished; gives its last account, and when the last report came, by the `clock`.

    `check` raises if a process is gone. Raises NotReadyError if nothing changes for `patience` seconds.
    """
    changed = last_report = clock()
    before: tuple[Stages, str] | None = None
    reported = 0
    with shown(console) as show:
        while True:
            asked = clock()
            progress = look()
            moment = clock()
            stages = Stages.of(progress)
            if (stages, progress.state) != before:
                before, changed = (stages, progress.state), moment
            if (count := stages.settled - progress.by_status.get("unreported", 0)) > reported:
                reported, last_report = count, moment
            show(progress)
            if progress.finished:
                return progress, last_report
            check()
            if moment - changed > patience:
                waits_for = f", and waits for {progress.waits_for}" if progress.waits_for else ""
                raise NotReadyError(f"the campaign is {progress.state}{waits_for}: nothing moved for {patience:g} s")
            time.sleep(max(LOOK_EVERY, LOOK_SHARE * (moment - asked)))
