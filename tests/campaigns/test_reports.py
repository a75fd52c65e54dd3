"""Delivery reports are kept before anything is made of them, and each is applied once."""

from typing import Any

import pytest
from sqlalchemy import select, update

import campaigns
from campaigns import doubts, journal, lookups, reports, settling, silence, unapplied
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts, report_polls
from campaigns.reports import Reports
from campaigns.states import AttemptState, BatchState, MessageStatus, PollState
from tests.campaigns import making

DELIVERED, UNDELIVERED = MessageStatus.DELIVERED, MessageStatus.UNDELIVERED
UNTOUCHED = MessageStatus.AS_BATCH
DEADLINE = 3_600.0


def sent(database: Database, count: int = 2, **options: object) -> Claim:
    return making.accepted(database, making.funded(database, making.numbers(count), **options))


def poll_state(database: Database, poll_id: int) -> str:
    with database.reading() as connection:
        state: str = connection.execute(select(report_polls.c.state).where(report_polls.c.id == poll_id)).scalar_one()
    return state


def test_a_poll_is_written_down_before_the_gateway_is_asked(any_database: Database) -> None:
    assert poll_state(any_database, journal.note(any_database, making.ACCOUNT)) == PollState.ASKED


def test_a_body_is_kept_byte_for_byte(any_database: Database) -> None:
    poll = journal.note(any_database, making.ACCOUNT, "f1")

    journal.store(any_database, making.ACCOUNT, poll, b"\x00\xff cut sho")

    assert journal.body(any_database, poll) == b"\x00\xff cut sho"
    [found] = unapplied.due(any_database, making.ACCOUNT)
    assert (found.id, found.state, found.msgfid) == (poll, PollState.STORED, "f1")
    assert unapplied.due(any_database, "other") == []


def test_a_lost_body_is_counted_and_a_request_that_never_left_is_not(any_database: Database) -> None:
    lost, never_left = (journal.note(any_database, making.ACCOUNT) for _ in range(2))

    journal.lose(any_database, lost)
    journal.forget(any_database, never_left)

    with any_database.reading() as connection:
        assert connection.execute(select(report_polls.c.id, report_polls.c.state)).all() == [(lost, PollState.LOST)]


def test_reports_reach_their_messages(any_database: Database) -> None:
    found = sent(any_database, 3)

    applied = making.reported(any_database, making.report(found, (0, DELIVERED), (2, UNDELIVERED)))

    assert making.statuses(any_database, found.campaign_id) == [DELIVERED, UNTOUCHED, UNDELIVERED]
    assert (applied.changed, applied.campaigns, applied.unknown) == (2, {found.campaign_id}, set())
    assert unapplied.due(any_database, making.ACCOUNT) == []


def test_a_body_that_is_applied_twice_is_applied_once(any_database: Database) -> None:
    found = sent(any_database)
    poll = making.stored(any_database)
    body = making.report(found, (0, MessageStatus.NOT_SENT))

    first, second = (reports.apply(any_database, poll, body) for _ in range(2))

    assert (first.changed, second.changed) == (1, 0)
    assert campaigns.progress(found.campaign_id, database=any_database).credits_refunded == 1


def test_reports_of_several_campaigns_may_come_in_one_body(any_database: Database) -> None:
    one, other = sent(any_database), sent(any_database)
    first, second = making.report(one, (0, DELIVERED)), making.report(other, (1, UNDELIVERED))

    making.reported(any_database, joined(first, second))

    assert making.statuses(any_database, one.campaign_id) == [DELIVERED, UNTOUCHED]
    assert making.statuses(any_database, other.campaign_id) == [UNTOUCHED, UNDELIVERED]


def joined(*bodies: Reports) -> Reports:
    return Reports(
        [value for body in bodies for value in body.msgfids],
        [value for body in bodies for value in body.smsfids],
        [value for body in bodies for value in body.numbers],
        [value for body in bodies for value in body.statuses],
    )


def test_a_sending_of_another_account_is_not_ours(any_database: Database) -> None:
    found = sent(any_database)

    applied = making.reported(any_database, making.report(found, (0, DELIVERED)), account="other")

    assert applied.unknown == {f"f{found.attempt_id}"}
    assert making.statuses(any_database, found.campaign_id) == [UNTOUCHED] * 2


