"""What a campaign waits for is said in words."""

import campaigns
from campaigns import accounts, settling
from campaigns.database import Database
from campaigns.states import CampaignState
from tests.campaigns import making


def test_what_has_left_waits_for_no_gateway_that_loses_replies(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1)
    making.accepted(any_database, campaign)
    making.away(any_database, making.ACCOUNT, "replies are lost: reset", doubtful=True)
    before = making.account(any_database, campaign).waits_for
    making.accepted(any_database, campaign)
    making.advance(any_database, campaign)

    assert before == "the gateway to come back: replies are lost: reset"
    assert making.account(any_database, campaign).state == CampaignState.TRACKING
    assert making.account(any_database, campaign).waits_for is None


def test_it_says_what_it_waits_for(any_database: Database) -> None:
    campaign = making.submitted(any_database, making.numbers(1))
    making.away(any_database, making.ACCOUNT, "connection refused")
    away = making.account(any_database, campaign).waits_for
    accounts.back(any_database, making.ACCOUNT)
    workers = making.account(any_database, campaign).waits_for
    making.fund(any_database, 0)
    credits_ = making.account(any_database, campaign).waits_for
    campaigns.pause(campaign, reason="login refused", database=any_database)
    person = making.account(any_database, campaign).waits_for

    assert away == "the gateway to come back: connection refused"
    assert workers is None
    assert credits_ is not None
    assert credits_.startswith("it needs 1")
    assert person == "a person to resume it: login refused"


def test_a_cancelled_campaign_says_so_when_only_doubts_are_left(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(3), batch_size=1)
    sent, lost = making.accepted(any_database, campaign), making.claimed(any_database, campaign)
    campaigns.cancel(campaign, database=any_database)
    in_the_air = making.account(any_database, campaign).waits_for
    settling.doubt(any_database, lost, "timed out")
    tracked = making.account(any_database, campaign).waits_for
    making.all_delivered(any_database, sent)
    making.advance(any_database)

    account = making.account(any_database, campaign)

    assert (in_the_air, tracked) == (None, None)
    assert account.state == CampaignState.CANCELLED
    assert str(account.waits_for).startswith("only batches in doubt are left: their reports, or a person,")


def test_credits_that_a_doubt_keeps_back_are_named_to_whoever_waits_for_credits(any_database: Database) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(4)))
    settling.doubt(any_database, found, "timed out")
    campaign = making.submitted(any_database, making.numbers(2))
    making.fund(any_database, 5)

    account = making.account(any_database, campaign)

    assert account.waits_for == f"{account.reason}; 4 are kept back for requests in doubt (`campaigns doubts`)"
    assert "1 are free" in (account.reason or "")


def test_a_campaign_whose_account_no_worker_has_waits_for_one_that_has_it(any_database: Database) -> None:
    strange = making.submitted(any_database, making.numbers(1), account="other")
    known = making.submitted(any_database, making.numbers(1))
    nobody = making.account(any_database, strange).waits_for
    accounts.serve(any_database, [making.ACCOUNT])
    waits = [making.account(any_database, campaign).waits_for for campaign in (strange, known)]
    accounts.serve(any_database, ["other"])

    assert nobody is None
    assert waits == ["a worker whose settings have the account 'other': those at work have others", None]
    assert making.account(any_database, strange).waits_for is None
