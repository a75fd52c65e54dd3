"""The domain's figures for Prometheus, read from the database whenever they are asked for.

So they are the same whoever serves them, and true with prefork and with any number of workers. Labels are names of
accounts, states and kinds of work, never anything of a recipient. Each file has the families of one subject.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError

from campaigns import census, heartbeats, vitals
from campaigns.answers import Answers
from campaigns.database import Database, NotMigratedError, forbid_scans
from campaigns.endings import Endings
from campaigns.totals import Totals
from worker.metrics import gateways, money, queues, trouble, work
from worker.metrics.families import Highest, Look

FAMILIES: Sequence[Callable[[Look], list[Metric]]] = (
    *trouble.FAMILIES,
    *work.FAMILIES,
    *money.FAMILIES,
    *gateways.FAMILIES,
)
"""What is read of the database, in the order in which it is printed."""


def registry(
    database: Database, *, endings: Endings | None = None, broker: queues.Queues | None = None
) -> CollectorRegistry:
    """What `prometheus_client` prints and serves: all families, read anew at each asking.

    Args:
        database: whose figures.
        endings: somebody who counts messages meanwhile (see `counting`); nobody does if none is named.
        broker: whose queues are asked for as well.
    """
    made = CollectorRegistry(auto_describe=False)
    made.register(Domain(database, endings or Endings()))
    if broker is not None:
        made.register(broker)
    return made


class Domain(Collector):
    """All families; where the database cannot be read, only that it cannot.

    It remembers what it has read of requests and credits, so that only what came since is read.
    """

    def __init__(self, database: Database, endings: Endings) -> None:
        self._database, self._endings = database, endings
        self._one_at_a_time = Lock()
        self._answers, self._totals, self._highest = Answers(), Totals(), Highest()

    def describe(self) -> Iterable[Metric]:
        """Nothing is read to be registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Each family with its samples."""
        with self._one_at_a_time:
            began = time.monotonic()
            try:
                found = [self._highest.of(metric) for metric in self._read()]
            except (SQLAlchemyError, NotMigratedError):
                found = []
            took = time.monotonic() - began
        yield GaugeMetricFamily(
            "campaigns_database_up", "Whether the database could be read; if not, nothing else is known.", bool(found)
        )
        if found:
            yield GaugeMetricFamily("campaigns_read_seconds", "How long it took to read all these figures.", took)
        yield from found

    def _read(self) -> list[Metric]:
        ages = heartbeats.ages(self._database)
        with self._database.snapshot() as connection:
            forbid_scans(connection)  # of a history of any length only what is at work is to be read
            at_work = census.campaigns_at_work(connection)
            accounts = sorted({*vitals.names(connection), *(its.account for its in at_work)})
            self._answers.look(connection, accounts)
            look = Look(connection, accounts, at_work, ages, self._endings.counted, self._answers, self._totals)
            return [metric for family in FAMILIES for metric in family(look)]
