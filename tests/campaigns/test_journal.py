"""What the journal knows after a death between any two steps, and that nothing counts as lost which is not."""

import contextlib
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import delete, select, update

from campaigns import journal, readings, reports, unapplied
from campaigns.database import Database, DatabaseAway
from campaigns.models import report_polls
from campaigns.states import MessageStatus, PollState
from tests.campaigns import making
from tests.campaigns.making import ACCOUNT
from worker.settings import Settings

BODY = b"<REPONSE/>"


def states(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(select(report_polls.c.state).order_by(report_polls.c.id)).scalars())


def long_after(database: Database) -> None:
    making.clock_goes_on(database, unapplied.ASKED_SECONDS + 1, report_polls.c.asked_at)
    unapplied.parked(database, ACCOUNT, no_older_than=3_600)


def gaps(database: Database) -> int:
    return sum(its.gaps for its in readings.readings(database))


def test_who_died_after_the_note_is_a_gap_at_most_and_not_before_nobody_waits_any_more(any_database: Database) -> None:
    journal.note(any_database, ACCOUNT)
    at_first = gaps(any_database)
    long_after(any_database)

    assert (at_first, gaps(any_database), states(any_database)) == (0, 1, ["lost"])


def test_a_slow_answer_is_never_taken_for_lost() -> None:
    longest = {
        name: next(bound.le for bound in Settings.model_fields[name].metadata if hasattr(bound, "le"))
        for name in ("reports_timeout", "connect_timeout")
    }
    assert sum(longest.values()) < unapplied.ASKED_SECONDS


def test_who_died_after_the_body_was_stored_leaves_it_to_the_next(any_database: Database) -> None:
    found = making.accepted(any_database, making.funded(any_database, making.numbers(1)))
    poll = making.stored(any_database)
    long_after(any_database)

    assert [each.id for each in unapplied.due(any_database, ACCOUNT)] == [poll]
    reports.apply(any_database, poll, making.report(found, (0, MessageStatus.DELIVERED)))
    assert making.statuses(any_database, found.campaign_id) == [MessageStatus.DELIVERED]
    assert gaps(any_database) == 0


def test_a_body_that_comes_after_its_reading_was_given_up_is_no_gap(any_database: Database) -> None:
    poll = journal.note(any_database, ACCOUNT)
    long_after(any_database)
    lost = gaps(any_database)

    assert journal.store(any_database, ACCOUNT, poll, BODY) == poll

    assert (lost, gaps(any_database), states(any_database)) == (1, 0, ["stored"])


def test_a_body_that_is_stored_again_because_the_answer_was_lost_is_stored_once(any_database: Database) -> None:
    poll = journal.note(any_database, ACCOUNT)

    assert [journal.store(any_database, ACCOUNT, poll, BODY) for _ in range(3)] == [poll] * 3

    assert states(any_database) == ["stored"]


def test_a_reading_that_is_applied_is_not_lost_whoever_says_so_late(any_database: Database) -> None:
    poll = making.stored(any_database)
    journal.lose(any_database, poll)
    assert states(any_database) == ["stored"]


def test_a_body_whose_reading_is_gone_gets_a_new_one(any_database: Database) -> None:
    poll = journal.note(any_database, ACCOUNT)
    making.change(any_database, delete(report_polls))

    stored = [journal.store(any_database, ACCOUNT, poll, BODY, msgfid="f1") for _ in range(2)]

    assert stored[0] == stored[1]
    [found] = unapplied.due(any_database, ACCOUNT)
    assert (found.id, found.msgfid) == (stored[0], "f1")
    assert journal.body(any_database, found.id) == BODY


