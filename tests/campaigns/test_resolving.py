"""A request in doubt is decided by a person: once, with its reason, and at its price."""

from collections.abc import Callable

import pytest

import campaigns
from campaigns import claims, settling
from campaigns.bells import Bell
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.resolving import UndecidableError, UnknownAttemptError, resolve
from campaigns.states import AttemptState, BatchState, CampaignState, Decision
from tests.campaigns import making
from tests.campaigns.doubtful import WHY, in_doubt, resolved
from tests.campaigns.making import ACCOUNT


def test_what_is_declared_accepted_is_posted_at_its_estimate_and_waits_for_its_reports(any_database: Database) -> None:
    found = in_doubt(any_database)

    made = resolve(found.attempt_id, "accepted", database=any_database, **WHY)

    attempt, account = making.attempt(any_database, found), making.account(any_database, found.campaign_id)
    assert (attempt.state, attempt.credits, attempt.msgfid) == (AttemptState.ACCEPTED, 4, None)
    assert (account.state, account.by_status, account.credits_posted) == (CampaignState.TRACKING, {"in_flight": 4}, 4)
    assert (made.batch_state, made.numbers, made.credits) == (BatchState.ACCEPTED, 4, 4)


def test_what_is_written_off_lets_its_campaign_complete(any_database: Database) -> None:
    found = in_doubt(any_database)

    resolve(found.attempt_id, "write_off", database=any_database, **WHY)

    account = making.account(any_database, found.campaign_id)
    assert (account.state, account.by_status, account.open) == (CampaignState.COMPLETED, {"written_off": 4}, 0)
    assert (account.credits_posted, account.in_doubt_attempts) == (0, 0)
    assert making.attempt(any_database, found).state == AttemptState.WRITTEN_OFF


def test_what_is_sent_again_is_funded_again_and_wakes_whoever_funds(any_database: Database) -> None:
    found = in_doubt(any_database)
    rung: list[Bell] = []

    resolve(found.attempt_id, "resend", ring=lambda bell, *_: rung.append(bell), database=any_database, **WHY)

    assert making.state(any_database, found.campaign_id) == CampaignState.FUNDING
    assert [bell.key for bell in rung] == [f"fund:{ACCOUNT}"]
    assert claims.claim(any_database, found.campaign_id, lease_seconds=60) is None
    assert making.account(any_database, found.campaign_id).credits_held == 4
    making.fund(any_database, 4)
    making.accepted(any_database, found.campaign_id)
    account = making.account(any_database, found.campaign_id)
    assert (account.by_status, account.credits_posted, account.duplicates) == ({"in_flight": 4}, 4, 0)
    assert making.attempt(any_database, found).state == AttemptState.RESENT


def test_what_is_sent_again_waits_for_a_top_up_if_the_account_cannot_pay_for_it(any_database: Database) -> None:
    found = in_doubt(any_database)
    resolve(found.attempt_id, "resend", database=any_database, **WHY)

    assert making.fund(any_database, 3) == 0

    assert making.state(any_database, found.campaign_id) == CampaignState.AWAITING_CREDITS
    assert claims.claim(any_database, found.campaign_id, lease_seconds=60) is None
    assert making.fund(any_database, 4) == 1
    assert making.claimed(any_database, found.campaign_id).number == found.number


def test_a_campaign_that_shall_not_wait_for_credits_is_cancelled_and_what_had_left_is_tracked(
    any_database: Database,
) -> None:
    campaign = making.funded(any_database, making.numbers(2), batch_size=1, on_insufficient_credits="fail")
    sent, lost = making.accepted(any_database, campaign), making.claimed(any_database, campaign)
    settling.doubt(any_database, lost, "timed out")
    resolve(lost.attempt_id, "resend", database=any_database, **WHY)

    making.fund(any_database, 0)

    account = making.account(any_database, campaign)
    assert (account.state, account.finished) == (CampaignState.CANCELLED, False)
    assert account.by_status == {"in_flight": 1, "voided": 1}
    making.all_delivered(any_database, sent)
    making.advance(any_database)
    assert making.account(any_database, campaign).finished


def test_credits_of_a_request_that_was_just_decided_are_not_promised_by_a_balance_that_may_not_show_them(
    any_database: Database,
) -> None:
    before = making.balance(any_database, 4)
    found = in_doubt(any_database)
    resolve(found.attempt_id, "resend", database=any_database, **WHY)

    with any_database.transaction() as connection:
        assert making.ledger.available(connection, ACCOUNT, before) == 4 - 4 - 4
        assert making.ledger.available(connection, ACCOUNT, making.balance(any_database, 4)) == 4 - 4


