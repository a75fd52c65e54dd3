"""A campaign at a glance: the same figures as its account's, at a fraction of the cost."""

import pytest

import campaigns
from campaigns import counting, glance, lookups, settling
from campaigns.database import Database
from campaigns.glance import Glance, Lookout
from campaigns.prices import Prices
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.campaigns.plans import plans_of

S = MessageStatus


def far(seen: Glance) -> dict[str, tuple[int, int | None]]:
    return {stage.name: (stage.done, stage.of) for stage in seen.stages}


def agrees(database: Database, campaign_id: int) -> Glance:
    """What is seen, which is what the account of the same moment says."""
    seen, account = Lookout(campaign_id, database=database).look(), making.account(database, campaign_id)
    its = seen.credits
    assert (its.estimated, its.held) == (account.credits_estimated, account.credits_held)
    assert (its.posted, its.refunded) == (account.credits_posted, account.credits_refunded)
    assert (seen.state, seen.finished, seen.waits_for) == (account.state, account.finished, account.waits_for)
    if seen.counted_at is not None:
        assert seen.by_status == account.by_status
    return seen


def test_each_stage_is_as_far_as_the_account_says_after_each_step(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(10), batch_size=2)
    assert far(agrees(any_database, campaign)) == {"expansion": (10, 10), "sending": (0, 10), "delivery": (0, 10)}
    making.fund(any_database)
    sent = [making.accepted(any_database, campaign) for _ in range(2)]
    settling.doubt(any_database, making.claimed(any_database, campaign), "timed out")
    settling.refuse(any_database, making.claimed(any_database, campaign), -9, "no")
    assert far(agrees(any_database, campaign))["sending"] == (8, 10)
    assert far(agrees(any_database, campaign))["delivery"] == (2, 10)
    making.reported(any_database, making.report(sent[0], (0, S.DELIVERED), (1, S.REJECTED)))
    assert far(agrees(any_database, campaign))["delivery"] == (4, 10)


def test_what_was_cancelled_before_it_left_is_not_to_be_sent(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=2)
    making.all_delivered(any_database, making.accepted(any_database, campaign))
    campaigns.cancel(campaign, database=any_database)
    making.advance(any_database)
    seen = agrees(any_database, campaign)
    assert (seen.state, seen.finished) == ("cancelled", True)
    assert far(seen) == {"expansion": (6, 6), "sending": (2, 2), "delivery": (2, 2)}


def test_a_lookup_is_a_stage_of_those_alone_that_asked_for_one(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(6), batch_size=2, lookup=True)
    assert far(agrees(any_database, campaign))["lookup"] == (0, 6)
    found = making.claimed(any_database, campaign)
    settling.accept(any_database, found, making.acceptance(found, left_out=found.payload.numbers[:1]))
    making.reported(any_database, making.report(found, (0, S.UNDELIVERED), (1, S.DELIVERED)))
    lookups.clean(any_database, found.batch_id, Prices({}))
    seen = agrees(any_database, campaign)
    assert far(seen)["lookup"] == (2, 6)
    assert far(seen)["sending"] == (0, 5)


def test_how_many_are_to_be_sent_is_not_said_before_it_is_known(any_database: Database) -> None:
    rows = [{"tel": str(number)} for number in making.numbers(3_000)]
    made = campaigns.submit({"name": "x", "template": "Bonjour"}, rows, database=any_database)
    seen = Lookout(made.id, database=any_database).look()
    assert far(seen) == {"expansion": (0, 3_000), "sending": (0, None), "delivery": (0, None)}


def test_of_a_campaign_that_is_still_handed_over_nothing_has_ended(any_database: Database) -> None:
    campaign = making.submitted(any_database, [], template="Bonjour")
    making.change(any_database, glance.campaigns.update().values(state="receiving", completed_at=None))
    seen = Lookout(campaign, database=any_database).look()
    assert far(seen) == {"expansion": (0, None), "sending": (0, None), "delivery": (0, None)}
    assert not any(stage.ended for stage in seen.stages)


def test_rates_are_those_of_the_last_seconds(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(40), batch_size=2)
    for _ in range(10):
        making.all_delivered(any_database, making.accepted(any_database, campaign))
    making.clock_goes_on(any_database, 3_600)
    making.change(any_database, counting.messages.update().values(updated_at=None))
    sent = [making.accepted(any_database, campaign) for _ in range(5)]
    making.all_delivered(any_database, *sent[:3])
    rates = {stage.name: stage.rate for stage in Lookout(campaign, database=any_database).look().stages}
    assert rates == {"expansion": 0, "sending": 1.0, "delivery": pytest.approx(6 / 30)}


def test_messages_are_counted_seldom_and_once_more_at_the_end(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = making.funded(any_database, making.numbers(4), batch_size=2)
    clock = iter(range(0, 1_000, 2))
    monkeypatch.setattr(glance.time, "monotonic", lambda: float(next(clock)))
    lookout = Lookout(campaign, database=any_database, count_share=10)
    with plans_of(any_database, "messages") as plans:
        lookout.look()
        assert plans == []  # none has left
        first = making.accepted(any_database, campaign)
        plans.clear()
        lookout.look()
        assert len(plans) == 1
        making.all_delivered(any_database, first, making.accepted(any_database, campaign))
        making.advance(any_database)
        plans.clear()
        seen = lookout.look()
    assert len(plans) == 1
    assert (seen.finished, seen.by_status) == (True, {"delivered": 4})


def test_between_two_counts_what_was_counted_stands(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4), batch_size=2)
    first = making.accepted(any_database, campaign)
    lookout = Lookout(campaign, database=any_database, count_share=1_000_000)
    before = lookout.look()
    making.all_delivered(any_database, first)
    making.accepted(any_database, campaign)
    with plans_of(any_database, "messages") as plans:
        seen = lookout.look()
    assert plans == []
    assert (far(seen)["sending"], far(seen)["delivery"]) == ((4, 4), (0, 4))
    assert (seen.counted_at, seen.credits.posted) == (before.counted_at, 4)


def test_no_campaign_is_an_error_that_says_so(any_database: Database) -> None:
    with pytest.raises(campaigns.UnknownCampaignError, match="no campaign has the id 9"):
        Lookout(9, database=any_database).look()
