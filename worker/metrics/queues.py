"""How many tasks wait in each queue of the broker, as far as it can be asked: a look, and no subscription.

The tasks are bells, and rung anew where they are lost; so a broker that is away costs its figures and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Lock
from time import monotonic
from typing import Any

from celery import Celery
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from worker.broker import BrokerSettings
from worker.metrics.families import gauge
from worker.ringing import speak

CONNECT_SECONDS = 1.0
RESTS_SECONDS = 30.0
"""For so long a broker that could not be asked is not asked again: figures of the database must not wait for it."""


class Queues(Collector):
    """Asks over one connection, which is kept."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._client = Celery("metrics", set_as_current=False)
        speak(self._client, settings)
        self._connection: Any = None
        self._again_at = 0.0
        self._one_at_a_time = Lock()

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked to be registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Whether the broker answers, and how long its queues are."""
        with self._one_at_a_time:
            depths = self._depths() if monotonic() >= self._again_at else None
        yield GaugeMetricFamily("campaigns_broker_up", "Whether the broker could be asked.", depths is not None)
        if depths is not None:
            samples = [((queue,), depth) for queue, depth in depths.items()]
            yield gauge("campaigns_queue_tasks", "Tasks that wait in a queue, for any worker.", ("queue",), samples)

    def _depths(self) -> dict[str, int] | None:
        try:
            if self._connection is None:
                self._connection = self._client.connection_for_read(connect_timeout=CONNECT_SECONDS)
                self._connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_SECONDS)
            return {queue: self._depth(self._connection, queue) for queue in self._client.conf.task_queues}
        except Exception:  # noqa: BLE001  each broker's client has errors of its own; some quote its URL
            self._again_at = monotonic() + RESTS_SECONDS
            self.close()
            return None

    def _depth(self, connection: Any, queue: str) -> int:
        """How many tasks; none where the queue is not there: some brokers have it only while something is in it."""
        with connection.channel() as channel:
            try:
                return int(channel.queue_declare(queue, passive=True).message_count)
            except connection.channel_errors:
                return 0

    def close(self) -> None:
        """Let go of the broker."""
        if self._connection is not None:
            self._connection.release()
            self._connection = None
