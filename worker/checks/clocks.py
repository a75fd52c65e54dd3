"""Whether the clocks agree: this host's, the database's by which everything is timed, and the gateways'."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from worker.checks.patient import Patient
from worker.console.screen import lasting
from worker.findings import Finding, named, ok, trouble, warning
from worker.language import _

ASTRAY_SECONDS = 5.0
"""Of which nobody notices anything but in logs that are compared."""

WRONG_SECONDS = 60.0
"""By which campaigns begin too late, and windows open at the wrong time, if it is the database's."""


def clock(patient: Patient) -> Finding:
    """How far the others are ahead of this host, or behind it."""
    before = datetime.now(UTC)
    its = patient.database.clock()
    after = datetime.now(UTC)
    ahead = {_("the database's clock"): (its - before - (after - before) / 2).total_seconds()}
    for name, told in patient.told.items():
        if told.ahead is not None:
            ahead[_("the clock of {account}'s gateway").format(account=name)] = told.ahead
    return compared(ahead)


def compared(ahead: Mapping[str, float]) -> Finding:
    """What is thought of it.

    Args:
        ahead: by whose clock it is, seconds by which it is ahead of this host's.
    """
    astray = {whose: seconds for whose, seconds in ahead.items() if abs(seconds) > ASTRAY_SECONDS}
    if not astray:
        return ok(_("this host's agrees with {others}").format(others=", ".join(ahead)))
    what = named(
        [
            (
                _("{whose} is {time} ahead of this host's")
                if seconds > 0
                else _("{whose} is {time} behind this host's")
            ).format(whose=whose, time=lasting(abs(seconds)))
            for whose, seconds in astray.items()
        ]
    )
    remedy = _(
        "have every host keep time (NTP); the database's clock is what campaigns go by: their schedules, windows and"
        " deadlines"
    )
    return trouble(what, remedy) if max(map(abs, astray.values())) > WRONG_SECONDS else warning(what, remedy)
