"""Number lookups before sending: paid, answered once, and never repeated where their reply was lost."""

import itertools

import pytest
from sqlalchemy import text

from campaigns.states import CampaignState
from tests.system.conftest import LOOKUP_DEADLINE
from tests.system.installation import Installation, people, select, whom

pytestmark = pytest.mark.system

DEAD = ["0709999959", "0719999959", "0729999959"]
LEFT_OUT = "0749999944"
_prefixes = itertools.count(50)


def silent() -> str:
    """A number that no lookup and no delivery report tells anything of."""
    return f"0{next(_prefixes)}9999900"


_CHECKING = """SELECT attempt_id FROM batches JOIN attempts ON attempts.id = attempt_id
    WHERE batches.campaign_id = :id AND batches.state = 'checking' AND attempts.state <> 'open'"""
_ANSWERS = "SELECT msisdn FROM lookups WHERE batch_id IN (SELECT id FROM batches WHERE campaign_id = :id)"


def time_is_up(shared: Installation, campaign_id: int, *, answers: int) -> None:
    """The deadline of a campaign's lookup passes, once so many answers have come."""
    shared.until(
        lambda: select(shared, _CHECKING, id=campaign_id) and len(select(shared, _ANSWERS, id=campaign_id)) == answers,
        what="nothing but the silent is waited for",
    )
    earlier = f"UPDATE attempts SET started_at = started_at - make_interval(secs => :past) WHERE id IN ({_CHECKING})"
    with shared.database.transaction() as connection:
        connection.execute(text(earlier), {"past": LOOKUP_DEADLINE + 1, "id": campaign_id})


def test_dead_numbers_get_no_message_and_are_accounted_as_unreachable(shared: Installation) -> None:
    dead = [{"tel": number, "nom": "gone"} for number in [*DEAD, LEFT_OUT]]
    made = shared.submit("lookups", [*people(120), *dead], lookup=True, batch_size=50)
    account = shared.ended(made)
    assert account.state == CampaignState.COMPLETED
    assert (account.messages, account.excluded) == (120, {"unreachable": 4})
    gateway = shared.gateways["lookups"]
    assert not {f"225{number}" for number in [*DEAD, LEFT_OUT]} & set(gateway.sent())
    assert set(gateway.looked_up().values()) == {1}
    assert account.credits_posted == 120 + 120 + len(DEAD)  # what a reply leaves out is not paid
    shared.settled("lookups", made)


@pytest.mark.parametrize(("unknown", "sent"), [("send", 4), ("exclude", 3)])
def test_a_number_that_nobody_answers_for_goes_by_the_campaign_s_choice_at_the_deadline(
    shared: Installation, unknown: str, sent: int
) -> None:
    number = silent()
    made = shared.submit("lookups", [*people(3), {"tel": number, "nom": "?"}], lookup={"unknown": unknown})
    shared.seen(made, lambda account: account.state == CampaignState.CLEANING)
    time_is_up(shared, made, answers=3)
    shared.seen(made, lambda account: account.state in (CampaignState.TRACKING, CampaignState.COMPLETED))
    assert len(whom(shared, made)) == sent
    assert (f"225{number}" in shared.gateways["lookups"].sent()) == (unknown == "send")
    shared.settled("lookups", made)


def test_a_lookup_in_doubt_is_not_repeated_and_its_answers_prove_it(shared: Installation) -> None:
    gateway = shared.gateways["lookups"]
    gateway.sandbox.settings(lookup_dead=1.0, delays=(1.0, 1.0))
    gateway.sandbox.fault("drop_reply", operation="lookup")
    try:
        made = shared.submit("lookups", people(20), lookup=True)
        account = shared.ended(made)
    finally:
        gateway.sandbox.settings(lookup_dead=0.0, delays=(0.0, 0.2))
    assert (account.messages, account.excluded) == (0, {"unreachable": 20})
    assert set(gateway.looked_up().values()) == {1}
    assert account.credits_posted == 20
    shared.settled("lookups", made)


@pytest.mark.parametrize("fault", [None, "drop_reply"], ids=["its reply came", "its reply was lost"])
def test_answers_after_the_deadline_change_no_batch(shared: Installation, fault: str | None) -> None:
    gateway = shared.gateways["lookups"]
    before = gateway.sandbox.summary()["reports_read"]
    gateway.sandbox.settings(lookup_dead=1.0)
    if fault:
        gateway.sandbox.fault(fault, operation="lookup")
    try:
        with gateway.reports_held():
            # One who is never reported on, so that the reports go on being read.
            made = shared.submit("lookups", [*people(5), {"tel": silent(), "nom": "?"}], lookup=True)
            time_is_up(shared, made, answers=0)
            shared.until(lambda: whom(shared, made) <= set(gateway.sent()), what="all are sent to")
            assert whom(shared, made) <= set(gateway.looked_up())
    finally:
        gateway.sandbox.settings(lookup_dead=0.0)
    shared.seen(made, lambda _: gateway.sandbox.summary()["reports_read"] >= before + 10)  # answers, and reports
    account = shared.seen(made, lambda account: account.open == 1 and account.credits_posted == 12)
    assert (account.messages, account.excluded) == (6, {})
    assert set(gateway.looked_up().values()) == {1}
    shared.settled("lookups", made)


def test_an_account_that_may_not_look_numbers_up_sends_without_and_says_so(shared: Installation) -> None:
    made = shared.submit("no_lookups", people(20), lookup=True, batch_size=10)
    account = shared.ended(made)
    assert (account.state, account.messages) == (CampaignState.COMPLETED, 20)
    assert account.reason == "the account may not look numbers up: sent without"
    assert account.credits_posted == 20
    shared.settled("no_lookups", made)