def test_reports_that_precede_their_reply_are_parked_and_then_matched(any_database: Database) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(2)))
    poll, body = making.stored(any_database), making.report(found, (0, DELIVERED))

    early = reports.apply(any_database, poll, body)
    known_early = unapplied.due(any_database, making.ACCOUNT)
    settling.accept(any_database, found, making.acceptance(found))
    known_late = unapplied.due(any_database, making.ACCOUNT)
    late = reports.apply(any_database, poll, body)

    assert (early.unknown, early.changed, late.unknown, late.changed) == ({f"f{found.attempt_id}"}, 0, set(), 1)
    assert (known_early, [each.id for each in known_late]) == ([], [poll])
    assert making.statuses(any_database, found.campaign_id) == [DELIVERED, UNTOUCHED]
    assert poll_state(any_database, poll) == PollState.APPLIED


def test_what_a_parked_body_had_for_others_is_not_applied_again(any_database: Database) -> None:
    known = sent(any_database)
    waiting = making.claimed(any_database, making.funded(any_database, making.numbers(1)))
    body = joined(making.report(known, (0, MessageStatus.WAITING)), making.report(waiting, (0, DELIVERED)))
    poll = making.stored(any_database)
    reports.apply(any_database, poll, body)
    making.reported(any_database, making.report(known, (0, MessageStatus.HANDED_OVER)))

    settling.accept(any_database, waiting, making.acceptance(waiting))
    reports.apply(any_database, poll, body)

    assert making.statuses(any_database, known.campaign_id) == [MessageStatus.HANDED_OVER, UNTOUCHED]
    assert making.statuses(any_database, waiting.campaign_id) == [DELIVERED]


def test_reports_that_belong_to_nobody_here_are_done_with(any_database: Database) -> None:
    sent(any_database)
    poll = making.stored(any_database)
    body = Reports(["foreign"], ["x"], ["22507"], [DELIVERED])

    assert reports.apply(any_database, poll, body).unknown == {"foreign"}

    assert poll_state(any_database, poll) == PollState.APPLIED


def test_an_attempt_that_began_after_the_body_came_cannot_own_its_reports(any_database: Database) -> None:
    poll = making.stored(any_database)
    making.claimed(any_database, making.funded(any_database, making.numbers(1)))

    reports.apply(any_database, poll, Reports(["foreign"], ["x"], ["22507"], [DELIVERED]))

    assert poll_state(any_database, poll) == PollState.APPLIED


def parked_polls(database: Database) -> list[Any]:
    return unapplied.parked(database, making.ACCOUNT, no_older_than=DEADLINE)


def parked(database: Database) -> tuple[Claim, int, Reports]:
    found = making.claimed(database, making.funded(database, making.numbers(4)))
    poll, body = making.stored(database), making.report(found, (0, DELIVERED))
    reports.apply(database, poll, body)
    return found, poll, body


def test_a_parked_body_waits_while_somebody_may_claim_it(any_database: Database) -> None:
    found, poll, _ = parked(any_database)

    assert [each.id for each in parked_polls(any_database)] == [poll]

    settling.doubt(any_database, found, "timed out")
    assert [each.id for each in parked_polls(any_database)] == [poll]


def test_a_parked_body_that_nobody_can_claim_any_more_is_closed(any_database: Database) -> None:
    found, poll, _ = parked(any_database)
    settling.release(any_database, found, "connection refused")

    assert parked_polls(any_database) == []
    assert poll_state(any_database, poll) == PollState.APPLIED


def test_a_parked_body_that_nobody_claims_until_the_deadline_is_closed(any_database: Database) -> None:
    found, poll, _ = parked(any_database)
    settling.doubt(any_database, found, "timed out")

    making.clock_goes_on(any_database, DEADLINE - 60, report_polls.c.stored_at, attempts.c.started_at)
    assert [each.id for each in parked_polls(any_database)] == [poll]
    making.clock_goes_on(any_database, 61, report_polls.c.stored_at, attempts.c.started_at)

    assert parked_polls(any_database) == []
    assert poll_state(any_database, poll) == PollState.APPLIED


def test_a_poll_whose_reader_died_counts_as_lost(any_database: Database) -> None:
    asked, other = journal.note(any_database, making.ACCOUNT), journal.note(any_database, "other")

    parked_polls(any_database)
    assert poll_state(any_database, asked) == PollState.ASKED
    making.clock_goes_on(any_database, 601, report_polls.c.asked_at)
    parked_polls(any_database)

    assert (poll_state(any_database, asked), poll_state(any_database, other)) == (PollState.LOST, PollState.ASKED)