def test_a_note_whose_commit_was_answered_by_nobody_is_no_gap(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost_answer(any_database, monkeypatch, lambda: journal.note(any_database, ACCOUNT))
    left = states(any_database)

    journal.forget(any_database, journal.note(any_database, ACCOUNT))

    assert (left, states(any_database)) == (["asked"], [])


def lost_answer(database: Database, monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """Do it, and have the answer to its commit be lost."""
    really = database.transaction

    class Cut:
        def __enter__(self) -> Any:
            self.inner = really()
            return self.inner.__enter__()

        def __exit__(self, *error: Any) -> None:
            self.inner.__exit__(*error)
            raise DatabaseAway(database.url, OSError("the answer is lost"))

    with monkeypatch.context() as cut:
        cut.setattr(database, "transaction", Cut)
        with pytest.raises(DatabaseAway):
            act()


def test_what_could_not_be_forgotten_is_once_the_database_is_back(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = journal.note(any_database, ACCOUNT)

    def away() -> Any:
        raise DatabaseAway(any_database.url, OSError("gone"))

    with monkeypatch.context() as gone:
        gone.setattr(any_database, "transaction", away)
        with pytest.raises(DatabaseAway):
            journal.forget(any_database, poll)
    journal.make_good(any_database)

    assert states(any_database) == []


def test_a_body_whose_applying_kills_its_process_is_tried_three_times(any_database: Database) -> None:
    poll = making.stored(any_database)

    found = [unapplied.begin(any_database, poll) for _ in range(unapplied.TRIES + 2)]

    assert found == [BODY] * unapplied.TRIES + [None] * 2
    assert states(any_database) == ["broken"]
    assert [each.why for its in readings.readings(any_database) for each in its.latest_broken] == [unapplied.DIED]
    assert unapplied.due(any_database, ACCOUNT) == []
    assert not unapplied.any_stored(any_database, ACCOUNT)


def test_a_body_that_is_applied_at_the_last_try_is_not_broken_and_counts_anew(any_database: Database) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(1)))
    poll, body = making.stored(any_database), making.report(found, (0, MessageStatus.DELIVERED))
    for _ in range(unapplied.TRIES):
        unapplied.begin(any_database, poll)
    reports.apply(any_database, poll, body)  # it is parked

    assert states(any_database) == ["parked"]
    assert unapplied.begin(any_database, poll) == BODY


@pytest.mark.parametrize("cut", [False, True])
def test_a_body_that_was_parked_when_it_broke_is_parked_again_and_says_still_that_it_was_cut(
    any_database: Database, *, cut: bool
) -> None:
    found = making.claimed(any_database, making.funded(any_database, making.numbers(1)))
    poll = journal.note(any_database, ACCOUNT)
    journal.store(any_database, ACCOUNT, poll, BODY, cut=cut)
    reports.apply(any_database, poll, making.report(found, (0, MessageStatus.DELIVERED)))
    making.change(any_database, update(report_polls).values(tries=unapplied.TRIES))
    assert unapplied.failed(any_database, poll, "ValueError")
    while_broken = gaps(any_database)

    assert unapplied.retry(any_database, poll)

    assert states(any_database) == [PollState.PARKED]
    assert (while_broken, gaps(any_database)) == (int(cut), int(cut))


def test_what_is_owed_while_the_database_takes_what_was_owed_before_is_not_lost_and_nothing_is_done_twice(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports are read in one thread while others are applied in another."""
    done: list[str] = []
    really = any_database.transaction

    class Noted:
        def execute(self, statement: Any) -> None:
            done.append(statement)
            if statement == "first":  # the other thread comes in between
                journal.owe(any_database, "second")  # type: ignore[arg-type]
                journal.make_good(any_database)

    monkeypatch.setattr(any_database, "transaction", lambda: contextlib.nullcontext(Noted()))
    journal.owe(any_database, "first")  # type: ignore[arg-type]
    journal.make_good(any_database)
    journal.make_good(any_database)
    monkeypatch.setattr(any_database, "transaction", really)

    assert done == ["first", "second"]


def test_what_the_database_did_not_take_stays_owed(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    poll_id = journal.note(any_database, making.ACCOUNT)
    journal.owe(any_database, delete(report_polls).where(report_polls.c.id == poll_id))
    with monkeypatch.context() as away:
        away.setattr(any_database, "transaction", Mock(side_effect=DatabaseAway(any_database.url, OSError("gone"))))
        with pytest.raises(DatabaseAway):
            journal.make_good(any_database)
    journal.make_good(any_database)

    with any_database.reading() as connection:
        assert connection.execute(select(report_polls.c.id).where(report_polls.c.id == poll_id)).first() is None
