"""What waits for somebody: gateways that were found away, and campaigns that need a person or a worker."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns import vitals
from campaigns.called import called
from campaigns.reasons import retold
from worker.checks.patient import Patient
from worker.findings import MOST_NAMED, Finding, named, ok, trouble, warning
from worker.language import N_, _, figure, ngettext


def accounts(patient: Patient) -> Finding:
    found = patient.asked(vitals.away)
    if not found:
        return ok(_("every gateway is there, as far as is known"))
    what = named([_(": ").join([each.account, retold(each.reason)]) for each in found])
    return warning(what, _("it is tried again each minute at the latest; ask the gateway's operator if it lasts"))


_BY_A_PERSON: Mapping[str, str] = {
    "paused": N_("put the reason right, then `campaigns resume ID`"),
    "stalled": N_("a stalled one needs `campaigns doubts`"),
    "awaiting_credits": N_("one that awaits credits goes on by itself once its account has been topped up"),
}
"""What a campaign in this state needs."""


def campaigns(patient: Patient) -> Finding:
    strange = patient.asked(vitals.unserved)
    found = patient.asked(lambda connection: vitals.halted(connection, MOST_NAMED + 1))
    if not found and not strange:
        return ok(_("none waits for a person"))
    halted = [
        _("campaign {id} is {state}: {reason}").format(
            id=each.campaign_id, state=called(each.state), reason=retold(each.reason)
        )
        for each in found
    ]
    states = {each.state for each in found}
    remedies = [_(remedy) for state, remedy in _BY_A_PERSON.items() if state in states]
    if not strange:
        return warning(named(halted), "; ".join(remedies))
    missed = _("start a worker whose settings have the account (ACCOUNTS__NAME__…), or `campaigns cancel ID`")
    return trouble("; ".join(map(named, filter(None, [_missed(strange), halted]))), "; ".join([missed, *remedies]))


def _missed(strange: list[vitals.Unserved]) -> list[str]:
    return [
        ngettext(
            "campaign {id} waits for a worker that has the account {account!r}, and none has",
            "{count} campaigns, the first is {id}, wait for a worker that has the account {account!r}, and none has",
            each.count,
        ).format(id=each.first, count=figure(each.count), account=each.account)
        for each in strange
    ]
