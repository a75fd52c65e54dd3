"""What the gateway counts of an account's credits, beside our ledger."""

from __future__ import annotations

from campaigns import vitals
from worker.checks.patient import LATELY, Patient
from worker.console.screen import amount
from worker.findings import Finding, named, ok, warning
from worker.language import _


def drift(patient: Patient) -> Finding:
    found = patient.asked(lambda connection: vitals.drifts(connection, lately=LATELY))
    drifted = [
        (_("{account}: {credits} more") if each.lately > 0 else _("{account}: {credits} less")).format(
            account=each.account, credits=amount(abs(each.lately))
        )
        for each in found
        if each.lately
    ]
    if drifted:
        what = _("in the last day the gateway counted other credits than our ledger: {accounts}")
        remedy = _("`campaigns credits` says what it may mean: a doubt, another program, or a price")
        return warning(what.format(accounts=named(drifted)), remedy)
    if not found:
        return ok(_("nothing to compare yet"))
    return ok(_("in the last day the gateway counted what our ledger did"))
