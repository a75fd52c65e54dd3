"""Where credits are: what the gateway says, what our ledger says, what is missing; and how long the account is good."""

from __future__ import annotations

from decimal import Decimal
from math import inf, nan

from prometheus_client.core import Metric
from sqlalchemy import Connection

from campaigns import census, credits, expected, vitals
from campaigns.balances import Balance
from worker.metrics.families import ACCOUNT, Look, counter, gauge


def _balances(look: Look) -> list[Metric]:
    known = {its.account: its for its in vitals.balances(look.connection)}
    free = {account: _free(look.connection, its) for account, its in known.items()}
    return [
        gauge(
            "campaigns_credits_balance",
            "What the gateway said that the account has; not a number as long as it never did.",
            ACCOUNT,
            look.each({account: its.credits for account, its in known.items()}, nan),
        ),
        gauge(
            "campaigns_credits_balance_age_seconds",
            "Seconds since it was asked; infinite if it never was.",
            ACCOUNT,
            look.each({account: its.age for account, its in known.items()}, inf),
        ),
        gauge(
            "campaigns_credits_free",
            "Of that, what is not held, nor of requests that may not be in it; less than nought where more is gone.",
            ACCOUNT,
            look.each(free, nan),
        ),
        gauge(
            "campaigns_account_expires_timestamp_seconds",
            "When the account expires, as the gateway said last; infinite if it never said.",
            ACCOUNT,
            look.each({name: its.expires_at.timestamp() for name, its in known.items() if its.expires_at}, inf),
        ),
    ]


def _free(connection: Connection, its: vitals.KnownBalance) -> Decimal:
    said = Balance(credits=its.credits, consumed=None, expires_at=its.expires_at, asked_at=its.asked_at)
    return credits.available(connection, its.account, said)


def _ends(look: Look) -> list[Metric]:
    found = {its.account: its.ends_at.timestamp() for its in expected.ends(look.connection)}
    return [
        gauge(
            "campaigns_expected_end_timestamp_seconds",
            "When the last message of all campaigns may leave, at the earliest by their times, windows and rates; 0 if"
            " nothing is to be sent.",
            ACCOUNT,
            look.each(found),
        )
    ]


def _ledger(look: Look) -> list[Metric]:
    totals = {account: look.totals.look(look.connection, account) for account in look.accounts}
    drifts = {its.account: its.lately for its in vitals.drifts(look.connection, lately=vitals.LATELY)}
    return [
        counter(
            "campaigns_credits_posted",
            "Credits that the gateway took, by our ledger since its beginning.",
            ACCOUNT,
            look.each({account: its.posted for account, its in totals.items()}),
        ),
        counter(
            "campaigns_credits_refunded",
            "Of these, what it gave back.",
            ACCOUNT,
            look.each({account: its.refunded for account, its in totals.items()}),
        ),
        gauge(
            "campaigns_credits_drift",
            "What the gateway counted in the last day more than our ledger did, and nothing under way explains.",
            ACCOUNT,
            look.each(drifts),
        ),
    ]


def _awaited(look: Look) -> list[Metric]:
    missing: dict[str, Decimal] = {}
    for its in look.at_work:
        missing[its.account] = missing.get(its.account, Decimal(0)) + its.shortfall
    at_stake = {account: credits_ for account, _, credits_ in census.in_the_air(look.connection)}
    return [
        gauge("campaigns_credits_awaited", "Credits that campaigns wait for a top-up of.", ACCOUNT, look.each(missing)),
        gauge(
            "campaigns_credits_in_the_air",
            "Credits that requests may cost which are being made.",
            ACCOUNT,
            look.each(at_stake),
        ),
    ]


FAMILIES = (_balances, _awaited, _ledger, _ends)
