"""What is learnt of a request after it was decided upon is recorded, whatever was decided and however late it comes."""

from decimal import Decimal
from typing import Any

import pytest

from campaigns import batches, bisection, claims, decided, doubts, settling, unapplied
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.doubts import Evidence
from campaigns.models import resolutions
from campaigns.prices import Prices
from campaigns.resolving import resolve
from campaigns.states import AttemptState, CampaignState, MessageStatus
from tests.campaigns import making
from tests.campaigns.doubtful import WHY, in_doubt
from tests.campaigns.making import ACCOUNT, FIRST


def again(database: Database, found: Claim) -> Claim:
    """It is sent again; the second claim."""
    resolve(found.attempt_id, "resend", database=database, **WHY)
    making.fund(database)
    return making.claimed(database, found.campaign_id)


def test_what_was_taken_after_all_is_not_sent_again_if_nobody_has_begun_to(any_database: Database) -> None:
    found = in_doubt(any_database)
    resolve(found.attempt_id, "resend", database=any_database, **WHY)

    settling.accept(any_database, found, making.acceptance(found, "f1", left_out=[FIRST]))

    attempt, account = making.attempt(any_database, found), making.account(any_database, found.campaign_id)
    assert (attempt.state, attempt.msgfid, account.credits_posted) == (AttemptState.ACCEPTED, "f1", 3)
    assert account.by_status == {"refused": 1, "in_flight": 3}
    assert account.duplicates == 0
    making.fund(any_database, 0)  # it needs nothing any more
    assert making.advanced(any_database, found.campaign_id) == CampaignState.TRACKING
    assert claims.claim(any_database, found.campaign_id, lease_seconds=60) is None


def test_of_two_that_were_sent_again_the_first_to_be_proven_keeps_the_third_from_leaving(
    any_database: Database,
) -> None:
    first = in_doubt(any_database)
    second = again(any_database, first)
    settling.release(any_database, second, "connection refused")

    settling.accept(any_database, first, making.acceptance(first, "f1"))

    assert making.attempt(any_database, first).state == AttemptState.ACCEPTED
    assert claims.claim(any_database, first.campaign_id, lease_seconds=60) is None


def test_who_was_texted_twice_is_counted_one_by_one(any_database: Database) -> None:
    first = in_doubt(any_database)
    second = again(any_database, first)
    settling.accept(any_database, second, making.acceptance(second, "f2", left_out=[FIRST]))

    settling.accept(any_database, first, making.acceptance(first, "f1", left_out=[FIRST + 1]))

    account = making.account(any_database, first.campaign_id)
    assert making.attempt(any_database, first).state == AttemptState.ACCEPTED_LATE
    assert (account.duplicates, account.credits_posted) == (2, 6)
    assert account.by_status == {"refused": 1, "in_flight": 3}


def test_who_was_texted_twice_is_counted_though_the_batch_was_cut_in_halves(any_database: Database) -> None:
    first = in_doubt(any_database)
    second = again(any_database, first)
    bisection.refuse(any_database, second, "unreadable", code=-1, prices=Prices({"": Decimal(1)}))
    making.all_accepted(any_database, first.campaign_id)

    settling.accept(any_database, first, making.acceptance(first, "f1", left_out=[FIRST]))

    assert making.account(any_database, first.campaign_id).duplicates == 3


@pytest.mark.parametrize("delivered", ["first", "second"])
def test_of_two_that_were_taken_the_one_that_ends_unbilled_is_given_back_though_the_other_is_delivered(
    any_database: Database, delivered: str
) -> None:
    first = in_doubt(any_database)
    second = again(any_database, first)
    settling.accept(any_database, second, making.acceptance(second))
    settling.accept(any_database, first, making.acceptance(first))
    other = {"first": second, "second": first}[delivered]
    making.all_delivered(any_database, first if delivered == "first" else second)

    ends = [MessageStatus.REJECTED, MessageStatus.NOT_SENT, MessageStatus.UNDELIVERED]
    for _ in range(2):  # however often it is told
        making.reported(any_database, making.report(other, *enumerate(ends)))

    account = making.account(any_database, first.campaign_id)
    assert account.credits_posted - account.credits_refunded == 2 * len(first.payload) - 2
    assert account.by_status == {"delivered": len(first.payload)}


