"""Watching the demo's campaign until it ends, or until a part of the installation fails; `worker.console` draws it."""

import time
from collections.abc import Callable

from rich.console import Console

from campaigns.called import called
from campaigns.glance import Glance
from campaigns.reasons import retold
from worker.console.watching import LOOK_SHARE, shown
from worker.language import _
from worker.processes import NotReadyError

LOOK_EVERY = 0.1  # seconds


def watch(
    look: Callable[[], Glance],
    *,
    check: Callable[[], None],
    console: Console,
    patience: float,
    clock: Callable[[], float] = time.monotonic,
) -> float:
    """Look until the campaign is finished; returns when the last report came, by the `clock`.

    `check` raises if a process is gone. Raises NotReadyError if nothing changes for `patience` seconds.
    """
    changed = last_report = clock()
    before: tuple[object, ...] = ()
    reported = 0
    with shown(console) as show:
        while True:
            asked = clock()
            seen = look()
            moment = clock()
            now = (seen.state, *[(stage.done, stage.of) for stage in seen.stages])
            if now != before:
                before, changed = now, moment
            if (count := _reported(seen)) > reported:
                reported, last_report = count, moment
            show(seen)
            if seen.finished:
                return last_report
            check()
            if moment - changed > patience:
                raise NotReadyError(_still(seen, patience))
            time.sleep(max(LOOK_EVERY, LOOK_SHARE * (moment - asked)))


def _reported(seen: Glance) -> int:
    """Messages with an end that something said of them."""
    settled = sum(stage.done for stage in seen.stages if stage.name == "delivery")
    return settled - seen.by_status.get("unreported", 0)


def _still(seen: Glance, patience: float) -> str:
    said = (
        _("the campaign is {state}, and waits for {what}: nothing moved for {seconds} s")
        if seen.waits_for
        else _("the campaign is {state}: nothing moved for {seconds} s")
    )
    return said.format(state=called(seen.state), what=retold(seen.waits_for or ""), seconds=f"{patience:g}")
