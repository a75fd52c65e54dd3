"""What waits for a person, or is about to: doubts, readings that were lost, what stands still, the sweep."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from prometheus_client.core import Metric

from campaigns import retention, vitals
from worker import sweeping, tracking
from worker.metrics.families import ACCOUNT, Look, counter, gauge


def _heartbeats(look: Look) -> list[Metric]:
    sweep = [((), look.ages.get(sweeping.HEARTBEAT, math.inf))]
    looks = [((each,), look.ages.get(sweeping.heartbeat(each), math.inf)) for each in sweeping.LOOKS]
    return [
        gauge(
            "campaigns_sweep_heartbeat_age_seconds",
            "Seconds since the sweep went round, to some ten seconds; infinite if it never did. Above 60 it is silent.",
            (),
            sweep,
        ),
        gauge("campaigns_sweep_look_age_seconds", "The same of each of its looks.", ("look",), looks),
    ]


def _in_doubt(look: Look) -> list[Metric]:
    found = {each.account: each for each in vitals.in_doubt(look.connection)}

    def of(name: str, help_: str, value: Callable[[vitals.InDoubt], Any]) -> Metric:
        return gauge(name, help_, ACCOUNT, look.each({account: value(its) for account, its in found.items()}))

    return [
        of("campaigns_attempts_in_doubt", "Requests whose outcome nobody knows.", lambda it: it.count),
        of("campaigns_attempts_in_doubt_numbers", "Numbers that these were made for.", lambda it: it.numbers),
        of("campaigns_attempts_in_doubt_credits", "Credits that they may have cost.", lambda it: it.credits),
        of("campaigns_attempts_in_doubt_oldest_seconds", "Age of the oldest of them.", lambda it: it.oldest),
    ]


def _polls(look: Look) -> list[Metric]:
    found = {each.account: each for each in vitals.polls(look.connection, lately=0.0)}
    none = vitals.Polls("")

    def of(name: str, help_: str, value: Callable[[vitals.Polls], float]) -> Metric:
        return gauge(name, help_, ACCOUNT, [((each,), value(found.get(each, none))) for each in look.accounts])

    ages = {account: look.ages.get(tracking.heartbeat(account), math.inf) for account in look.accounts}
    return [
        counter(
            "campaigns_report_polls_lost",
            "Readings of delivery reports whose bytes never arrived, ever: gaps of the journal.",
            ACCOUNT,
            look.each({account: its.lost for account, its in found.items()}),
        ),
        gauge(
            "campaigns_report_poll_age_seconds",
            "Seconds since reports were read and arrived whole, to some ten seconds; infinite if they never did.",
            ACCOUNT,
            look.each(ages),
        ),
        of("campaigns_report_polls_overdue", "Readings whose reader has died, most likely.", lambda it: it.overdue),
        of("campaigns_report_polls_broken", "Bodies that cannot be applied, and are kept.", lambda it: it.broken),
        of("campaigns_report_polls_parked", "Bodies with reports that nobody claims yet.", lambda it: it.parked),
        of("campaigns_report_polls_unapplied", "Bodies that nobody has applied yet.", lambda it: it.stored),
        of("campaigns_report_polls_unapplied_oldest_seconds", "Age of the oldest of these.", lambda it: it.waits),
    ]


def _pending(look: Look) -> list[Metric]:
    found = vitals.pending(look.connection)
    oldest = look.each({each.account: each.oldest for each in found})
    still = look.each({each.account: each.still for each in found})
    return [
        gauge("campaigns_pending_oldest_seconds", "Age of the oldest campaign that could send now.", ACCOUNT, oldest),
        gauge("campaigns_pending_still_seconds", "How long nothing left although something could.", ACCOUNT, still),
    ]


def _bells(look: Look) -> list[Metric]:
    kinds = Counter(each.kind for each in vitals.in_trouble(look.connection))
    samples = [((work,), kinds[work]) for work in sorted({"expand", "fund", "poll", "send", *kinds})]
    return [gauge("campaigns_bells_in_trouble", "Pieces of work that break again and again.", ("work",), samples)]


def _retention(look: Look) -> list[Metric]:
    found = retention.overdue(look.connection)
    samples = [(("campaigns",), found.campaigns), (("bodies",), found.bodies)]
    return [gauge("campaigns_purge_overdue", "What is kept for longer than it is to be.", ("what",), samples)]


FAMILIES = (_heartbeats, _in_doubt, _polls, _pending, _bells, _retention)
