"""Whether what must go round does: the sweep, without which what is lost stays lost."""

from __future__ import annotations

import math

from campaigns import heartbeats
from worker import sweeping
from worker.checks.patient import Patient
from worker.console.screen import lasting
from worker.findings import Finding, named, ok, trouble
from worker.language import N_, _

SILENT_SECONDS = 60.0
"""After which a sweep that goes round every two seconds is called silent."""


_RUNNING = N_("is `celery -A worker beat` running, and a worker that takes from the queue `rounds`?")


def sweep(patient: Patient) -> Finding:
    ages = heartbeats.ages(patient.database)
    age = ages.get(sweeping.HEARTBEAT)
    if age is None:
        return trouble(_("the sweep has never gone round"), _(_RUNNING))
    if age > SILENT_SECONDS:
        return trouble(_("the sweep has been silent for {time}").format(time=lasting(age)), _(_RUNNING))
    broken = [look for look in sweeping.LOOKS if ages.get(sweeping.heartbeat(look), math.inf) > SILENT_SECONDS]
    if broken:
        what = _("the sweep goes round, but this breaks each time: {looks}").format(looks=named(broken))
        return trouble(what, _("see the worker's log"))
    return ok(_("it went round {time} ago, or later").format(time=lasting(age)))
