"""The database's clock is set back or forward by hours: nothing freezes, and nothing is sent twice.

To set it back by an hour is to move every moment that was written down an hour ahead, and the other way round.
"""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from campaigns import (
    accounts,
    balances,
    batches,
    bells,
    claims,
    credits,
    doubts,
    journal,
    lifecycle,
    lookups,
    reports,
    setbacks,
    settling,
    shortage,
    silence,
    turns,
    unapplied,
)
from campaigns.balances import Balance
from campaigns.database import Database
from campaigns.models import accounts as accounts_table
from campaigns.models import attempts, balance_readings, campaigns, report_polls
from campaigns.states import AttemptState, CampaignState, MessageStatus, PollState
from tests.campaigns import making
from tests.campaigns.making import ACCOUNT

HOUR = 3600.0
BELL = bells.fund(ACCOUNT)

SHOWN = "it is shown, and decides nothing"

MEANINGS: dict[str, tuple[str, str]] = {
    # column: what becomes of it where the clock is set back, and where it is set forward
    "accounts.expires_at": ("the gateway's own, and only shown", "the same"),
    "accounts.balance_asked_at": ("the next balance counts as newer", "the balance is older than it is"),
    "accounts.away_until": ("the gateway is tried at once", "the gateway is tried at once"),
    "accounts.served_at": ("workers say it again", "workers say it again"),
    "audiences.touched_at": ("counted from the setback", "a producer of before is taken for dead, and told so"),
    "balance_readings.asked_at": ("as if it was read at the setback", "it is older than it is"),
    "balance_readings.confirmed_at": ("the ledger's sums go on from an earlier one", "it is older than it is"),
    "campaigns.paused_at": (SHOWN, SHOWN),
    "campaigns.created_at": (SHOWN, SHOWN),
    "campaigns.scheduled_at": ("the database's time decides: it is not yet", "the database's time decides: it is"),
    "campaigns.completed_at": (SHOWN, SHOWN),
    "campaigns.shut_until": ("reckoned anew with its openings", "its openings decide"),
    "campaigns.next_send_at": ("the gate opens", "the gate opens"),
    "campaigns.looked_at": ("it is looked at at once", "it is looked at at once"),
    "messages.updated_at": (SHOWN, SHOWN),
    "opt_outs.opted_out_at": (SHOWN, SHOWN),
    "attempts.started_at": ("as if it began at the setback", "what had begun before stays before"),
    "attempts.leased_until": ("the lease begins anew", "it is in doubt, and its worker's proof settles it"),
    "attempts.settled_at": ("as if it was settled at the setback", "its reports are asked for, or given up, earlier"),
    "attempts.asked_at": ("it is asked for at once", "it is asked for at once"),
    "attempts.ended_at": (SHOWN, SHOWN),
    "resolutions.decided_at": (SHOWN, SHOWN),
    "report_polls.asked_at": ("counted from the setback", "counted as lost, and stored when it comes"),
    "report_polls.stored_at": ("as if it came at the setback", "parked ones are closed earlier"),
    "holds.held_at": (SHOWN, SHOWN),
    "refunds.refunded_at": ("the drift knows of it when that moment comes", "it counts at once"),
    "openings.opens_at": ("reckoned anew, and closed until then if it is to come", "the database's time decides"),
    "openings.closes_at": (
        "reckoned anew, and open no longer than it was to be",
        "it is over, and the next is reckoned",
    ),
    "openings.reckoned_at": ("its opening is reckoned anew", "it is older than it is"),
    "schedules.created_at": (SHOWN, SHOWN),
    "schedules.paused_at": (SHOWN, SHOWN),
    "schedules.next_at": ("reckoned anew; what had its campaign has it", "missed, or caught up with, by its policy"),
    "schedules.reckoned_at": ("its next slot is reckoned anew", "it is older than it is"),
    "schedules.begun_at": ("as if it was not begun; its key decides", "begun and left lying: made, or missed"),
    "schedules.asked_at": ("it names one occurrence, and is compared with nothing", "the same"),
    "schedules.last_at": (SHOWN, SHOWN),
    "bells.until": ("it may be rung at once", "it may be rung at once"),
    "lineage.set_back_at": ("what was submitted since counts as older, and is in doubt", "the same"),
    "lineage.known_until": (SHOWN, SHOWN),
    "lineage.restored_at": ("doubts until that moment comes are left to a person", "what is in doubt since is older"),
    "heartbeats.beat_at": ("nothing is known until the next", "it seems to have been silent until the next"),
}