def test_nothing_of_a_cancelled_campaign_is_sent_again(any_database: Database) -> None:
    found = in_doubt(any_database)
    campaigns.cancel(found.campaign_id, database=any_database)

    made = resolve(found.attempt_id, "resend", database=any_database, **WHY)

    account = making.account(any_database, found.campaign_id)
    assert made.batch_state == BatchState.VOIDED
    assert (account.state, account.finished, account.by_status) == (CampaignState.CANCELLED, True, {"voided": 4})
    assert account.credits_held == 0


def test_a_paused_campaign_sends_it_again_when_it_is_resumed(any_database: Database) -> None:
    found = in_doubt(any_database)
    campaigns.pause(found.campaign_id, database=any_database)
    resolve(found.attempt_id, "resend", database=any_database, **WHY)
    assert making.fund(any_database) == 0

    campaigns.resume(found.campaign_id, database=any_database)

    assert making.fund(any_database) == 1
    making.claimed(any_database, found.campaign_id)


def test_who_decided_when_and_why_is_kept(any_database: Database) -> None:
    found = in_doubt(any_database)
    before = any_database.clock()

    resolve(found.attempt_id, Decision.WRITE_OFF, by="awa", reason="the sale is over", database=any_database)

    (kept,) = resolved(any_database)
    assert (kept.attempt_id, kept.campaign_id) == (found.attempt_id, found.campaign_id)
    assert (kept.decision, kept.decided_by, kept.reason) == (Decision.WRITE_OFF, "awa", "the sale is over")
    assert before <= kept.decided_at <= any_database.clock()


def _open(database: Database) -> int:
    return making.claimed(database, making.funded(database, making.numbers(1))).attempt_id


def _accepted(database: Database) -> int:
    return making.accepted(database, making.funded(database, making.numbers(1))).attempt_id


def _decided(database: Database) -> int:
    found = in_doubt(database)
    resolve(found.attempt_id, "resend", database=database, by="kofi", reason="nobody got it")
    return found.attempt_id


def _lookup(database: Database) -> int:
    return in_doubt(database, lookup=True).attempt_id


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(_open, "is being made until 20", id="still open"),
        pytest.param(_accepted, "is not in doubt, it is accepted", id="settled"),
        pytest.param(_decided, r"was decided already: resend, by kofi at 20.* \(nobody got it\)", id="decided"),
        pytest.param(_lookup, "it needs no decision", id="a lookup"),
    ],
)
def test_only_a_sending_in_doubt_is_decided_and_whoever_tries_is_told_why(
    any_database: Database, make: Callable[[Database], int], said: str
) -> None:
    attempt_id = make(any_database)
    before = [(row.decision, row.decided_by) for row in resolved(any_database)]

    with pytest.raises(UndecidableError, match=said):
        resolve(attempt_id, "write_off", database=any_database, **WHY)

    assert [(row.decision, row.decided_by) for row in resolved(any_database)] == before


@pytest.mark.parametrize(
    ("decision", "by", "reason", "said"),
    [
        ("resend", "", "why", "say who decides"),
        ("resend", "awa", " ", "say who decides"),
        ("resend", "Policy", "why", "say who you are"),
        ("perhaps", "awa", "why", "there are accepted, resend, write_off"),
    ],
)
def test_a_decision_that_says_too_little_is_refused(
    any_database: Database, decision: str, by: str, reason: str, said: str
) -> None:
    found = in_doubt(any_database)

    with pytest.raises(UndecidableError, match=said):
        resolve(found.attempt_id, decision, by=by, reason=reason, database=any_database)

    assert making.attempt(any_database, found).state == AttemptState.IN_DOUBT


def test_a_request_that_nobody_made_is_unknown(any_database: Database) -> None:
    with pytest.raises(UnknownAttemptError, match="campaigns doubts"):
        resolve(404, "accepted", database=any_database, **WHY)


def test_two_people_who_decide_at_once_decide_once(any_database: Database) -> None:
    found = in_doubt(any_database)

    def decide(decision: str) -> Callable[[], str]:
        def run() -> str:
            try:
                return resolve(found.attempt_id, decision, database=any_database, **WHY).decision
            except UndecidableError:
                return ""

        return run

    made = making.at_once(*[decide(each) for each in ("accepted", "resend", "write_off", "resend")])

    (kept,) = resolved(any_database)
    assert sorted(made) == ["", "", "", kept.decision]


def test_a_decision_and_the_worker_s_reply_at_once_lose_neither_and_send_nothing_twice(any_database: Database) -> None:
    for _ in range(5):
        found = in_doubt(any_database)

        def decide(claim: Claim = found) -> None:
            try:
                resolve(claim.attempt_id, "resend", database=any_database, **WHY)
            except UndecidableError as error:
                assert "not in doubt" in str(error)  # noqa: PT017  either is right

        making.at_once(decide, lambda claim=found: settling.accept(any_database, claim, making.acceptance(claim)))

        assert making.attempt(any_database, found).state == AttemptState.ACCEPTED
        assert making.batch_states(any_database, found.campaign_id) == [BatchState.ACCEPTED]
