"""What the gateways answer, and how soon; and whether they are there."""

from __future__ import annotations

from prometheus_client.core import HistogramMetricFamily, Metric

from campaigns import accounts, census, vitals
from campaigns.answers import BOUNDS, OUTCOMES, Answered
from campaigns.states import AttemptKind
from worker.metrics.families import ACCOUNT, Look, counter, gauge

LABELS = ("account", "kind", "outcome")
OUTCOME_NAMES = tuple(dict.fromkeys(OUTCOMES.values()))


def _requests(look: Look) -> list[Metric]:
    keys = [(account, kind, name) for account in look.accounts for kind in AttemptKind for name in OUTCOME_NAMES]
    return [
        counter(
            "campaigns_requests",
            "Requests that came to this since this exporter began; what fell in doubt, once more when it is known.",
            LABELS,
            [(key, look.answers.of(*key).requests) for key in keys],
        ),
        counter(
            "campaigns_requests_numbers",
            "Numbers that these were made for.",
            LABELS,
            [(key, look.answers.of(*key).numbers) for key in keys],
        ),
    ]


def _durations(look: Look) -> list[Metric]:
    made = HistogramMetricFamily(
        "campaigns_request_duration_seconds",
        "From taking a batch to having what the gateway answered, of requests that it answered since this exporter"
        " began.",
        labels=("account", "kind"),
    )
    for account in look.accounts:
        for kind in AttemptKind:
            its = sum((look.answers.of(account, kind, name) for name in OUTCOME_NAMES), Answered())
            buckets = [(str(bound), float(count)) for bound, count in zip(BOUNDS, its.within, strict=True)]
            made.add_metric([account, kind], [*buckets, ("+Inf", float(its.timed))], its.seconds)
    return [made]


def _in_the_air(look: Look) -> list[Metric]:
    counts = {account: count for account, count, _ in census.in_the_air(look.connection)}
    return [gauge("campaigns_requests_in_the_air", "Requests that are being made.", ACCOUNT, look.each(counts))]


def _away(look: Look) -> list[Metric]:
    away = dict.fromkeys((each.account for each in vitals.away(look.connection)), 1)
    return [gauge("campaigns_account_away", "Whether the gateway is not as it should be.", ACCOUNT, look.each(away))]


def _exclusive(look: Look) -> list[Metric]:
    alone = dict.fromkeys(accounts.exclusive(look.connection), 1)
    help_ = "Whether nobody else sends through it, as the settings of the workers say."
    return [gauge("campaigns_account_exclusive", help_, ACCOUNT, look.each(alone))]


FAMILIES = (_requests, _durations, _in_the_air, _away, _exclusive)
