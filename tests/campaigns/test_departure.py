"""Who was asked to end is known to all that it has forked, and insists on nothing without end."""

import os
from math import inf
from mmap import mmap

import pytest
from sqlalchemy import make_url

from campaigns import departure, outages
from campaigns.outages import DatabaseAway, insisting


@pytest.fixture(autouse=True)
def _of_this_test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departure, "_BY", mmap(-1, 8))


@insisting
def write() -> None:
    raise DatabaseAway(make_url("postgresql://host/name"), ConnectionRefusedError("refused"))


def test_nobody_leaves_before_he_was_asked() -> None:
    assert departure.by() == inf


def test_who_insists_gives_up_when_its_process_is_to_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    for module in (departure, outages):
        monkeypatch.setattr(module, "monotonic", lambda: 1_000.0 + sum(waits))
    monkeypatch.setattr(outages, "sleep", waits.append)
    departure.announce(0.3)
    with pytest.raises(DatabaseAway):
        write()
    assert 0 < sum(waits) <= 0.3


def test_who_is_late_tries_once() -> None:
    departure.announce(-60)
    with pytest.raises(DatabaseAway):
        write()


def test_nobody_is_given_more_time_by_being_asked_again() -> None:
    departure.announce(10)
    first = departure.by()
    departure.announce(1_000)
    assert departure.by() == first


def test_a_process_that_was_forked_before_knows_at_once() -> None:
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.read(reads, 1)
        os._exit(0 if departure.by() < inf else 1)
    departure.announce(10)
    os.write(writes, b".")
    assert os.waitpid(child, 0)[1] == 0
