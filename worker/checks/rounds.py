"""Whether what must go round does: the beat, which sends, and the sweep, without which what is lost stays lost."""

from __future__ import annotations

import math
from time import sleep

from campaigns import heartbeats
from worker import sweeping
from worker.beat import MOST_WAITING
from worker.checks.crew import client, sweeps
from worker.checks.patient import Patient
from worker.console.screen import lasting
from worker.findings import Finding, named, ok, trouble, warning
from worker.language import N_, _, figure
from worker.ringing import ROUNDS

SILENT_SECONDS = 60.0
"""After which a sweep that goes round every two seconds is called silent."""

BETWEEN_LOOKS = 3.0
"""Seconds in which a beat that lives has sent a sweep."""

_RUNNING = N_("is `celery -A worker beat` running, and a worker that takes from the queue `rounds`?")
_START = N_("start `celery -A worker beat`, once in the whole installation")


def beat(patient: Patient) -> Finding:
    """Whether it sends: told apart from whether anybody takes what it sends, or brings it to an end."""
    age = heartbeats.ages(patient.database).get(sweeping.HEARTBEAT)
    if age is not None and age <= SILENT_SECONDS:
        return ok(_("it sent the sweep within the last {time}").format(time=lasting(age)))
    waiting = patient.crew.waiting[ROUNDS]
    if ROUNDS in patient.crew.deserted:
        if waiting >= MOST_WAITING:
            what = _(
                "{count} of its rounds wait, as many as it lets wait: it ran when the last worker of `rounds` went"
            )
            return warning(what.format(count=figure(waiting)), _("start a worker that takes from the queue `rounds`"))
    elif waiting or _is_sent(patient):
        return ok(_("it sends its rounds"))
    if age is None:
        return trouble(_("it has never sent anything"), _(_START))
    return trouble(_("it has sent nothing for {time}").format(time=lasting(age)), _(_START))


def _is_sent(patient: Patient) -> bool:
    """Whether workers take up sweeps now: one that breaks each time leaves no trace but this."""
    app = client(patient.settings)
    before = sweeps(app)
    sleep(BETWEEN_LOOKS)
    return sweeps(app) > before


def sweep(patient: Patient) -> Finding:
    """Whether it goes round, and each of its looks with it."""
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
    return ok(_("it went round within the last {time}").format(time=lasting(age)))
