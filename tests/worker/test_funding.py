"""What the account has is asked first, and only then promised."""

import pytest

import campaigns
from campaigns import turns
from campaigns.database import Database
from tests.campaigns.making import funded, numbers, stays_away, submitted
from tests.worker.workshop import ScriptedGateway, Workshop
from worker.funding import fund_slice
from worker.smseco.errors import BadReply, ReadFailed, Unreachable


def test_a_campaign_that_comes_while_the_balance_is_asked_is_not_paused_for_senders_nobody_asked_for(
    any_database: Database,
) -> None:
    made: list[int] = []

    def just_then() -> None:
        made.append(submitted(any_database, numbers(3)))

    gateway = ScriptedGateway(before_balance=just_then)
    fund_slice(Workshop(any_database, gateway), "default")
    progress = campaigns.progress(made[0], database=any_database)
    assert progress.paused_at is None


def test_what_waits_is_funded_and_its_lanes_are_rung(any_database: Database) -> None:
    made = submitted(any_database, numbers(3))
    workshop = Workshop(any_database, ScriptedGateway())
    fund_slice(workshop, "default")
    assert campaigns.progress(made, database=any_database).state == "sending"
    assert [bell.key for bell in workshop.rung] == ["send:default:1"]


def test_an_unknown_sender_pauses_the_campaign_before_anything_is_held(any_database: Database) -> None:
    made = submitted(any_database, numbers(3))
    fund_slice(Workshop(any_database, ScriptedGateway(registered=("AUTRE",))), "default")
    progress = campaigns.progress(made, database=any_database)
    assert progress.paused_at is not None
    assert progress.credits_held == 0
    assert "CLINIQUE" in str(progress.waits_for)


def test_the_balance_is_noted_though_nobody_waits_for_it(any_database: Database) -> None:
    assert fund_slice(Workshop(any_database, ScriptedGateway()), "default").did == "nobody waits for credits"


@pytest.mark.parametrize("error", [BadReply("HTTP 500"), Unreachable("no answer in time")], ids=str)
def test_a_balance_that_cannot_be_read_holds_up_nothing_that_is_funded(
    any_database: Database, error: ReadFailed
) -> None:
    def broken() -> None:
        raise error

    sending, waiting = funded(any_database, numbers(1)), submitted(any_database, numbers(1))

    turn = fund_slice(Workshop(any_database, ScriptedGateway(before_balance=broken)), "default")

    assert turns.candidates(any_database, "default", 9) == [sending]
    assert turn.after is not None
    assert str(error) in str(campaigns.progress(waiting, database=any_database).waits_for)
    fund_slice(Workshop(any_database, ScriptedGateway()), "default")
    assert campaigns.progress(waiting, database=any_database).waits_for is None


def test_a_gateway_that_cannot_be_reached_is_left_alone_for_a_while(any_database: Database) -> None:
    def unreachable() -> None:
        raise Unreachable("connection refused", begun=False)

    funded(any_database, numbers(1))
    fund_slice(Workshop(any_database, ScriptedGateway(before_balance=unreachable)), "default")
    stays_away(any_database)
    assert turns.candidates(any_database, "default", 9) == []
