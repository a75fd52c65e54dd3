"""A gateway that is away, that talks nonsense, or that says no: seen, waited for or paused, and nothing is lost."""

from collections.abc import Iterator

import pytest

from campaigns.progress import Progress
from campaigns.states import CampaignState
from tests.system.door import HTML, WRONG_PASSWORD, Door
from tests.system.installation import Gateway, Installation, people, select, whom

pytestmark = pytest.mark.system

SIZE = 20
PROCESSES = 2  # of the shared worker: as many requests may be in the air


@pytest.fixture
def gateway(shared: Installation) -> Gateway:
    return shared.gateways["away"]


@pytest.fixture
def door(gateway: Gateway) -> Iterator[Door]:
    assert gateway.door is not None
    yield gateway.door
    gateway.door.says = None
    gateway.door.open()
    gateway.sandbox.settings(latency=0.0, active=True)


def sent(shared: Installation) -> set[str]:
    """The numbers that the gateway has accepted."""
    return set(shared.gateways["away"].sent())


def doubted(shared: Installation, made: int) -> set[str]:
    """The numbers in a campaign's batches in doubt."""
    found = """SELECT msisdn FROM messages JOIN batches ON batches.id = batch_id
        WHERE messages.campaign_id = :id AND batches.state = 'in_doubt'"""
    return {str(row.msisdn) for row in select(shared, found, id=made)}


def only_lost_ones_are_open(shared: Installation, account: Progress) -> bool:
    """Whether a campaign waits for nothing but what its gateway never got."""
    return account.state == CampaignState.STALLED and not doubted(shared, account.id) & sent(shared)


def failures(shared: Installation) -> int:
    """How often in a row the gateway could not be reached."""
    return select(shared, "SELECT failures FROM accounts WHERE name = 'away'")[0].failures


def test_a_gateway_that_is_away_at_the_start_is_waited_for(shared: Installation, door: Door) -> None:
    door.shut()
    made = shared.submit("away", people(10))
    account = shared.seen(made, lambda account: account.waits_for is not None)
    assert account.state == CampaignState.FUNDING
    assert account.waits_for == "the gateway to come back: no answer: connection refused"
    shared.until(lambda: failures(shared) >= 2)
    away = "SELECT away_until - now() > interval '1 second' AS longer FROM accounts WHERE name = 'away'"
    shared.until(lambda: select(shared, away)[0].longer, what="each time it is left alone for longer")
    door.open()
    account = shared.ended(made)
    assert (account.state, account.waits_for, failures(shared)) == (CampaignState.COMPLETED, None, 0)
    shared.settled("away", made)


def test_a_gateway_that_goes_away_in_mid_campaign_is_waited_for(shared: Installation, door: Door) -> None:
    made = shared.begun("away", batches=50, size=SIZE)
    door.shut()
    account = shared.seen(made, lambda account: account.waits_for is not None)
    assert account.state == CampaignState.SENDING
    assert "the gateway to come back" in str(account.waits_for)  # refused, or reset if a request was just in the air
    shared.until(lambda: failures(shared) >= 2)
    shared.gateways["away"].sandbox.settings(latency=0.0)
    door.open()
    # A request that was in the air as the door fell shut may have been lost on the way: then it stays in doubt.
    account = shared.seen(made, lambda account: account.finished or only_lost_ones_are_open(shared, account))
    assert account.state == (CampaignState.STALLED if account.in_doubt_attempts else CampaignState.COMPLETED)
    assert account.in_doubt_attempts <= PROCESSES
    assert whom(shared, made) - sent(shared) == doubted(shared, made)
    shared.settled("away", made)


def test_a_page_instead_of_the_balance_is_waited_out(shared: Installation, door: Door) -> None:
    door.says = HTML
    made = shared.submit("away", people(10))
    account = shared.seen(made, lambda account: account.waits_for is not None)
    assert "not the gateway's answer" in str(account.waits_for)
    door.says = None
    assert shared.ended(made).state == CampaignState.COMPLETED
    shared.settled("away", made)


def test_half_a_receipt_is_a_doubt_that_the_reports_settle(shared: Installation, door: Door) -> None:
    door.cuts = 2
    made = shared.submit("away", people(4 * SIZE), batch_size=SIZE)
    account = shared.ended(made)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    attempts = select(shared, "SELECT state, detail FROM attempts WHERE campaign_id = :id ORDER BY id", id=made)
    assert sum("reports prove" in str(attempt.detail) for attempt in attempts) == 2, attempts
    shared.settled("away", made)


def test_a_page_in_place_of_a_receipt_is_a_doubt_that_is_never_sent_again(shared: Installation, door: Door) -> None:
    made = shared.submit("away", people(2))
    shared.ended(made)  # its account is funded and its lanes are warm
    made = shared.begun("away", batches=50, size=SIZE)
    door.says = HTML
    shared.seen(made, lambda account: account.in_doubt_attempts >= 1)
    door.says = None
    shared.gateways["away"].sandbox.settings(latency=0.0)
    account = shared.seen(made, lambda account: account.state == CampaignState.STALLED)
    assert account.by_status["in_doubt"] == account.open == account.in_doubt_attempts * SIZE
    got = whom(shared, made) & set(shared.gateways["away"].sent())
    assert len(got) == account.messages - account.open
    shared.settled("away", made)


def test_a_wrong_password_pauses_what_waits_until_a_person_has_mended_it(shared: Installation, door: Door) -> None:
    door.says = WRONG_PASSWORD
    made = shared.submit("away", people(10))
    account = shared.seen(made, lambda account: account.paused_at is not None)
    assert "-4" in str(account.waits_for)
    assert account.credits_held == 0
    door.says = None
    shared.resume(made)
    assert shared.ended(made).state == CampaignState.COMPLETED
    shared.settled("away", made)


def test_an_account_closed_in_mid_campaign_pauses_it_until_a_person_has_mended_it(
    shared: Installation, door: Door
) -> None:
    made = shared.begun("away", batches=50, size=SIZE)
    gateway = shared.gateways["away"]
    gateway.sandbox.settings(active=False)
    account = shared.seen(made, lambda account: account.paused_at is not None)
    assert "-12" in str(account.waits_for)
    # A refusal that is still on its way would pause it again.
    shared.until(
        lambda: not select(shared, "SELECT id FROM attempts WHERE campaign_id = :id AND state = 'open'", id=made)
    )
    gateway.sandbox.settings(active=True, latency=0.0)
    shared.resume(made)
    account = shared.ended(made)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    assert whom(shared, made) <= set(gateway.sent())
    shared.settled("away", made)


def test_a_sender_that_the_gateway_does_not_know_pauses_the_campaign_before_anything_is_held(
    shared: Installation, gateway: Gateway
) -> None:
    made = shared.submit("away", people(10), sender="STRANGER")
    account = shared.seen(made, lambda account: account.paused_at is not None)
    assert "the sender 'STRANGER' is not registered at the gateway" in str(account.waits_for)
    assert (account.credits_held, account.credits_posted) == (0, 0)
    assert not whom(shared, made) & set(gateway.sent())
    shared.cancel(made)
    assert shared.ended(made).by_status == {"voided": 10}
