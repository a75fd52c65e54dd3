"""What the exporter really exports, for whoever compares it with what is asked for, and with what is written of it."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from campaigns import accounts
from campaigns.database import Database
from worker.broker import BrokerSettings
from worker.metrics import registry
from worker.metrics.queues import Queues


@pytest.fixture
def exported(sqlite_url: str, broker_url: str) -> dict[str, set[str]]:
    """What the exporter really exports: each name of a sample, and its labels."""
    database, broker = Database(sqlite_url), Queues(BrokerSettings(broker_url=broker_url))
    accounts.serve(database, ["default"])
    found = names_and_labels(registry(database, broker=broker))
    broker.close()
    database.close()
    return found


def names_and_labels(known: CollectorRegistry) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(generate_latest(known).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found
