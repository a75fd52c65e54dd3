"""A request in doubt is decided by a person or by its campaign's policy: once, with its reason, and at its price."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

import campaigns
from campaigns import batches, bisection, claims, decided, doubts, policies, settling, unapplied
from campaigns.bells import Bell
from campaigns.claims import Claim
from campaigns.database import Database, later
from campaigns.doubts import Evidence
from campaigns.models import accounts, attempts, resolutions
from campaigns.prices import Prices
from campaigns.resolving import UndecidableError, UnknownAttemptError, resolve
from campaigns.states import AttemptState, BatchState, CampaignState, Decision, MessageStatus
from tests.campaigns import making
from tests.campaigns.making import ACCOUNT, FIRST

WHY: dict[str, Any] = {"by": "awa", "reason": "the gateway's own log says so"}
DEADLINE = 1_800


def in_doubt(database: Database, count: int = 4, **options: Any) -> Claim:
    """A campaign's only batch, of which nobody knows."""
    found = making.claimed(database, making.funded(database, making.numbers(count), **options))
    settling.doubt(database, found, "timed out")
    making.advance(database)
    return found


def resolved(database: Database) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(select(resolutions).order_by(resolutions.c.attempt_id)).all())


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


# What is learnt after the decision


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


# Policies


def overdue(database: Database, policy: str = "resend", **options: Any) -> Claim:
    """In doubt for longer than its campaign waits, and the gateway was asked for its reports."""
    found = in_doubt(database, in_doubt=policy, **options)
    wait_out(database)
    return found


def wait_out(database: Database) -> None:
    making.clock_goes_on(database, DEADLINE + 1)
    asked(database)


def asked(database: Database) -> None:
    a = attempts.c
    making.change(database, update(attempts).where(a.state == AttemptState.IN_DOUBT).values(asked_at=a.settled_at))


@pytest.mark.parametrize(
    ("policy", "count", "state"),
    [
        ("hold", 0, AttemptState.IN_DOUBT),
        ("resend", 1, AttemptState.RESENT),
        ("write_off", 1, AttemptState.WRITTEN_OFF),
    ],
)
def test_the_policy_decides_when_the_deadline_has_passed(
    any_database: Database, policy: str, count: int, state: AttemptState
) -> None:
    found = overdue(any_database, policy)

    assert policies.carry_out(any_database) == count

    assert making.attempt(any_database, found).state == state
    assert [row.decided_by for row in resolved(any_database)] == ["policy"] * count
    assert policies.carry_out(any_database) == 0


def test_a_policy_that_sends_again_wakes_whoever_funds_and_one_that_writes_off_nobody(any_database: Database) -> None:
    rung: list[Bell] = []
    overdue(any_database, "write_off")
    assert policies.carry_out(any_database, lambda bell, *_: rung.append(bell)) == 1
    assert rung == []
    overdue(any_database, "resend")

    policies.carry_out(any_database, lambda bell, *_: rung.append(bell))

    assert [bell.key for bell in rung] == [f"fund:{ACCOUNT}"]


def test_a_doubt_that_a_person_decides_first_keeps_the_policy_from_no_other(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicker, other = overdue(any_database, "write_off"), overdue(any_database, "write_off")
    decide = policies.decide

    def after_a_person(connection: Any, attempt_id: int, *said: Any, **named: Any) -> Any:
        if attempt_id == quicker.attempt_id:
            raise UndecidableError("decided already")
        return decide(connection, attempt_id, *said, **named)

    monkeypatch.setattr(policies, "decide", after_a_person)

    assert policies.carry_out(any_database) == 1
    assert making.attempt(any_database, other).state == AttemptState.WRITTEN_OFF


def test_the_policy_waits_for_the_campaign_s_own_deadline(any_database: Database) -> None:
    in_doubt(any_database, in_doubt="resend", in_doubt_deadline=7_200)
    making.clock_goes_on(any_database, 7_190)
    asked(any_database)
    early = policies.carry_out(any_database)
    making.clock_goes_on(any_database, 11)

    assert (early, policies.carry_out(any_database)) == (0, 1)


def test_a_worker_that_comes_back_with_the_same_doubt_does_not_move_the_deadline(any_database: Database) -> None:
    found = overdue(any_database)

    settling.doubt(any_database, found, "timed out")

    assert policies.carry_out(any_database) == 1


def test_nothing_is_decided_while_nobody_could_look_for_evidence(any_database: Database) -> None:
    in_doubt(any_database, in_doubt="resend")
    making.clock_goes_on(any_database, DEADLINE + 1)
    unasked = policies.carry_out(any_database)
    asked(any_database)
    away = update(accounts).values(away_until=later(60))
    making.change(any_database, away)
    while_away = policies.carry_out(any_database)
    making.change(any_database, update(accounts).values(away_until=None))

    assert (unasked, while_away, policies.carry_out(any_database)) == (0, 0, 1)


def test_a_policy_sends_a_batch_again_twice_and_then_leaves_it_to_a_person(any_database: Database) -> None:
    found = overdue(any_database)
    for _ in range(policies.RESENDS_BY_POLICY):
        assert policies.carry_out(any_database) == 1
        making.fund(any_database)
        settling.doubt(any_database, making.claimed(any_database, found.campaign_id), "timed out")
        wait_out(any_database)

    assert policies.carry_out(any_database) == 0

    reasons = [row.reason for row in resolved(any_database)]
    assert reasons[0].endswith("should this fall in doubt as well, once more")
    assert reasons[1].endswith("sent again 2 times: should this fall in doubt as well, a person must decide")
    assert making.batch_states(any_database, found.campaign_id) == [BatchState.IN_DOUBT]
    (left,) = campaigns.open_doubts(database=any_database)
    assert (left.resent, left.acts_at) == (2, None)
    resolve(left.attempt_id, "resend", database=any_database, **WHY)


def test_a_paused_campaign_keeps_its_doubt_until_it_is_resumed(any_database: Database) -> None:
    found = overdue(any_database)
    campaigns.pause(found.campaign_id, database=any_database)
    paused = policies.carry_out(any_database)
    campaigns.resume(found.campaign_id, database=any_database)

    assert (paused, policies.carry_out(any_database)) == (0, 1)


def test_what_had_shown_the_gateway_s_id_is_not_sent_again_by_itself(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(4), in_doubt="resend")
    settling.doubt(any_database, making.claimed(any_database, campaign), "cut short", msgfid="f7")
    wait_out(any_database)

    assert policies.carry_out(any_database) == 0


def test_a_lookup_is_left_to_its_own_deadline(any_database: Database) -> None:
    overdue(any_database, "write_off", lookup=True)

    assert policies.carry_out(any_database) == 0


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
