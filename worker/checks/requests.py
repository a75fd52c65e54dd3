"""Requests to the gateway: those that could leave and do not, and those of which nobody knows."""

from __future__ import annotations

from campaigns import vitals
from worker.checks.patient import Patient
from worker.console.screen import amount, counted, lasting
from worker.findings import Finding, named, ok, trouble, warning
from worker.language import _

STILL_SECONDS = 120.0
"""After which it is no chance that nothing leaves although something could: a request may take half a minute."""

DOUBTFUL_SECONDS = 3_600.0
"""After which a doubt is one that no report will settle any more, most likely."""


def pending(patient: Patient) -> Finding:
    found = patient.asked(vitals.pending)
    still = [each for each in found if each.still > STILL_SECONDS]
    if still:
        what = named(
            [
                _("{account}: nothing has left for {time}").format(account=each.account, time=lasting(each.still))
                for each in still
            ]
        )
        return trouble(what, _("is a worker running that has this account, and does it take from the queue `sending`?"))
    return ok(_("what could leave leaves") if found else _("nothing waits that may leave now"))


def doubts(patient: Patient) -> Finding:
    found = patient.asked(vitals.in_doubt)
    if not found:
        return ok(_("no request is in doubt"))
    what = "; ".join(map(_at_stake, found))
    late = max(each.oldest for each in found) > DOUBTFUL_SECONDS
    remedy = _("their reports may still settle them; `campaigns doubts` lists them, `campaigns resolve` decides")
    return trouble(what, remedy) if late else warning(what, remedy)


def _at_stake(its: vitals.InDoubt) -> str:
    return _("{account}: {requests} with {numbers}, {credits} credits at stake, the oldest {age} old").format(
        account=its.account,
        requests=counted(its.count, "request"),
        numbers=counted(its.numbers, "number"),
        credits=amount(its.credits),
        age=lasting(its.oldest),
    )