def test_what_is_proven_after_it_was_written_off_is_posted_and_its_reports_count(any_database: Database) -> None:
    found = in_doubt(any_database)
    resolve(found.attempt_id, "write_off", database=any_database, **WHY)
    settling.accept(any_database, found, making.acceptance(found, "f1"))
    reports = making.report(found, (0, MessageStatus.DELIVERED), (1, MessageStatus.WAITING), msgfid="f1")

    making.reported(any_database, reports)

    account = making.account(any_database, found.campaign_id)
    assert (account.state, account.credits_posted, account.duplicates) == (CampaignState.COMPLETED, 4, 0)
    assert (account.by_status, account.open) == ({"delivered": 1, "written_off": 3}, 0)


def test_the_reply_to_what_was_declared_accepted_says_the_rest(any_database: Database) -> None:
    found = in_doubt(any_database)
    resolve(found.attempt_id, "accepted", database=any_database, **WHY)

    settling.accept(any_database, found, making.acceptance(found, "f1", left_out=[FIRST]))

    attempt, account = making.attempt(any_database, found), making.account(any_database, found.campaign_id)
    assert (attempt.state, attempt.msgfid, account.credits_posted) == (AttemptState.ACCEPTED, "f1", 3)
    assert account.by_status == {"refused": 1, "in_flight": 3}


LATE = {
    "refused": (lambda database, found: settling.refuse(database, found, -9, "no one"), AttemptState.REFUSED),
    "not sent": (lambda database, found: settling.release(database, found, "no route"), AttemptState.NOT_SENT),
}


@pytest.mark.parametrize(("late", "state"), LATE.values(), ids=LATE)
@pytest.mark.parametrize("decision", ["resend", "write_off"])
def test_proof_that_nothing_was_sent_is_recorded_however_late(
    any_database: Database, decision: str, late: Any, state: AttemptState
) -> None:
    found = in_doubt(any_database)
    after = resolve(found.attempt_id, decision, database=any_database, **WHY).batch_state

    late(any_database, found)

    assert making.attempt(any_database, found).state == state
    assert making.batch_states(any_database, found.campaign_id) == [after]


@pytest.mark.parametrize(("late", "state"), LATE.values(), ids=LATE)
def test_proof_that_nothing_was_sent_settles_what_a_lease_that_ran_out_put_in_doubt(
    any_database: Database, late: Any, state: AttemptState
) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(2)), lease_seconds=-1)
    batches.expire_leases(any_database)

    late(any_database, found)

    assert making.attempt(any_database, found).state == state


@pytest.mark.parametrize("late", [late for late, _ in LATE.values()], ids=LATE)
def test_a_person_who_is_contradicted_by_the_reply_can_read_so(any_database: Database, late: Any) -> None:
    found = in_doubt(any_database)
    resolve(found.attempt_id, "accepted", database=any_database, **WHY)

    late(any_database, found)

    attempt = making.attempt(any_database, found)
    assert attempt.state == AttemptState.ACCEPTED
    assert "declared accepted, but its worker came back and says otherwise" in attempt.detail


@pytest.mark.parametrize(
    ("decision", "state"),
    [
        ("accepted", AttemptState.ACCEPTED),
        ("resend", AttemptState.ACCEPTED),  # nobody had begun to
        ("write_off", AttemptState.ACCEPTED_LATE),
    ],
)
def test_an_id_that_a_broken_reply_shows_after_the_decision_leads_its_reports_to_it(
    any_database: Database, decision: str, state: AttemptState
) -> None:
    found = in_doubt(any_database)
    resolve(found.attempt_id, decision, database=any_database, **WHY)

    settling.doubt(any_database, found, "cut short", msgfid="f7")
    making.reported(any_database, making.report(found, (0, MessageStatus.DELIVERED), msgfid="f7"))

    attempt = making.attempt(any_database, found)
    assert (attempt.state, attempt.msgfid, attempt.credits) == (state, "f7", 4)
    assert making.statuses(any_database, found.campaign_id)[0] == MessageStatus.DELIVERED


