"""What waits for somebody: gateways that were found away, and campaigns that need a person or a worker."""

from __future__ import annotations

import re
from collections.abc import Mapping

from campaigns import vitals
from campaigns.called import called
from campaigns.reasons import retold
from worker.checks.patient import Patient
from worker.checks.requests import DOUBTFUL_SECONDS
from worker.findings import MOST_NAMED, Finding, named, ok, trouble, warning
from worker.language import N_, _, figure, ngettext

_LOGIN_REFUSED = re.compile(r"\brefused(?: it)?[:,] -[234](?!\d)")
"""As reasons have it, which workers wrote: no login, no password, or wrong ones (`worker.smseco.codes`)."""

_LOGIN = N_(
    "a worker has a wrong login or password: correct ACCOUNTS__{name}__LOGIN and ACCOUNTS__{name}__PASSWORD where the"
    " workers run, and start these anew"
)
_TRIED_AGAIN = N_("it is tried again each minute at the latest; ask the gateway's operator if it lasts")


def _remedy(each: vitals.Away) -> str:
    return _(_LOGIN).format(name=each.account.upper()) if _LOGIN_REFUSED.search(each.reason) else _(_TRIED_AGAIN)


def accounts(patient: Patient) -> Finding:
    found = patient.asked(vitals.away)
    if not found:
        return ok(_("every gateway is there, as far as is known"))
    what = named([_(": ").join([each.account, retold(each.reason)]) for each in found])
    return warning(what, "; ".join(dict.fromkeys(map(_remedy, found))))


_BY_A_PERSON: Mapping[str, str] = {
    "paused": N_("put the reason right, then `campaigns resume {id}`"),
    "stalled": N_("a stalled one needs `campaigns doubts`"),
    "awaiting_credits": N_("one that awaits credits goes on by itself once its account has been topped up"),
}
"""What a campaign in this state needs; `id` is that of the first one."""


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
    first = {each.state: each for each in reversed(found)}
    logins = [_(_LOGIN).format(name=its.account.upper()) for its in found if _LOGIN_REFUSED.search(its.reason)]
    own = [_(remedy).format(id=first[state].campaign_id) for state, remedy in _BY_A_PERSON.items() if state in first]
    remedies = [*dict.fromkeys(logins), *own]
    if not strange:
        verdict = trouble if _stands_still(patient, found) else warning
        return verdict(named(halted), "; ".join(remedies))
    missed = _("start a worker whose settings have the account (ACCOUNTS__NAME__…), or `campaigns cancel ID`")
    return trouble("; ".join(map(named, filter(None, [_missed(strange), halted]))), "; ".join([missed, *remedies]))


def _stands_still(patient: Patient, found: list[vitals.Halted]) -> bool:
    """Whether one of them will not go on unless a person comes, who may not know of it."""
    late = {its.account for its in patient.asked(vitals.in_doubt) if its.oldest > DOUBTFUL_SECONDS}
    return any(each.by_itself or (each.state == "stalled" and each.account in late) for each in found)


def _missed(strange: list[vitals.Unserved]) -> list[str]:
    return [
        ngettext(
            "campaign {id} waits for a worker that has the account {account!r}, and none has",
            "{count} campaigns, the first is {id}, wait for a worker that has the account {account!r}, and none has",
            each.count,
        ).format(id=each.first, count=figure(each.count), account=each.account)
        for each in strange
    ]
