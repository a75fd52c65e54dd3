"""What a person may do to a campaign: pause it, resume it, cancel it."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

import campaigns
from campaigns import lookups, settling
from campaigns.bells import Bell
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.lifecycle import UnknownCampaignError
from campaigns.models import campaigns as campaigns_table
from campaigns.states import CampaignState
from campaigns.steering import StateError
from tests.campaigns import making

C = CampaignState


STEPS: dict[str, Callable[[Database, int], object]] = {
    "submitted": lambda _database, _campaign: None,
    "funded": lambda database, _campaign: making.fund(database),
    "in the air": lambda database, campaign: making.fund(database) and making.claimed(database, campaign),
    "sent": lambda database, campaign: making.fund(database) and making.accepted(database, campaign),
}


def ended(database: Database, state: CampaignState) -> int:
    campaign = making.funded(database, making.numbers(1))
    making.change(database, update(campaigns_table).values(state=state))
    return campaign


@pytest.mark.parametrize("step", STEPS)
def test_a_cancelled_campaign_keeps_what_was_sent_and_voids_the_rest(any_database: Database, step: str) -> None:
    campaign = making.submitted(any_database, making.numbers(2), batch_size=1)
    found = STEPS[step](any_database, campaign)

    campaigns.cancel(campaign, database=any_database)
    campaigns.cancel(campaign, database=any_database)  # twice is no error

    account = making.account(any_database, campaign)
    left = {"in the air": {"sending": 1, "voided": 1}, "sent": {"in_flight": 1, "voided": 1}}
    assert account.by_status == left.get(step, {"voided": 2})
    assert (account.state, account.finished) == (C.CANCELLED, step not in left)
    assert account.credits_held == 0
    if step == "sent":
        assert isinstance(found, Claim)
        making.all_delivered(any_database, found)
        assert making.advanced(any_database, campaign) == C.CANCELLED
        assert making.account(any_database, campaign).finished


def test_a_cancelled_campaign_with_a_doubt_is_not_over(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    found = making.claimed(any_database, campaign)
    settling.doubt(any_database, found, "timed out")

    campaigns.cancel(campaign, database=any_database)

    assert making.advanced(any_database, campaign) == C.CANCELLED
    assert not making.account(any_database, campaign).finished


def test_a_campaign_cancelled_before_it_was_expanded_has_not_lost_its_rows(any_database: Database) -> None:
    made = campaigns.submit(
        {"name": "x", "template": "Bonjour", "batch_size": 2},
        [{"numero": str(number)} for number in making.numbers(5)],
        database=any_database,
    )

    campaigns.cancel(made.id, database=any_database)

    account = making.account(any_database, made.id)
    assert (account.state, account.recipients, account.expanded, account.finished) == (C.CANCELLED, 5, 0, True)


@pytest.mark.parametrize("state", [C.COMPLETED, C.FAILED, C.CANCELLED])
def test_what_has_ended_cannot_be_paused(any_database: Database, state: CampaignState) -> None:
    with pytest.raises(StateError, match=f"is {state}: there is nothing to pause"):
        campaigns.pause(ended(any_database, state), database=any_database)


@pytest.mark.parametrize("state", [C.COMPLETED, C.FAILED])
def test_what_has_ended_cannot_be_cancelled(any_database: Database, state: CampaignState) -> None:
    with pytest.raises(StateError, match=f"is {state}: there is nothing to cancel"):
        campaigns.cancel(ended(any_database, state), database=any_database)


def test_what_is_not_paused_cannot_be_resumed(any_database: Database) -> None:
    with pytest.raises(StateError, match="is not paused: it is sending"):
        campaigns.resume(making.funded(any_database, making.numbers(1)), database=any_database)


def test_what_was_cancelled_while_it_was_paused_cannot_be_resumed(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    making.accepted(any_database, campaign)
    campaigns.pause(campaign, database=any_database)
    campaigns.cancel(campaign, database=any_database)

    assert making.account(any_database, campaign).waits_for is None
    with pytest.raises(StateError, match="is cancelled: there is nothing to resume"):
        campaigns.resume(campaign, database=any_database)


def test_the_time_of_a_pause_is_not_taken_from_the_lookups(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(2), lookup={"unknown": "exclude"})
    making.fund(any_database)
    campaigns.pause(campaign, database=any_database)
    making.clock_goes_on(any_database, 700)

    campaigns.resume(campaign, database=any_database)

    making.claimed(any_database, campaign)
    assert lookups.hopeless(any_database, deadline=600) == []
    making.clock_goes_on(any_database, 601)
    assert len(lookups.hopeless(any_database, deadline=600)) == 1


@pytest.mark.parametrize("act", [campaigns.pause, campaigns.resume, campaigns.cancel])
def test_a_campaign_that_nobody_knows_is_named(any_database: Database, act: Callable[..., None]) -> None:
    with pytest.raises(UnknownCampaignError, match="no campaign has the id 4711"):
        act(4711, database=any_database)


def test_pausing_twice_keeps_the_first_reason(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))

    campaigns.pause(campaign, reason="login refused", database=any_database)
    campaigns.pause(campaign, database=any_database)

    assert making.account(any_database, campaign).waits_for == "a person to resume it: login refused"


def test_a_paused_campaign_is_still_tracked_to_its_end(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    found = making.accepted(any_database, campaign)
    campaigns.pause(campaign, database=any_database)
    making.all_delivered(any_database, found)

    assert making.advanced(any_database, campaign) == C.COMPLETED


def test_a_campaign_is_resumed_though_nobody_can_be_woken(
    any_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    campaigns.pause(campaign, database=any_database)

    def ring(bell: Bell, serial: int, after: float) -> None:
        raise ConnectionError("redis://:secret@host is away")

    campaigns.resume(campaign, ring=ring, database=any_database)

    assert making.account(any_database, campaign).paused_at is None
    assert "send:default:1 waits for the sweep" in caplog.text
    assert "secret" not in caplog.text


def test_resuming_wakes_whoever_funds_and_whoever_sends(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    campaigns.pause(campaign, database=any_database)
    rung: list[Bell] = []

    campaigns.resume(campaign, ring=lambda bell, _serial, _after: rung.append(bell), database=any_database)

    assert [bell.key for bell in rung] == ["fund:default", "send:default:1"]
