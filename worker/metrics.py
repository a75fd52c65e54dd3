"""The domain's figures for Prometheus, read from the database whenever they are asked for.

So they are the same whoever serves them, and true with prefork and with any number of workers. Each family is read by a
function of its own; labels are names of accounts and kinds of work, never anything of a recipient.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from campaigns import heartbeats, retention, vitals
from campaigns.database import Database, NotMigratedError
from worker import sweeping

ACCOUNT = ("account",)


def registry(database: Database) -> CollectorRegistry:
    """What `prometheus_client` prints and serves: every family, read anew at each asking."""
    made = CollectorRegistry(auto_describe=False)
    made.register(Domain(database))
    return made


class Domain(Collector):
    """All families; where the database cannot be read, only that it cannot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[Metric]:
        """Nothing is read to be registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Each family with its samples."""
        try:
            found = [*_heartbeats(self._database), *self._read()]
        except (SQLAlchemyError, NotMigratedError):
            found = []
        yield GaugeMetricFamily(
            "campaigns_database_up", "Whether the database could be read; if not, nothing else is known.", bool(found)
        )
        yield from found

    def _read(self) -> list[Metric]:
        with self._database.reading() as connection:
            accounts = vitals.names(connection)
            return [metric for family in FAMILIES for metric in family(connection, accounts)]


def _heartbeats(database: Database) -> list[Metric]:
    ages = heartbeats.ages(database)
    sweep = GaugeMetricFamily(
        "campaigns_sweep_heartbeat_age_seconds",
        "Seconds since the sweep went round, to some ten seconds; infinite if it never did. Above 60 it is silent.",
        ages.get(sweeping.HEARTBEAT, math.inf),
    )
    looks = [((look,), ages.get(sweeping.heartbeat(look), math.inf)) for look in sweeping.LOOKS]
    each = _gauge("campaigns_sweep_look_age_seconds", "The same of each of its looks.", ("look",), looks)
    return [sweep, each]


def _in_doubt(connection: Connection, accounts: Sequence[str]) -> list[Metric]:
    found = {each.account: each for each in vitals.in_doubt(connection)}

    def gauge(name: str, help_: str, value: Callable[[vitals.InDoubt], Any]) -> Metric:
        return _gauge(name, help_, ACCOUNT, [((a,), value(found[a]) if a in found else 0) for a in accounts])

    return [
        gauge("campaigns_attempts_in_doubt", "Requests whose outcome nobody knows.", lambda it: it.count),
        gauge("campaigns_attempts_in_doubt_numbers", "Numbers that these were made for.", lambda it: it.numbers),
        gauge("campaigns_attempts_in_doubt_credits", "Credits that they may have cost.", lambda it: it.credits),
        gauge("campaigns_attempts_in_doubt_oldest_seconds", "Age of the oldest of them.", lambda it: it.oldest),
    ]


def _polls(connection: Connection, accounts: Sequence[str]) -> list[Metric]:
    none = {account: vitals.Polls(account) for account in accounts}
    found = (none | {each.account: each for each in vitals.polls(connection, lately=0.0)}).values()
    lost = CounterMetricFamily(
        "campaigns_report_polls_lost", "Readings of delivery reports whose bytes never arrived.", labels=ACCOUNT
    )
    for each in found:
        lost.add_metric([each.account], each.lost)

    def gauge(name: str, help_: str, value: Callable[[vitals.Polls], int]) -> Metric:
        return _gauge(name, help_, ACCOUNT, [((each.account,), value(each)) for each in found])

    return [
        lost,
        gauge("campaigns_report_polls_overdue", "Readings whose reader has died, most likely.", lambda it: it.overdue),
        gauge("campaigns_report_polls_broken", "Bodies that cannot be applied, and are kept.", lambda it: it.broken),
        gauge("campaigns_report_polls_parked", "Bodies with reports that nobody claims yet.", lambda it: it.parked),
    ]


def _pending(connection: Connection, accounts: Sequence[str]) -> list[Metric]:
    found = {each.account: each for each in vitals.pending(connection)}
    oldest = [((a,), found[a].oldest if a in found else 0) for a in accounts]
    still = [((a,), found[a].still if a in found else 0) for a in accounts]
    return [
        _gauge("campaigns_pending_oldest_seconds", "Age of the oldest campaign that could send now.", ACCOUNT, oldest),
        _gauge("campaigns_pending_still_seconds", "How long nothing left although something could.", ACCOUNT, still),
    ]


def _bells(connection: Connection, _accounts: Sequence[str]) -> list[Metric]:
    kinds = Counter(each.kind for each in vitals.in_trouble(connection))
    samples = [((work,), kinds[work]) for work in sorted({"expand", "fund", "poll", "send", *kinds})]
    return [_gauge("campaigns_bells_in_trouble", "Pieces of work that break again and again.", ("work",), samples)]


def _away(connection: Connection, accounts: Sequence[str]) -> list[Metric]:
    away = {each.account for each in vitals.away(connection)}
    samples = [((a,), int(a in away)) for a in accounts]
    return [_gauge("campaigns_account_away", "Whether the gateway is not as it should be.", ACCOUNT, samples)]


def _retention(connection: Connection, _accounts: Sequence[str]) -> list[Metric]:
    found = retention.overdue(connection)
    samples = [(("campaigns",), found.campaigns), (("bodies",), found.bodies)]
    return [_gauge("campaigns_purge_overdue", "What is kept for longer than it is to be.", ("what",), samples)]


FAMILIES: Sequence[Callable[[Connection, Sequence[str]], list[Metric]]] = (
    _in_doubt,
    _polls,
    _pending,
    _bells,
    _away,
    _retention,
)
"""What is read of the database, in the order in which it is printed."""


def _gauge(
    name: str, help_: str, labels: Sequence[str], samples: Iterable[tuple[Sequence[str], Any]]
) -> GaugeMetricFamily:
    made = GaugeMetricFamily(name, help_, labels=labels)
    for values, value in samples:
        made.add_metric(list(values), float(value))
    return made
