"""A window that opens while workers run, and closes while they send: nothing leaves before, and nothing after."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from campaigns.models import campaigns, openings
from campaigns.states import CampaignState
from tests.system.installation import Installation, people, select, whom

pytestmark = pytest.mark.system

SIZE = 20

_IN_THE_AIR = "SELECT id FROM attempts WHERE campaign_id = :id AND state = 'open'"


def far_from_now(shared: Installation) -> dict[str, str]:
    """A window that real time does not come near: openings of these seconds are written by the test."""
    hours = [f"{shared.database.clock() + timedelta(hours=hours):%H:%M}" for hours in (11, 12)]
    return {"window": "-".join(hours), "window_zone": "UTC"}


def opens(shared: Installation, campaign_id: int, after: float, until: float) -> None:
    clock = shared.database.clock()
    with shared.database.transaction() as connection:
        connection.execute(
            update(openings)
            .where(openings.c.campaign_id == campaign_id)
            .values(opens_at=clock + timedelta(seconds=after), closes_at=clock + timedelta(seconds=until))
        )
        connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(shut_until=None))


def begun(shared: Installation, campaign_id: int) -> list[float]:
    """When each of its requests began that may have left."""
    made = "SELECT attempts.started_at FROM attempts WHERE campaign_id = :id AND state <> 'not_sent'"
    return [row.started_at.timestamp() for row in select(shared, made, id=campaign_id)]


def sent_of(shared: Installation, campaign_id: int) -> int:
    """How many of a campaign's numbers the gateway has accepted."""
    return len(whom(shared, campaign_id) & set(shared.gateways["main"].sent()))


def test_nothing_leaves_before_a_window_opens_and_everything_then_without_anybodys_doing(shared: Installation) -> None:
    made = shared.submit("main", people(10 * SIZE), batch_size=SIZE, **far_from_now(shared))
    shared.seen(made, lambda account: str(account.waits_for).startswith("its window, which opens "))
    shared.rounds("main", 6)
    assert sent_of(shared, made) == 0
    assert select(shared, "SELECT id FROM attempts WHERE campaign_id = :id", id=made) == []

    at = shared.database.clock() + timedelta(seconds=3)
    opens(shared, made, 3, 600)
    account = shared.ended(made)

    assert (account.state, sent_of(shared, made)) == (CampaignState.COMPLETED, 10 * SIZE)
    assert min(begun(shared, made)) >= at.timestamp()
    shared.settled("main", made)


def test_nothing_leaves_after_a_window_has_closed_and_the_rest_in_the_next_one(shared: Installation) -> None:
    gateway = shared.gateways["main"]
    gateway.sandbox.settings(latency=0.2)
    made = shared.submit("main", people(100 * SIZE), batch_size=SIZE, **far_from_now(shared))
    shared.seen(made, lambda account: account.state == CampaignState.SENDING)
    opens(shared, made, 0, 600)
    shared.until(lambda: sent_of(shared, made), what="some have left")
    opens(shared, made, -60, 1)
    closes = shared.database.clock() + timedelta(seconds=1)

    shared.until(lambda: shared.database.clock() > closes and not select(shared, _IN_THE_AIR, id=made))
    left = sent_of(shared, made)
    shared.rounds("main", 6)
    waiting = shared.progress(made)
    gateway.sandbox.settings(latency=0.0)

    assert 0 < left == sent_of(shared, made) < 100 * SIZE
    assert max(begun(shared, made)) <= closes.timestamp()
    assert waiting.by_status["pending"] == 100 * SIZE - left
    assert str(waiting.waits_for).startswith("its window, which opens ")

    opens(shared, made, 0, 600)
    account = shared.ended(made)
    assert (account.state, sent_of(shared, made)) == (CampaignState.COMPLETED, 100 * SIZE)
    shared.settled("main", made)
