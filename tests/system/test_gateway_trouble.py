"""A gateway that is away, that talks nonsense, or that says no: seen, waited for or paused, and nothing is lost."""

from collections.abc import Iterator

import pytest

from campaigns.states import CampaignState
from tests.system.door import HTML, WRONG_PASSWORD, Door
from tests.system.installation import Gateway, Installation, people, select, whom

pytestmark = pytest.mark.system

SIZE = 20


@pytest.fixture
def gateway(town: Installation) -> Gateway:
    return town.gateways["away"]


@pytest.fixture
def door(gateway: Gateway) -> Iterator[Door]:
    assert gateway.door is not None
    yield gateway.door
    gateway.door.says = None
    gateway.door.open()
    gateway.sandbox.settings(latency=0.0, active=True)


def begun(town: Installation) -> int:
    """A campaign of fifty slow batches, some of which have left."""
    gateway = town.gateways["away"]
    gateway.sandbox.settings(latency=0.1)
    before = gateway.count()
    made = town.submit("away", people(50 * SIZE), batch_size=SIZE)
    town.until(lambda: gateway.count() >= before + 3 * SIZE)
    return made


def failures(town: Installation) -> int:
    """How often in a row the gateway could not be reached."""
    return select(town, "SELECT failures FROM accounts WHERE name = 'away'")[0].failures


def test_a_gateway_that_is_away_at_the_start_is_waited_for(town: Installation, door: Door) -> None:
    door.shut()
    made = town.submit("away", people(10))
    account = town.seen(made, lambda account: account.waits_for is not None)
    assert account.state == CampaignState.FUNDING
    assert account.waits_for == "the gateway to come back: no answer: connection refused"
    town.until(lambda: failures(town) >= 2)
    away = "SELECT away_until - now() > interval '1 second' AS longer FROM accounts WHERE name = 'away'"
    assert select(town, away)[0].longer, "each time it is left alone for longer"
    door.open()
    account = town.ended(made)
    assert (account.state, account.waits_for, failures(town)) == (CampaignState.COMPLETED, None, 0)
    town.settled("away", made)


def test_a_gateway_that_goes_away_in_mid_campaign_is_waited_for(town: Installation, door: Door) -> None:
    made = begun(town)
    door.shut()
    account = town.seen(made, lambda account: account.waits_for is not None)
    assert account.state == CampaignState.SENDING
    assert "the gateway to come back" in str(account.waits_for)  # refused, or reset if a request was just in the air
    town.until(lambda: failures(town) >= 2)
    town.gateways["away"].sandbox.settings(latency=0.0)
    door.open()
    account = town.ended(made, within=30)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    assert whom(town, made) <= set(town.gateways["away"].sent())
    town.settled("away", made)


def test_a_page_instead_of_the_balance_is_waited_out(town: Installation, door: Door) -> None:
    door.says = HTML
    made = town.submit("away", people(10))
    account = town.seen(made, lambda account: account.waits_for is not None)
    assert "not the gateway's answer" in str(account.waits_for)
    door.says = None
    assert town.ended(made).state == CampaignState.COMPLETED
    town.settled("away", made)


def test_half_a_receipt_is_a_doubt_that_the_reports_settle(town: Installation, door: Door) -> None:
    door.cuts = 2
    made = town.submit("away", people(4 * SIZE), batch_size=SIZE)
    account = town.ended(made)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    attempts = select(town, "SELECT state, detail FROM attempts WHERE campaign_id = :id ORDER BY id", id=made)
    assert sum("reports prove" in str(attempt.detail) for attempt in attempts) == 2, attempts
    town.settled("away", made)


def test_a_page_in_place_of_a_receipt_is_a_doubt_that_is_never_sent_again(town: Installation, door: Door) -> None:
    made = town.submit("away", people(2))
    town.ended(made)  # its account is funded and its lanes are warm
    made = begun(town)
    door.says = HTML
    town.seen(made, lambda account: account.in_doubt_attempts >= 1)
    door.says = None
    town.gateways["away"].sandbox.settings(latency=0.0)
    account = town.seen(made, lambda account: account.state == CampaignState.STALLED, within=30)
    assert account.by_status["in_doubt"] == account.open == account.in_doubt_attempts * SIZE
    got = whom(town, made) & set(town.gateways["away"].sent())
    assert len(got) == account.messages - account.open
    town.settled("away", made)


def test_a_wrong_password_pauses_what_waits_until_a_person_has_mended_it(town: Installation, door: Door) -> None:
    door.says = WRONG_PASSWORD
    made = town.submit("away", people(10))
    account = town.seen(made, lambda account: account.paused_at is not None)
    assert "-4" in str(account.waits_for)
    assert account.credits_held == 0
    door.says = None
    town.resume(made)
    assert town.ended(made).state == CampaignState.COMPLETED
    town.settled("away", made)


def test_an_account_closed_in_mid_campaign_pauses_it_until_a_person_has_mended_it(
    town: Installation, door: Door
) -> None:
    made = begun(town)
    gateway = town.gateways["away"]
    gateway.sandbox.settings(active=False)
    account = town.seen(made, lambda account: account.paused_at is not None)
    assert "-12" in str(account.waits_for)
    # A refusal that is still on its way would pause it again.
    town.until(lambda: not select(town, "SELECT id FROM attempts WHERE campaign_id = :id AND state = 'open'", id=made))
    gateway.sandbox.settings(active=True, latency=0.0)
    town.resume(made)
    account = town.ended(made, within=30)
    assert (account.state, account.in_doubt_attempts) == (CampaignState.COMPLETED, 0)
    assert whom(town, made) <= set(gateway.sent())
    town.settled("away", made)


def test_a_sender_that_the_gateway_does_not_know_pauses_the_campaign_before_anything_is_held(
    town: Installation, gateway: Gateway
) -> None:
    made = town.submit("away", people(10), sender="STRANGER")
    account = town.seen(made, lambda account: account.paused_at is not None)
    assert "the sender 'STRANGER' is not registered at the gateway" in str(account.waits_for)
    assert (account.credits_held, account.credits_posted) == (0, 0)
    assert not whom(town, made) & set(gateway.sent())
    town.cancel(made)
    assert town.ended(made).by_status == {"voided": 10}
