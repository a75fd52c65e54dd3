"""An account's credits: whether they suffice and last, and whether the gateway counts them as our ledger does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from campaigns import demands, expected, vitals
from campaigns.demands import Demand
from campaigns.expected import Expected
from campaigns.standing import Standing, standings
from worker.checks.patient import Patient
from worker.console.screen import amount, lasting
from worker.findings import Finding, named, ok, trouble, warning, worst
from worker.language import _, figure, ngettext


def drift(patient: Patient) -> Finding:
    found = patient.asked(lambda connection: vitals.drifts(connection, lately=vitals.LATELY))
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


def balance(patient: Patient) -> Finding:
    """Whether what accounts have covers what is promised and what waits, and outlives the campaigns."""
    asked = {its.account: its for its in patient.asked(demands.demands)}
    found = [finding for its in standings(database=patient.database) for finding in _of(its, asked.get(its.account))]
    clock = patient.database.clock()
    found += [
        _expiring(its, its.expires_at, clock) for its in _ends(patient) if its.expires_at is not None and its.too_late
    ]
    if not found:
        return ok(_("what accounts have covers what live campaigns ask of them"))
    remedy = "; ".join(dict.fromkeys(each.remedy for each in found))
    return Finding(worst(found), named([each.what for each in found]), remedy)


def _of(its: Standing, demand: Demand | None) -> list[Finding]:
    found = []
    top_up = _("top the account up: what waits goes on by itself")
    free = its.free
    if free is not None and free < 0:
        what = _("{account}: {credits} credits more are promised than it has")
        found.append(trouble(what.format(account=its.account, credits=amount(-free)), top_up))
    if free is not None and demand is not None and demand.need > free:
        what = ngettext(
            "{account}: {count} campaign waits for {need} credits, and {free} are free",
            "{account}: {count} campaigns wait for {need} credits, and {free} are free",
            demand.waiting,
        ).format(
            account=its.account,
            count=figure(demand.waiting),
            need=amount(demand.need),
            free=amount(max(free, type(free)(0))),
        )
        found.append(warning(what, top_up))
    return found


def _ends(patient: Patient) -> list[Expected]:
    """What accounts are needed for, and how long they are good: as the gateway says now, or said last."""
    told = patient.told
    return [
        replace(its, expires_at=told[its.account].balance.expires) if its.account in told else its
        for its in patient.asked(expected.ends)
    ]


def _expiring(its: Expected, expires_at: datetime, clock: datetime) -> Finding:
    words = {"account": its.account, "id": its.campaign_id, "end": lasting((its.ends_at - clock).total_seconds())}
    left = (expires_at - clock).total_seconds()
    remedy = _("have the gateway's operator prolong it, or end the campaigns before")
    if left <= 0:
        what = _("{account}: it expired {time} ago, and campaign {id} is still to be sent")
        return trouble(what.format(time=lasting(-left), **words), remedy)
    what = _("{account}: it expires in {time}, and campaign {id} will have been sent in {end} at the earliest")
    return warning(what.format(time=lasting(left), **words), remedy)
