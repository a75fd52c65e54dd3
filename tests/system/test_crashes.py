"""What is killed, wiped or stopped in mid-campaign: nobody is sent to twice, and the campaign ends unaided."""

import time
from collections.abc import Callable

import pytest

from campaigns.states import CampaignState
from tests.system.conftest import Build
from tests.system.installation import TIMEOUT_STOP, Installation, whom

pytestmark = pytest.mark.system

Record = Callable[[str, object], None]

SIZE = 20
COUNT = 60 * SIZE
SOON = {"CONNECT_TIMEOUT": "0.5", "POST_TIMEOUT": "5", "REPORT_DEADLINE": "600"}
"""A lease of some sixteen seconds."""


@pytest.fixture(scope="module")
def site(build_for_module: Build) -> Installation:
    """One that is whole again after each of these scenarios."""
    made = build_for_module()
    made.start_worker()
    made.start_beat()
    return made


def all_in_the_air_has_arrived(site: Installation, made: int) -> bool:
    """Whether each of the worker's two processes waits for a reply to what the gateway has already."""
    batches = site.progress(made).batches
    return batches.get("sending", 0) == 2 and site.gateways["main"].count() == (2 + batches["accepted"]) * SIZE


def killed_in_the_air(site: Installation, made: int) -> bool:
    """Kill the worker if all that it has in the air has arrived; in its sleep, in which that cannot change."""
    with site.asleep("worker"):
        arrived = all_in_the_air_has_arrived(site, made)
        if arrived:
            site.kill("worker")
    return arrived


def test_a_campaign_ends_though_every_queue_was_wiped(site: Installation, record_property: Record) -> None:
    made = site.begun("main", batches=60, size=SIZE)
    site.flush()
    began = time.monotonic()
    site.gateways["main"].sandbox.settings(latency=0.0)
    account = site.ended(made)
    record_property("seconds from FLUSHALL to the end", time.monotonic() - began)
    assert account.state == CampaignState.COMPLETED
    assert whom(site, made) <= set(site.gateways["main"].sent())
    site.settled("main", made)


def test_a_worker_killed_in_mid_campaign_leaves_doubts_that_its_reports_settle(
    build: Build, record_property: Record
) -> None:
    site = build(settings=SOON)
    site.start_worker()
    site.start_beat()
    gateway = site.gateways["main"]
    with gateway.reports_held():
        made = site.begun("main", batches=60, size=SIZE)
        before = gateway.count()
        site.until(lambda: gateway.count() >= before + 2 * SIZE and killed_in_the_air(site, made))
        began = time.monotonic()
        in_the_air = site.progress(made).batches["sending"]
        assert in_the_air >= 1
        site.start_worker()
        gateway.sandbox.settings(latency=0.0)
        account = site.seen(made, lambda account: account.in_doubt_attempts == in_the_air)
        record_property("seconds until the doubt was shown", time.monotonic() - began)
        assert account.by_status["in_doubt"] == in_the_air * SIZE
    account = site.ended(made)
    record_property("seconds until the campaign was completed", time.monotonic() - began)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    assert len(site.gateways["main"].sent()) == COUNT
    site.settled("main", made)


def test_a_worker_that_is_asked_to_stop_ends_in_time_and_loses_nothing(
    site: Installation, record_property: Record
) -> None:
    made = site.begun("main", batches=60, size=SIZE)
    began = time.monotonic()
    assert site.terminate("worker", within=TIMEOUT_STOP) == 0
    record_property("seconds from SIGTERM to the end of the worker", time.monotonic() - began)
    account = site.progress(made)
    assert (account.in_doubt_attempts, account.batches.get("sending", 0)) == (0, 0)
    assert account.batches["pending"] > 0
    site.gateways["main"].sandbox.settings(latency=0.0)
    site.start_worker()
    began = time.monotonic()
    account = site.ended(made)
    record_property("seconds from the next start to the end", time.monotonic() - began)
    assert account.state == CampaignState.COMPLETED
    assert whom(site, made) <= set(site.gateways["main"].sent())
    site.settled("main", made)