def test_it_is_remembered_when_an_unknown_sending_was_first_seen(any_database: Database) -> None:
    foreign = Reports(["foreign", "x"], ["1", "2"], ["22507", "22508"], [DELIVERED] * 2)
    known = sent(any_database)
    making.reported(any_database, making.report(known, (0, DELIVERED)))
    making.reported(any_database, foreign, account="other")
    first, second = making.stored(any_database), making.stored(any_database)
    for poll in (first, second):
        reports.apply(any_database, poll, foreign)

    seen = journal.first_seen(any_database, making.ACCOUNT, {"foreign", "never"})

    with any_database.reading() as connection:
        came = connection.execute(select(report_polls.c.stored_at).where(report_polls.c.id == first)).scalar_one()
    assert seen == {"foreign": came}


def test_a_parked_body_is_not_closed_when_its_reply_has_come_just_now(any_database: Database) -> None:
    found, poll, body = parked(any_database)
    settling.accept(any_database, found, making.acceptance(found))

    assert [each.id for each in parked_polls(any_database)] == [poll]

    reports.apply(any_database, poll, body)
    assert making.statuses(any_database, found.campaign_id)[0] == DELIVERED


def test_a_reply_that_comes_while_its_reports_are_applied_loses_none(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = making.claimed(postgresql, making.funded(postgresql, making.numbers(1)))
    poll, body = making.stored(postgresql), making.report(found, (0, DELIVERED))
    really = reports._attempts

    def reply_comes_first(*asked: object) -> object:
        seen = really(*asked)  # type: ignore[arg-type]
        if making.attempt(postgresql, found).state == AttemptState.OPEN:
            settling.accept(postgresql, found, making.acceptance(found))
        return seen

    monkeypatch.setattr(reports, "_attempts", reply_comes_first)
    reports.apply(postgresql, poll, body)
    reports.apply(postgresql, poll, body)

    assert making.statuses(postgresql, found.campaign_id) == [DELIVERED]


def test_evidence_is_taken_from_the_msgfids_asked_for_and_from_numbers_alone() -> None:
    body = Reports(["a", "a", "a", "b"], ["1", "2", "3", "4"], ["225", "226", "9" * 5_000, "227"], [DELIVERED] * 4)

    assert body.numbers_by({"a", "c"}) == {"a": frozenset({225, 226})}
    assert len(body) == 4
    assert "225" not in repr(body)


def test_reports_under_an_id_that_a_broken_reply_had_shown_prove_the_batch(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(2))
    found = making.claimed(any_database, campaign)
    settling.doubt(any_database, found, "cut short", msgfid="f7")

    making.reported(any_database, making.report(found, (0, DELIVERED), msgfid="f7"))

    assert making.attempt(any_database, found).state == AttemptState.ACCEPTED
    assert making.batch_states(any_database, campaign) == [BatchState.ACCEPTED]
    assert making.statuses(any_database, campaign) == [DELIVERED, UNTOUCHED]


def test_reports_of_a_batch_that_was_adopted_are_applied(any_database: Database) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    settling.doubt(any_database, found, "timed out")
    making.clock_goes_on(any_database, 1)
    body = making.report(found, (0, DELIVERED), (1, MessageStatus.NOT_SENT), (2, DELIVERED), msgfid="f9")
    poll = making.stored(any_database)
    reports.apply(any_database, poll, body)
    [waiting] = parked_polls(any_database)

    seen = doubts.Evidence("f9", body.numbers_by({"f9"})["f9"], waiting.stored_at)
    doubts.settle(any_database, making.ACCOUNT, [seen], exclusive=False)
    reports.apply(any_database, poll, body)

    assert making.statuses(any_database, found.campaign_id) == [DELIVERED, MessageStatus.NOT_SENT, DELIVERED]
    account = campaigns.progress(found.campaign_id, database=any_database)
    assert (account.credits_posted, account.credits_refunded, account.adds_up) == (3, 1, True)


def test_a_body_may_hold_reports_of_more_sendings_than_a_statement_has_parameters(postgresql: Database) -> None:
    many = 70_000
    body = Reports([f"x{n}" for n in range(many)], ["s"] * many, ["225"] * many, [DELIVERED] * many)

    assert len(making.reported(postgresql, body).unknown) == many


def looked_up(database: Database, count: int = 3) -> Claim:
    campaign = making.submitted(database, making.numbers(count), lookup=True)
    making.fund(database)
    return making.accepted(database, campaign)


def answers(database: Database) -> dict[int, bool]:
    with database.reading() as connection:
        return {row.msisdn: row.reachable for row in connection.execute(select(lookups.lookups))}


def test_a_lookups_reports_say_who_is_reachable(any_database: Database) -> None:
    found = looked_up(any_database)

    applied = making.reported(
        any_database, making.report(found, (0, DELIVERED), (1, UNDELIVERED), (2, MessageStatus.WAITING))
    )

    assert answers(any_database) == {making.FIRST: True, making.FIRST + 1: False}
    assert (applied.looked_up, applied.campaigns) == ({found.batch_id}, set())
    assert making.statuses(any_database, found.campaign_id) == [UNTOUCHED] * 3


def test_the_first_answer_to_a_number_counts_and_the_last_within_a_body(any_database: Database) -> None:
    found = looked_up(any_database)
    making.reported(any_database, making.report(found, (0, UNDELIVERED), (0, DELIVERED)))

    making.reported(any_database, making.report(found, (0, UNDELIVERED)))

    assert answers(any_database) == {making.FIRST: True}


def test_a_looked_up_number_that_is_spelled_otherwise_is_known_by_its_smsfid(any_database: Database) -> None:
    found = looked_up(any_database)
    msgfid = f"f{found.attempt_id}"

    making.reported(any_database, Reports([msgfid], [f"{msgfid}-1"], ["0700000001"], [UNDELIVERED]))

    assert answers(any_database) == {making.FIRST + 1: False}


def test_two_who_apply_overlapping_bodies_at_once_do_not_deadlock(any_database: Database) -> None:
    found = [making.accepted(any_database, making.funded(any_database, making.numbers(300))) for _ in range(2)]
    forth = [(place, DELIVERED) for place in range(300)]
    back = [(place, UNDELIVERED) for place in reversed(range(300))]
    for _ in range(5):
        one = joined(making.report(found[0], *forth), making.report(found[1], *forth))
        other = joined(making.report(found[1], *back), making.report(found[0], *back))
        making.at_once(
            lambda body=one: making.reported(any_database, body),
            lambda body=other: making.reported(any_database, body),
        )
        making.change(any_database, update(making.messages_table).values(status=0))

    with any_database.reading() as connection:
        assert set(connection.execute(select(report_polls.c.state)).scalars()) == {PollState.APPLIED}


def test_a_body_that_two_apply_at_once_is_applied_once(any_database: Database) -> None:
    found = sent(any_database, 50)
    poll = making.stored(any_database)
    body = making.report(found, *[(place, MessageStatus.NOT_SENT) for place in range(50)])

    applied = making.at_once(*[lambda: reports.apply(any_database, poll, body)] * 3)

    assert sorted(each.changed for each in applied) == [0, 0, 50]
    assert campaigns.progress(found.campaign_id, database=any_database).credits_refunded == 50


def test_a_report_that_is_handed_out_twice_counts_once(any_database: Database) -> None:
    found = sent(any_database)
    body = making.report(found, (0, MessageStatus.NOT_SENT), (1, DELIVERED))

    first, second = (making.reported(any_database, body) for _ in range(2))

    assert (first.changed, second.changed) == (2, 0)
    account = campaigns.progress(found.campaign_id, database=any_database)
    assert (account.credits_refunded, account.adds_up) == (1, True)


@pytest.mark.parametrize("late", [DELIVERED, UNDELIVERED, MessageStatus.NOT_SENT])
def test_a_report_that_comes_after_it_was_given_up_counts_and_the_account_still_adds_up(
    any_database: Database, late: MessageStatus
) -> None:
    found = sent(any_database, 1)
    making.clock_goes_on(any_database, 7_200)
    making.advance(any_database, *silence.give_up(any_database, older_than=3_600))
    ended = making.account(any_database, found.campaign_id)

    making.reported(any_database, making.report(found, (0, MessageStatus.HANDED_OVER)))
    given_up = making.statuses(any_database, found.campaign_id)
    making.reported(any_database, making.report(found, (0, late)))

    assert (ended.state, ended.by_status) == ("completed", {"unreported": 1})
    assert given_up == [MessageStatus.UNREPORTED]
    assert making.statuses(any_database, found.campaign_id) == [late]
    assert making.account(any_database, found.campaign_id).credits_refunded == (late == MessageStatus.NOT_SENT)
