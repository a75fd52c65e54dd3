"""Credits that run out: the campaign waits, says what is missing, and goes on by itself after a top-up."""

from typing import Any

import pytest

from campaigns.states import CampaignState
from tests.system.conftest import Build
from tests.system.installation import Gateway, Installation, people, quick

pytestmark = pytest.mark.system

DEARER: dict[str, Any] = {"price": 2, "mix": {"delivered": 1.0}}
"""The gateway takes twice what our prices say, as if somebody else spent from the account, too."""


@pytest.fixture(scope="module")
def site(build_for_module: Build) -> Installation:
    """An account for each scenario; balances are asked for each second."""
    gateways = {
        "short": quick(credits=100),
        "dearer": quick(credits=100, **DEARER),
        "at its funding": quick(credits=20),
        "in mid-campaign": quick(credits=60, **DEARER),
    }
    made = build_for_module(gateways=gateways, settings={"BALANCE_INTERVAL": "1"})
    made.start_worker()
    made.start_beat()
    return made


def waits(site: Installation, made: int) -> str:
    """What it says it waits for, once it waits for credits."""
    account = site.seen(made, lambda account: account.state == CampaignState.AWAITING_CREDITS)
    return str(account.waits_for)


def asked_again(site: Installation, gateway: Gateway) -> None:
    """Wait until the balance has been asked for a few times more."""
    before = gateway.sandbox.summary()["requests"]["balance"]
    site.until(lambda: gateway.sandbox.summary()["requests"]["balance"] >= before + 3)


def test_a_campaign_that_the_account_cannot_pay_waits_and_completes_after_a_top_up(site: Installation) -> None:
    small = site.submit("short", people(60))
    site.ended(small)
    large = site.submit("short", people(300), batch_size=50)
    gateway = site.gateways["short"]
    left = gateway.sandbox.summary()["balance"]
    assert waits(site, large) == f"it needs 300 credits and {left} are free: {300 - left} are missing"
    assert site.progress(large).credits_held == 0
    gateway.top_up(100)
    asked_again(site, gateway)
    assert gateway.count() == 60
    gateway.top_up(400)
    account = site.ended(large)
    assert (account.state, account.credits_posted, account.reason) == (CampaignState.COMPLETED, 300, None)
    site.settled("short", small, large)


def test_a_campaign_whose_credits_were_spent_by_somebody_else_waits_for_a_higher_balance(
    site: Installation,
) -> None:
    gateway = site.gateways["dearer"]
    made = site.submit("dearer", people(80), batch_size=10)
    assert "the gateway" in waits(site, made)
    asked_again(site, gateway)
    summary = gateway.sandbox.summary()
    assert (summary["recipients"], summary["balance"]) == (50, 0)
    assert summary["refusals"]["-6"] <= 4, "asking again with the same balance would be refused again"
    gateway.top_up(100)
    account = site.ended(made)
    assert (account.state, account.messages, account.credits_posted) == (CampaignState.COMPLETED, 80, 160)
    site.settled("dearer", made)


@pytest.mark.parametrize(
    ("account", "state", "sent"),
    [("at its funding", CampaignState.FAILED, 0), ("in mid-campaign", CampaignState.CANCELLED, 30)],
    ids=["at its funding", "in mid-campaign"],
)
def test_a_campaign_that_shall_not_wait_ends_and_says_why(
    site: Installation, account: str, state: CampaignState, sent: int
) -> None:
    made = site.submit(account, people(40), batch_size=10, on_insufficient_credits="fail")
    ended = site.ended(made)
    assert (ended.state, site.gateways[account].count()) == (state, sent)
    assert "credits" in str(ended.reason)
    site.settled(account, made)
