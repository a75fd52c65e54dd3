"""What has stood still for longer than it should, the oldest first, whatever it is."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns import stuck as standing
from campaigns.stuck import Kind, Stuck
from worker.checks.patient import Patient
from worker.console.screen import lasting
from worker.findings import Finding, named, ok, trouble, warning
from worker.language import N_, _, figure, ngettext, nN_

LONG_SECONDS = 600.0
"""After which it is no rush that passes."""

WHAT: Mapping[Kind, tuple[str, str]] = {
    Kind.LEASE: nN_(
        "{count} batch of {account} was claimed and never settled (campaign {id}), {age} after its lease ran out",
        "{count} batches of {account} were claimed and never settled (one of campaign {id}), the oldest {age} after its"
        " lease ran out",
    ),
    Kind.BODY: nN_(
        "{count} body of reports of {account} (number {id}) has not been applied for {age}",
        "{count} bodies of reports of {account} (the first is number {id}) have not been applied, the oldest for {age}",
    ),
    Kind.EXPANSION: nN_(
        "{count} campaign of {account} ({id}) has waited to be expanded for {age}",
        "{count} campaigns of {account} (the first is {id}) have waited to be expanded, the oldest for {age}",
    ),
    Kind.FUNDING: nN_(
        "{count} campaign of {account} ({id}) has waited to be funded for {age}",
        "{count} campaigns of {account} (the first is {id}) have waited to be funded, the oldest for {age}",
    ),
}

REMEDY: Mapping[Kind, str] = {
    Kind.LEASE: N_("the sweep makes it a doubt, by which reports or a person decide: see `beat` and `sweep`"),
    Kind.BODY: N_("is a worker running that takes from the queue `tracking` and has the account?"),
    Kind.EXPANSION: N_("is a worker running that takes from the queue `campaigns`? if so, more of them may be needed"),
    Kind.FUNDING: N_("is a worker running that takes from the queue `campaigns` and has the account?"),
}


def stuck(patient: Patient) -> Finding:
    """By name; what is in doubt, what could leave, and what waits for a person is told by other checks."""
    found = patient.asked(standing.stuck)
    if not found:
        return ok(_("nothing stands still"))
    what = named([_told(each) for each in found])
    remedy = "; ".join(_(REMEDY[kind]) for kind in dict.fromkeys(each.kind for each in found))
    grave = any(each.kind == Kind.LEASE or each.seconds > LONG_SECONDS for each in found)
    return trouble(what, remedy) if grave else warning(what, remedy)


def _told(its: Stuck) -> str:
    form = ngettext(*WHAT[its.kind], its.count)
    return form.format(count=figure(its.count), account=its.account, id=its.id, age=lasting(its.seconds))
