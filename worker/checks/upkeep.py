"""What workers do by themselves: work that breaks each time, and what is to be purged."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns import retention as purges
from campaigns import tries, vitals
from campaigns.reasons import retold
from worker.checks.patient import Patient
from worker.console.screen import lasting
from worker.findings import Finding, named, ok, trouble, warning
from worker.language import N_, _, figure, ngettext

DAYS_LATE = 1


_BY_RESUME = N_("`campaigns resume ID` has it tried again, once that is mended")

TRIED_AGAIN: Mapping[str, str] = {
    "expand": _BY_RESUME,
    "sends": _BY_RESUME,
    "submit": N_("it is refused when it comes next, and kept as a failed campaign"),
}
"""How work of this kind is tried again; whatever is done for a whole account is by itself (see `campaigns.poison`)."""


def work(patient: Patient) -> Finding:
    found = patient.asked(vitals.in_trouble)
    if not found:
        return ok(_("no work breaks again and again"))
    what = named(
        [
            ngettext("{work} ({count} try: {reason})", "{work} ({count} tries: {reason})", each.tries).format(
                work=each.key, count=figure(each.tries), reason=retold(each.reason)
            )
            for each in found
        ]
    )
    by_itself = _("it is tried again by itself, every {time}").format(time=lasting(tries.PARKED_SECONDS))
    kinds = {each.kind: _(TRIED_AGAIN[each.kind]) if each.kind in TRIED_AGAIN else by_itself for each in found}
    again = [
        _(": ").join([", ".join(kind for kind in kinds if kinds[kind] == how), how])
        for how in dict.fromkeys(kinds.values())
    ]
    return trouble(what, "; ".join([_("see the worker's log for the traceback"), *again]))


def retention(patient: Patient) -> Finding:
    its = patient.settings
    if its.keep_text_days is None and its.keep_reports_days is None:
        return ok(_("nothing is purged: no KEEP_…_DAYS is set"))
    found = patient.asked(lambda connection: purges.overdue(connection, days_late=DAYS_LATE))
    if not found.campaigns and not found.bodies:
        return ok(_("what is to be purged is"))
    what = _("should have been purged a day ago: campaigns: {campaigns}, raw reports: {bodies}")
    remedy = _("is a worker running that takes from the queue `campaigns`? it purges a little at a time")
    return warning(what.format(campaigns=figure(found.campaigns), bodies=figure(found.bodies)), remedy)