def test_each_moment_that_is_written_down_has_its_meaning_here() -> None:
    assert set(MEANINGS) == {f"{column.table.name}.{column.name}" for column in making.every_moment()}


@pytest.fixture
def database(any_database: Database) -> Database:
    """Each kind in turn, where a worker has said which account it has."""
    accounts.serve(any_database, [ACCOUNT])
    return any_database


def set_back(database: Database, seconds: float = HOUR) -> int:
    """The clock is set back, and the next sweep comes; how many rows it mended."""
    making.clock_steps(database, -seconds)
    return setbacks.mend(database)


def row(database: Database, table: Any, row_id: int) -> Any:
    with database.reading() as connection:
        return connection.execute(select(table).where(table.c.id == row_id)).one()


class TestTheClockIsSetBack:
    def test_where_it_was_not_nothing_is_mended(self, database: Database) -> None:
        made = making.funded(database, making.numbers(3), rate=1.0, batch_size=1)
        making.accepted(database, made)
        making.stored(database)
        bells.ring(database, BELL, lambda *_: None)
        accounts.away(database, ACCOUNT, "refused")
        assert setbacks.mend(database) == 0

    def test_a_bell_may_be_rung_again(self, database: Database) -> None:
        bells.ring(database, BELL, lambda *_: None)
        making.clock_steps(database, -HOUR)
        assert not bells.ring(database, BELL, lambda *_: None)
        setbacks.mend(database)
        making.clock_goes_on(database, 1, *making.every_moment())
        assert bells.ring(database, BELL, lambda *_: None)

    def test_no_bell_is_rung_for_so_long_that_it_would_not_be_believed(self, database: Database) -> None:
        bells.ring(database, BELL, lambda *_: None, after=2 * HOUR)
        assert bells.answer(database, BELL, 1, seconds=2 * HOUR) is not None
        assert setbacks.mend(database) == 0

    def test_a_lookup_that_is_never_answered_has_its_time_from_then_on_and_no_longer(self, database: Database) -> None:
        made = making.submitted(database, making.numbers(3), lookup={"unknown": "send"})
        making.fund(database)
        claim = making.accepted(database, made)
        set_back(database)
        at_once = lookups.hopeless(database, deadline=600)
        making.clock_goes_on(database, 601)
        assert (at_once, lookups.hopeless(database, deadline=600)) == ([], [claim.batch_id])

    def test_a_gateway_that_was_away_is_tried(self, database: Database) -> None:
        made = making.funded(database, making.numbers(3))
        accounts.away(database, ACCOUNT, "refused")
        assert turns.candidates(database, ACCOUNT, 5) == []
        set_back(database)
        making.clock_goes_on(database, 1, accounts_table.c.away_until)
        assert turns.candidates(database, ACCOUNT, 5) == [made]

    def test_the_next_balance_counts_as_newer(self, database: Database) -> None:
        balances.note_balance(database, ACCOUNT, making.balance(database, 5))
        set_back(database)
        balances.note_balance(database, ACCOUNT, making.balance(database, 7))
        with database.reading() as connection:
            assert connection.execute(select(accounts_table.c.balance)).scalar_one() == 7

    def test_what_the_ledger_posted_is_counted_once_whatever_was_read_before(self, database: Database) -> None:
        def read(consumed: int) -> Any:
            said = Balance(Decimal(1000 - consumed), Decimal(consumed), None, database.clock())
            balances.note_balance(database, ACCOUNT, said)
            with database.reading() as connection:
                r = balance_readings.c
                last = select(r.posted, r.drift).order_by(r.asked_at.desc(), r.id.desc()).limit(1)
                return tuple(connection.execute(last).one())

        made = making.funded(database, making.numbers(9), batch_size=3)
        read(0)
        making.clock_goes_on(database, 1, *making.every_moment())
        making.all_delivered(database, making.accepted(database, made))
        making.clock_goes_on(database, 1, *making.every_moment())
        assert read(3) == (3, 0)
        making.all_delivered(database, making.accepted(database, made))
        set_back(database)
        making.clock_goes_on(database, 1, *making.every_moment())
        making.all_delivered(database, making.accepted(database, made))
        making.clock_goes_on(database, 1, *making.every_moment())
        assert read(9) == (9, 0)

    def test_what_was_taken_before_is_in_the_balance_that_is_asked_for_after(self, database: Database) -> None:
        making.all_accepted(database, making.funded(database, making.numbers(5)))
        set_back(database)
        with database.reading() as connection:
            assert credits.available(connection, ACCOUNT, making.balance(database, 100)) == Decimal(100)

    def test_a_lease_begins_anew_and_runs_out_in_its_own_time(self, database: Database) -> None:
        claim = making.claimed(database, making.funded(database, making.numbers(3)))
        set_back(database)
        assert claims.holds_lease(database, claim, seconds=making.LEASE - 10)
        assert batches.expire_leases(database) == []
        making.clock_goes_on(database, making.LEASE + 1)
        assert batches.expire_leases(database) == [claim.campaign_id]

    def test_a_gate_opens(self, database: Database) -> None:
        made = making.funded(database, making.numbers(3), rate=1.0)
        making.claimed(database, made)
        set_back(database)
        making.clock_goes_on(database, 1, campaigns.c.next_send_at)
        assert turns.candidates(database, ACCOUNT, 5) == [made]

    def test_a_gate_that_its_own_batch_keeps_shut_for_long_stays_shut(self, database: Database) -> None:
        made = making.funded(database, making.numbers(3), rate=0.01)
        making.claimed(database, made)  # a message takes 100 seconds
        assert setbacks.mend(database) == 0
        assert turns.candidates(database, ACCOUNT, 5) == []

    def test_a_campaign_that_waits_for_reports_is_looked_at(self, database: Database) -> None:
        made = making.funded(database, making.numbers(3))
        claims_made = making.all_accepted(database, made)
        making.advance(database)
        with database.transaction() as connection:
            lifecycle.advance(connection)  # it counts as looked at
        making.all_delivered(database, *claims_made)
        set_back(database)
        with database.transaction() as connection:
            lifecycle.advance(connection)
        assert making.state(database, made) == CampaignState.COMPLETED

    def test_the_silent_are_asked_for(self, database: Database) -> None:
        making.accepted(database, making.funded(database, making.numbers(3)))
        making.clock_goes_on(database, 1000)
        ask = {"older_than": 900.0, "every": 900.0, "most": 5}
        assert len(silence.sendings(database, ACCOUNT, **ask)) == 1
        making.clock_steps(database, -2 * HOUR)
        making.change(database, update(attempts).values(settled_at=database.clock()))
        making.clock_goes_on(database, 1000, attempts.c.settled_at)
        assert len(silence.sendings(database, ACCOUNT, **ask)) == 1

    def test_what_is_in_doubt_is_asked_for(self, database: Database) -> None:
        settling.doubt(database, making.claimed(database, making.funded(database, making.numbers(3))), "lost")
        assert len(doubts.to_ask_for(database, ACCOUNT, every=900, most=5)) == 1
        making.clock_steps(database, -HOUR)
        assert len(doubts.to_ask_for(database, ACCOUNT, every=900, most=5)) == 1

    def test_what_begins_after_it_is_not_proven_by_reports_of_before_it(self, database: Database) -> None:
        poll = making.stored(database)
        making.clock_goes_on(database, 5, report_polls.c.asked_at, report_polls.c.stored_at)
        set_back(database)
        claim = making.claimed(database, making.funded(database, making.numbers(3)))
        assert making.attempt(database, claim).started_at >= row(database, report_polls, poll).stored_at

    @pytest.mark.parametrize("mended", [True, False], ids=["after the sweep", "before the sweep"])
    def test_reports_that_precede_their_reply_stay_parked_for_it(self, database: Database, *, mended: bool) -> None:
        claim = making.claimed(database, making.funded(database, making.numbers(3)))
        making.clock_steps(database, -HOUR)
        if mended:
            setbacks.mend(database)
        found = making.report(claim, (0, MessageStatus.DELIVERED))
        making.reported(database, found)
        (poll,) = unapplied.parked(database, ACCOUNT, no_older_than=HOUR)
        settling.accept(database, claim, making.acceptance(claim))
        assert [each.id for each in unapplied.due(database, ACCOUNT)] == [poll.id]
        reports.apply(database, poll.id, found)
        assert MessageStatus.DELIVERED in making.statuses(database, claim.campaign_id)

    def test_a_reader_that_died_is_found_out_in_its_own_time(self, database: Database) -> None:
        poll = journal.note(database, ACCOUNT)
        set_back(database)
        making.clock_goes_on(database, unapplied.ASKED_SECONDS + 1, report_polls.c.asked_at)
        unapplied.parked(database, ACCOUNT, no_older_than=HOUR)
        assert row(database, report_polls, poll).state == PollState.LOST

    def test_an_account_that_nobody_has_any_more_is_not_taken_for_served(self, database: Database) -> None:
        accounts.serve(database, ["default", "old"])
        making.clock_steps(database, -HOUR)
        accounts.serve(database, ["default"])
        with database.reading() as connection:
            assert [accounts.unserved(connection, name) for name in ("default", "old")] == [False, True]

    def test_as_many_as_are_mended_are_counted_and_then_none(self, database: Database) -> None:
        claim = making.claimed(database, making.funded(database, making.numbers(3)))
        making.stored(database)
        bells.ring(database, BELL, lambda *_: None)
        assert set_back(database) >= 4
        assert setbacks.mend(database) == 0
        assert making.attempt(database, claim).state == AttemptState.OPEN