@pytest.mark.parametrize(
    ("decision", "state"), [("accepted", "accepted"), ("resend", "pending"), ("write_off", "written_off")]
)
def test_what_was_decided_upon_is_not_cut_in_halves_by_a_late_refusal(
    any_database: Database, decision: str, state: str
) -> None:
    found = in_doubt(any_database)
    resolve(found.attempt_id, decision, database=any_database, **WHY)

    bisection.refuse(any_database, found, "-1: XML invalide", code=-1, prices=Prices({}))

    assert making.batch_states(any_database, found.campaign_id) == [state]


@pytest.mark.parametrize(
    ("decision", "state"), [("accepted", "accepted"), ("resend", "pending"), ("write_off", "written_off")]
)
def test_a_late_doubt_changes_nothing_of_what_was_decided(any_database: Database, decision: str, state: str) -> None:
    found = in_doubt(any_database)
    resolve(found.attempt_id, decision, database=any_database, **WHY)
    before = making.attempt(any_database, found)

    settling.doubt(any_database, found, "timed out")

    assert making.attempt(any_database, found) == before
    assert making.batch_states(any_database, found.campaign_id) == [state]


@pytest.mark.parametrize(
    ("decision", "state"),
    [
        ("accepted", AttemptState.ACCEPTED),
        ("resend", AttemptState.ACCEPTED_LATE),
        ("write_off", AttemptState.ACCEPTED_LATE),
    ],
)
def test_reports_under_an_unknown_id_wait_for_what_was_decided_and_prove_it_late(
    any_database: Database, decision: str, state: AttemptState
) -> None:
    found = in_doubt(any_database)
    making.clock_goes_on(any_database, 1)
    resolve(found.attempt_id, decision, database=any_database, **WHY)
    if decision == "resend":
        making.fund(any_database)
        making.accepted(any_database, found.campaign_id, "f2")

    applied = making.reported(any_database, making.report(found, (0, MessageStatus.DELIVERED), msgfid="f9"))
    parked = unapplied.parked(any_database, ACCOUNT, no_older_than=60)
    seen = Evidence("f9", frozenset(found.payload.numbers), any_database.clock())
    adopted = doubts.settle(any_database, ACCOUNT, [seen], exclusive=False)

    attempt, account = making.attempt(any_database, found), making.account(any_database, found.campaign_id)
    assert (applied.unknown, len(parked), adopted) == ({"f9"}, 1, [found.campaign_id])
    assert (attempt.state, attempt.msgfid, attempt.credits) == (state, "f9", 4)
    assert account.duplicates == (4 if decision == "resend" else 0)
    assert [poll.id for poll in unapplied.due(any_database, ACCOUNT)] == [parked[0].id]


def test_reports_wait_no_longer_for_what_was_decided_a_week_ago(any_database: Database) -> None:
    found = in_doubt(any_database)
    resolve(found.attempt_id, "write_off", database=any_database, **WHY)
    making.clock_goes_on(any_database, decided.EVIDENCE_SECONDS + 1, resolutions.c.decided_at)

    making.reported(any_database, making.report(found, (0, MessageStatus.DELIVERED), msgfid="f9"))

    assert doubts.in_doubt(any_database, ACCOUNT) == set()
    assert unapplied.parked(any_database, ACCOUNT, no_older_than=60) == []


def test_what_is_declared_accepted_is_still_asked_for_by_our_own_id_and_what_is_written_off_is_not(
    any_database: Database,
) -> None:
    declared, given_up, doubtful = in_doubt(any_database), in_doubt(any_database), in_doubt(any_database)
    resolve(declared.attempt_id, "accepted", database=any_database, **WHY)
    resolve(given_up.attempt_id, "write_off", database=any_database, **WHY)

    asked_for = doubts.to_ask_for(any_database, ACCOUNT, every=30, most=9)

    assert sorted(asked_for) == sorted([declared.msgid, doubtful.msgid])
    assert doubts.to_ask_for(any_database, ACCOUNT, every=30, most=9) == []
