"""An account's credits: whether they suffice and last, and whether the gateway counts them as our ledger does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from campaigns import demands, vitals
from campaigns.demands import Demand
from campaigns.standing import Standing, standings
from worker.checks.patient import Patient
from worker.console.screen import amount, lasting
from worker.findings import Finding, named, ok, trouble, warning, worst
from worker.language import _, figure, ngettext

LASTING = timedelta(days=1)
"""So much longer than its last campaign begins an account should last."""


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
    found = [
        finding
        for its in standings(database=patient.database)
        for finding in _of(its, asked.get(its.account), _expiry(patient, its))
    ]
    if not found:
        return ok(_("what accounts have covers what live campaigns ask of them"))
    remedy = "; ".join(dict.fromkeys(each.remedy for each in found))
    return Finding(worst(found), named([each.what for each in found]), remedy)


def _of(its: Standing, demand: Demand | None, expires_at: datetime | None) -> list[Finding]:
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
    if demand is not None and expires_at is not None:
        found.extend(_expiring(demand, expires_at))
    return found


def _expiring(demand: Demand, expires_at: datetime) -> list[Finding]:
    now = datetime.now(UTC)
    left = (expires_at - now).total_seconds()
    words = {"account": demand.account, "time": lasting(abs(left)), "count": figure(demand.campaigns)}
    remedy = _("have the gateway's operator prolong it, or end the campaigns before")
    if left <= 0:
        what = ngettext(
            "{account}: it expired {time} ago, and {count} campaign is live",
            "{account}: it expired {time} ago, and {count} campaigns are live",
            demand.campaigns,
        )
        return [trouble(what.format(**words), remedy)]
    if expires_at < max(now, demand.until or now) + LASTING:
        what = ngettext(
            "{account}: it expires in {time}, perhaps before the end of {count} live campaign",
            "{account}: it expires in {time}, perhaps before the end of {count} live campaigns",
            demand.campaigns,
        )
        return [warning(what.format(**words), remedy)]
    return []


def _expiry(patient: Patient, its: Standing) -> datetime | None:
    """As the gateway says now, or said when it was asked last."""
    told = patient.told.get(its.account)
    return its.expires_at if told is None else told.balance.expires