class TestTheClockIsSetForward:
    def test_what_is_in_the_air_falls_in_doubt_and_its_own_worker_settles_it(self, database: Database) -> None:
        made = making.funded(database, making.numbers(3))
        claim = making.claimed(database, made)
        making.clock_steps(database, HOUR)
        assert batches.expire_leases(database) == [made]
        assert claims.claim(database, made, lease_seconds=making.LEASE) is None
        settling.accept(database, claim, making.acceptance(claim))
        assert making.batch_states(database, made) == ["accepted"]
        assert making.attempt(database, claim).state == AttemptState.ACCEPTED

    def test_a_worker_that_had_not_connected_yet_sends_nothing(self, database: Database) -> None:
        claim = making.claimed(database, making.funded(database, making.numbers(3)))
        making.clock_steps(database, HOUR)
        assert not claims.holds_lease(database, claim, seconds=0)

    def test_of_two_tasks_of_a_bell_that_ran_out_one_goes_on(self, database: Database) -> None:
        sent: list[int] = []
        bells.ring(database, BELL, lambda _bell, serial, _after: sent.append(serial))
        making.clock_steps(database, HOUR)
        bells.ring(database, BELL, lambda _bell, serial, _after: sent.append(serial))
        answers = [bells.answer(database, BELL, serial, seconds=5) for serial in sent]
        assert [answer is not None for answer in answers] == [True, False]

    def test_a_reading_that_counts_as_lost_is_stored_all_the_same(self, database: Database) -> None:
        poll = journal.note(database, ACCOUNT)
        making.clock_steps(database, HOUR)
        unapplied.parked(database, ACCOUNT, no_older_than=HOUR)
        assert row(database, report_polls, poll).state == PollState.LOST
        journal.store(database, ACCOUNT, poll, b"<REPONSE/>")
        assert row(database, report_polls, poll).state == PollState.STORED

    def test_a_batch_that_the_credits_did_not_suffice_for_is_not_refused_in_a_row(self, database: Database) -> None:
        made = making.funded(database, making.numbers(3))
        for _ in range(shortage.REFUSALS_IN_A_ROW):
            settling.release(database, making.claimed(database, made), "-6", code=shortage.NOT_ENOUGH)
        making.clock_steps(database, HOUR)
        shortage.run_out(database, made, Decimal(1000))
        assert making.state(database, made) == CampaignState.SENDING


@pytest.mark.parametrize("seconds", [-26 * HOUR, -HOUR, -300.0, 300.0, HOUR, 26 * HOUR])
def test_a_campaign_goes_to_its_end_whenever_the_clock_is_set(database: Database, seconds: float) -> None:
    made = making.funded(database, making.numbers(12), batch_size=3)
    done = []
    for _ in range(4):
        claim = making.claimed(database, made)
        making.clock_steps(database, seconds)
        setbacks.mend(database)
        batches.expire_leases(database)
        settling.accept(database, claim, making.acceptance(claim))
        done.append(claim)
    making.clock_steps(database, seconds)
    setbacks.mend(database)
    making.all_delivered(database, *done)
    assert making.advanced(database, made) == CampaignState.COMPLETED
    assert making.account(database, made).by_status == {"delivered": 12}
