"""How figures become families of samples, and what a look at the database is made with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.samples import Sample
from sqlalchemy import Connection

from campaigns.answers import Answers
from campaigns.census import AtWork
from campaigns.endings import Counted
from campaigns.totals import Totals

ACCOUNT = ("account",)

Samples = Iterable[tuple[Sequence[str], Any]]
"""Values of the labels, and the figure."""


@dataclass(frozen=True)
class Look:
    """One look at everything, in a snapshot.

    Attributes:
        accounts: those that the database knows, or campaigns at work name: each has its figures, be they nought.
        at_work: these campaigns, by account and state.
        ages: seconds since what must go round did, by name.
        counted: what this process has counted of messages since it began.
        answers: the same of requests; `totals` is what it knows of credits.
    """

    connection: Connection
    accounts: Sequence[str]
    at_work: Sequence[AtWork]
    ages: Mapping[str, float]
    counted: Counted
    answers: Answers
    totals: Totals

    def each(self, figures: Mapping[str, Any], otherwise: Any = 0) -> Samples:
        """A sample for each account; `otherwise` for those that have no figure."""
        return [((account,), figures.get(account, otherwise)) for account in self.accounts]


def gauge(name: str, help_: str, labels: Sequence[str], samples: Samples) -> GaugeMetricFamily:
    """What may rise and fall."""
    made = GaugeMetricFamily(name, help_, labels=labels)
    for values, value in samples:
        made.add_metric(list(values), float(value))
    return made


def counter(name: str, help_: str, labels: Sequence[str], samples: Samples) -> CounterMetricFamily:
    """What only grows; its samples have the name with `_total`."""
    made = CounterMetricFamily(name, help_, labels=labels)
    for values, value in samples:
        made.add_metric(list(values), float(value))
    return made


class Highest:
    """What a counter showed once it shows at least: a correction must not look as if everything had begun anew."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, tuple[str, ...]], float] = {}

    def of(self, metric: Metric) -> Metric:
        """The family, with none of its samples lower than it was; a gauge as it is."""
        if metric.type in ("counter", "histogram"):
            metric.samples = [self._raised(sample) for sample in metric.samples]
        return metric

    def _raised(self, sample: Sample) -> Sample:
        key = sample.name, tuple(sample.labels.values())
        value = self._shown[key] = max(self._shown.get(key, 0.0), sample.value)
        return sample._replace(value=value)
