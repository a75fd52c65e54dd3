"""How many tasks wait in each queue: asked of the broker, and a broker that cannot be asked costs nothing else."""

import time

import kombu
import pytest
from prometheus_client import CollectorRegistry

from tests.worker.test_metrics import sampled_of
from worker.broker import BrokerSettings
from worker.metrics import queues
from worker.metrics.queues import Queues


def asked(url: str) -> dict[str, float]:
    known = CollectorRegistry(auto_describe=False)
    broker = Queues(BrokerSettings(broker_url=url))
    known.register(broker)
    found = sampled_of(known)
    broker.close()
    return found


def test_tasks_that_wait_are_counted_by_queue_and_a_queue_that_is_not_there_is_empty(broker_url: str) -> None:
    with kombu.Connection(broker_url) as connection:
        for _ in range(3):
            connection.SimpleQueue("sending").put({})
    assert asked(broker_url) == {
        "campaigns_broker_up": 1,
        "campaigns_queue_tasks{campaigns}": 0,
        "campaigns_queue_tasks{sending}": 3,
        "campaigns_queue_tasks{tracking}": 0,
        "campaigns_queue_tasks{rounds}": 0,
    }


def test_a_broker_that_is_away_is_all_that_is_told_and_is_soon_told() -> None:
    began = time.monotonic()
    assert asked("redis://127.0.0.1:1/0") == {"campaigns_broker_up": 0}
    assert time.monotonic() - began < 5


def test_a_broker_that_was_away_rests_and_is_asked_again(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Queues(BrokerSettings(broker_url="redis://127.0.0.1:1/0"))
    known = CollectorRegistry(auto_describe=False)
    known.register(broker)
    assert sampled_of(known) == {"campaigns_broker_up": 0}
    broker._client.conf.broker_url = broker_url
    broker._client.conf.broker_read_url = broker_url
    assert sampled_of(known) == {"campaigns_broker_up": 0}
    now = time.monotonic()
    monkeypatch.setattr(queues, "monotonic", lambda: now + queues.RESTS_SECONDS + 1)
    assert sampled_of(known)["campaigns_broker_up"] == 1
    broker.close()
