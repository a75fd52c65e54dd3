"""A worker that is asked to stop: what is in the air is settled, or in doubt, and the others go on at once.

By SIGTERM it ends when it is done with what it has; SIGQUIT (Celery's cold shutdown) cuts that off, and so does a
SIGTERM that the processes of its pool get as well.
"""

import os
from collections.abc import Callable
from signal import SIGQUIT, SIGTERM, Signals
from time import monotonic

import pytest

from campaigns.states import CampaignState
from tests.chaos.test_database_deaths import COUNT, SIZE, SOON
from tests.system.conftest import Build
from tests.system.installation import Installation, people, select, whom

pytestmark = pytest.mark.system

Record = Callable[[str, object], None]

TIMEOUT_STOP = float(SOON["POST_TIMEOUT"]) + 45
"""Seconds, as an operator is told to allow: POST_TIMEOUT, and what Celery may need besides."""

PROCESSES = 2
"""Of each worker; both of them have a request in the air while the gateway takes its time."""


def two_workers(build: Build, **settings: str) -> Installation:
    site = build(settings={**SOON, **settings})
    site.start_worker("first", processes=PROCESSES)
    site.start_worker("second", processes=PROCESSES)
    site.start_beat()
    return site


def test_of_two_workers_one_is_asked_to_stop_and_the_other_goes_on(build: Build, record_property: Record) -> None:
    site = two_workers(build)
    gateway = site.gateways["main"]
    gateway.sandbox.settings(latency=0.5)
    made = site.submit("main", people(COUNT), batch_size=SIZE)
    site.until(lambda: gateway.count() >= 4 * SIZE)
    gateway.sandbox.settings(latency=2.0)  # much is left when the first has ended, however long that takes it
    began = monotonic()
    assert site.terminate("first", within=TIMEOUT_STOP) == 0
    record_property("seconds from SIGTERM to the end of the worker", monotonic() - began)
    began, before = monotonic(), gateway.count()
    site.until(lambda: gateway.count() > before + 2 * SIZE, within=30, what="the other goes on")
    record_property("seconds from its end until the other had sent more", monotonic() - began)
    gateway.sandbox.settings(latency=0.0)
    account = site.ended(made)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    assert set(gateway.sent()) == whom(site, made)
    states = {row.state for row in select(site, "SELECT state FROM attempts")}
    assert states == {"accepted"}, "something was left to its lease, or made twice"
    site.settled("main", made)


@pytest.mark.parametrize(
    ("signals", "to", "cut"),
    [
        ([SIGTERM, SIGTERM], os.kill, 0),
        ([SIGTERM], os.killpg, PROCESSES),
        ([SIGQUIT], os.kill, PROCESSES),
        ([SIGTERM, SIGQUIT], os.kill, PROCESSES),
    ],
    ids=["SIGTERM twice", "SIGTERM to the whole group", "SIGQUIT", "SIGTERM and SIGQUIT"],
)
def test_what_is_in_the_air_when_a_worker_is_cut_off_is_proven_by_its_reports(
    build: Build, signals: list[Signals], to: Callable[[int, int], None], cut: int, record_property: Record
) -> None:
    site = two_workers(build, POST_TIMEOUT="9")
    gateway = site.gateways["main"]
    gateway.sandbox.settings(latency=6.0)
    made = site.submit("main", people(COUNT), batch_size=SIZE)
    first = site.children["first"].process

    def told() -> bool:
        with site.asleep("first"):  # in which it hears no reply
            waits = all_in_the_air(site, made, 2 * PROCESSES)
            if waits:
                to(first.pid, signals[0])
        return waits

    site.until(told, what="every process waits for a reply")
    del site.children["first"]
    began = monotonic()
    gateway.sandbox.settings(latency=0.0)
    for number in signals[1:]:
        site.until(lambda: "Warm shutdown" in site.log("first"), what="it has heard the signal before")
        to(first.pid, number)
    first.wait(9 + 45)
    site.processes.stop("first")
    record_property("seconds from the first signal to the end of the worker", monotonic() - began)
    account = site.ended(made)
    record_property("seconds from the first signal to the end of the campaign", monotonic() - began)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    assert set(gateway.sent()) == whom(site, made)
    (proven,) = select(site, "SELECT count(*) AS count FROM attempts WHERE receipt IS NULL")
    assert proven.count == cut
    site.settled("main", made)


def all_in_the_air(site: Installation, made: int, processes: int) -> bool:
    """Each of so many processes has a request at the gateway, which has accepted it and says nothing yet."""
    batches = site.progress(made).batches
    sending = batches.get("sending", 0)
    return sending == processes and site.gateways["main"].count() == SIZE * (sending + batches.get("accepted", 0))
