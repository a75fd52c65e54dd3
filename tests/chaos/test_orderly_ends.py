"""A worker that is asked to stop, by SIGTERM: what is in the air is settled, and the others go on at once."""

from collections.abc import Callable
from time import monotonic

import pytest

from campaigns.states import CampaignState
from tests.chaos.test_database_deaths import COUNT, SIZE, SOON
from tests.system.conftest import Build
from tests.system.installation import people, select, whom

pytestmark = pytest.mark.system

TIMEOUT_STOP = 1.5 + 45
"""Seconds, as an operator is told to allow: POST_TIMEOUT, and what Celery may need besides."""


def test_of_two_workers_one_is_asked_to_stop_and_the_other_goes_on(
    build: Build, record_property: Callable[[str, object], None]
) -> None:
    site = build(settings=SOON)
    site.start_worker("first")
    site.start_worker("second")
    site.start_beat()
    gateway = site.gateways["main"]
    gateway.sandbox.settings(latency=0.5)
    made = site.submit("main", people(COUNT), batch_size=SIZE)
    site.until(lambda: gateway.count() >= 4 * SIZE)
    began = monotonic()
    assert site.terminate("first", within=TIMEOUT_STOP) == 0
    record_property("seconds from SIGTERM to the end of the worker", monotonic() - began)
    began, before = monotonic(), gateway.count()
    site.until(lambda: gateway.count() > before + 2 * SIZE, within=15, what="the other goes on")
    record_property("seconds from its end until the other had sent more", monotonic() - began)
    gateway.sandbox.settings(latency=0.0)
    account = site.ended(made, within=60)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    assert set(gateway.sent()) == whom(site, made)
    states = {row.state for row in select(site, "SELECT state FROM attempts")}
    assert states == {"accepted"}, "something was left to its lease, or made twice"
    site.settled("main", made)
