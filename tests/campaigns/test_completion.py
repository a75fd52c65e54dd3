"""When a campaign is over: nothing of it is open, and its account adds up."""

import pytest
from sqlalchemy import update

import campaigns
from campaigns import settling
from campaigns.database import Database
from campaigns.models import batches as batches_table
from campaigns.models import campaigns as campaigns_table
from campaigns.models import exclusions, messages
from campaigns.states import BatchState, CampaignState, MessageStatus
from tests.campaigns import making


def test_a_campaign_whose_batches_were_all_refused_is_completed(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    settling.refuse(any_database, making.claimed(any_database, campaign), -9, "no valid recipient")

    assert making.advanced(any_database, campaign) == CampaignState.COMPLETED
    assert making.account(any_database, campaign).by_status == {"refused": 2}


def test_messages_of_a_refused_batch_do_not_hold_the_end_up(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    settling.refuse(any_database, making.claimed(any_database, campaign), -9, "no valid recipient")
    making.all_delivered(any_database, making.accepted(any_database, campaign))

    assert making.advanced(any_database, campaign) == CampaignState.COMPLETED
    with any_database.reading() as connection:
        assert connection.execute(messages.select().where(messages.c.status == 0)).all()
    assert making.batch_states(any_database, campaign) == [BatchState.REFUSED, BatchState.ACCEPTED]


@pytest.mark.parametrize("open_", ["pending", "in the air", "in flight", "in doubt"])
def test_a_campaign_is_not_completed_while_one_message_is(any_database: Database, open_: str) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    making.all_delivered(any_database, making.accepted(any_database, campaign))
    if open_ != "pending":
        found = making.claimed(any_database, campaign)
        if open_ == "in flight":
            settling.accept(any_database, found, making.acceptance(found))
        elif open_ == "in doubt":
            settling.doubt(any_database, found, "timed out")
    # Whatever put it there: not even from tracking does it end.
    making.change(any_database, update(campaigns_table).values(state=CampaignState.TRACKING))

    assert making.advanced(any_database, campaign) != CampaignState.COMPLETED
    assert not making.account(any_database, campaign).finished


@pytest.mark.parametrize(
    "missing",
    [
        update(campaigns_table).values(recipients=5),
        update(campaigns_table).values(recipients=5, expanded=5),
        exclusions.insert().values(campaign_id=1, row=99, number="x", reason="invalid"),
        update(batches_table).values(size=3),
    ],
    ids=["rows that were never expanded", "rows that are nowhere", "one row too many", "a batch of another size"],
)
def test_a_campaign_whose_account_does_not_add_up_is_never_completed_and_says_so(
    any_database: Database, missing: object
) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    making.all_delivered(any_database, making.accepted(any_database, campaign))
    making.change(any_database, missing)

    assert making.advanced(any_database, campaign) != CampaignState.COMPLETED

    account = campaigns.progress(campaign, database=any_database)
    assert not account.finished
    assert "does not add up" in (account.reason or "")


def test_a_late_report_changes_the_account_of_a_completed_campaign(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    found = making.accepted(any_database, campaign)
    making.reported(any_database, making.report(found, (0, MessageStatus.UNDELIVERED)))
    assert making.advanced(any_database, campaign) == CampaignState.COMPLETED

    making.all_delivered(any_database, found)

    account = making.account(any_database, campaign)
    assert (account.state, account.by_status) == (CampaignState.COMPLETED, {"delivered": 1})
