"""The figures by which trouble is seen: by account, and by index however much there ever was."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, insert, update

from campaigns import accounts, cancel, journal, lifecycle, pause, settling, vitals
from campaigns.balances import Balance, note_balance
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import accounts as accounts_table
from campaigns.models import attempts, balance_readings, bells, report_polls
from campaigns.models import campaigns as table
from campaigns.reports import Reports
from campaigns.states import MessageStatus, PollState
from tests.campaigns import making
from tests.campaigns.gateways import Count, later
from tests.campaigns.making import ACCOUNT
from tests.campaigns.plans import plans_of
from tests.campaigns.test_plans import old_history


@pytest.fixture
def database(any_database: Database) -> Database:
    """Each kind in turn, where a worker has said which account it has."""
    accounts.serve(any_database, [ACCOUNT])
    return any_database


def test_of_an_account_without_any_trouble_nothing_is_told(database: Database) -> None:
    making.accepted(database, making.funded(database, making.numbers(3)))
    with database.reading() as connection:
        assert vitals.names(connection) == [ACCOUNT]
        assert vitals.in_doubt(connection) == []
        assert vitals.polls(connection, lately=60) == []
        assert vitals.pending(connection) == []
        assert vitals.away(connection) == []
        assert vitals.halted(connection, 5) == []
        assert vitals.unserved(connection) == []
        assert vitals.in_trouble(connection) == []
        assert vitals.drifts(connection, lately=60) == []


def test_doubts_are_counted_with_what_is_at_stake_and_how_old_the_oldest_is(database: Database) -> None:
    made = making.funded(database, making.numbers(6), batch_size=3)
    for _ in range(2):
        settling.doubt(database, making.claimed(database, made), "lost")
    making.clock_goes_on(database, 100, attempts.c.started_at)
    with database.reading() as connection:
        (found,) = vitals.in_doubt(connection)
    assert (found.account, found.count, found.numbers, found.credits) == (ACCOUNT, 2, 6, Decimal(6))
    assert 100 <= found.oldest < 110


def test_readings_that_did_not_end_well_are_counted_by_how(database: Database) -> None:
    making.claimed(database, making.funded(database, making.numbers(1)))
    for _ in range(2):
        journal.lose(database, journal.note(database, ACCOUNT))
    making.clock_goes_on(database, 1000, report_polls.c.asked_at)
    journal.lose(database, journal.note(database, ACCOUNT))
    broken, died = making.stored(database), journal.note(database, ACCOUNT)
    making.change(database, update(report_polls).where(report_polls.c.id == broken).values(state=PollState.BROKEN))
    making.reported(database, Reports(["unknown"], ["x"], ["22507"], [MessageStatus.DELIVERED]))
    journal.note(database, ACCOUNT)
    of_the_dead = update(report_polls).where(report_polls.c.id == died)
    making.change(database, of_the_dead.values(asked_at=database.clock().replace(year=2020)))
    with database.reading() as connection:
        (found,) = vitals.polls(connection, lately=600)
    assert found == vitals.Polls(ACCOUNT, lost=3, lost_lately=1, overdue=1, parked=1, broken=1)


def test_bodies_that_nobody_has_applied_are_counted_with_how_long_the_oldest_waits(database: Database) -> None:
    for _ in range(2):
        making.stored(database)
    making.clock_goes_on(database, 100, report_polls.c.stored_at)
    making.stored(database)
    with database.reading() as connection:
        (found,) = vitals.polls(connection, lately=60)
    assert found.stored == 3
    assert 100 <= found.waits < 110


def test_what_the_gateway_said_last_is_told_with_its_age(database: Database) -> None:
    expires = database.clock() + timedelta(days=9)
    with database.reading() as connection:
        assert vitals.balances(connection) == []
    note_balance(database, ACCOUNT, Balance(Decimal(70), None, expires, database.clock()))
    making.clock_goes_on(database, 100, accounts_table.c.balance_asked_at)
    with database.reading() as connection:
        (found,) = vitals.balances(connection)
    assert (found.account, found.credits, found.expires_at) == (ACCOUNT, Decimal(70), expires)
    assert 100 <= found.age < 110


class TestWhatCouldLeave:
    def look(self, database: Database) -> list[vitals.Pending]:
        with database.reading() as connection:
            return vitals.pending(connection)

    def test_it_is_as_old_as_its_campaign_and_still_since_something_was_settled(self, database: Database) -> None:
        made = making.funded(database, making.numbers(6), batch_size=3)
        making.clock_goes_on(database, 500, table.c.created_at)
        making.accepted(database, made)
        making.clock_goes_on(database, 100, attempts.c.settled_at)
        (found,) = self.look(database)
        assert 500 <= found.oldest < 520
        assert 100 <= found.still < 120

    def test_while_a_request_is_being_made_nothing_is_still_however_long_it_was_before(
        self, database: Database
    ) -> None:
        """Resumed, topped up, or its gateway back: whoever has mended it asks whether it goes on now."""
        made = making.funded(database, making.numbers(9), batch_size=3)
        making.accepted(database, made)
        making.clock_goes_on(database, 5_000, table.c.created_at, attempts.c.settled_at)
        (before,) = self.look(database)
        making.claimed(database, made)
        (meanwhile,) = self.look(database)
        making.clock_goes_on(database, 5_000, attempts.c.leased_until)
        (after,) = self.look(database)
        assert before.still >= 5_000
        assert (meanwhile.still, meanwhile.oldest >= 5_000) == (0, True)
        assert after.still >= 5_000, "whoever made it is gone"

    def test_where_nothing_was_ever_settled_it_is_still_since_the_beginning(self, database: Database) -> None:
        making.funded(database, making.numbers(3))
        making.clock_goes_on(database, 500, table.c.created_at)
        (found,) = self.look(database)
        assert found.still == found.oldest >= 500

    @pytest.mark.parametrize(
        "hinder",
        [
            lambda database, made: pause(made, database=database),
            lambda database, _: making.away(database, ACCOUNT, "refused"),
            lambda database, made: making.claimed(database, made),
        ],
        ids=["paused", "away", "in the air"],
    )
    def test_what_is_kept_from_leaving_is_not_counted(
        self, database: Database, hinder: Callable[[Database, int], object]
    ) -> None:
        hinder(database, making.funded(database, making.numbers(3)))
        assert self.look(database) == []


def test_an_account_that_is_away_is_named_with_its_reason(database: Database) -> None:
    making.away(database, ACCOUNT, "connection refused")
    with database.reading() as connection:
        (found,) = vitals.away(connection)
    assert (found.account, found.reason) == (ACCOUNT, "connection refused")
    assert 0 < found.seconds <= accounts.LONGEST_WAIT


def test_of_a_gateway_that_nobody_had_to_ask_for_long_nobody_says_that_it_is_away(database: Database) -> None:
    accounts.away(database, ACCOUNT, "the reply was lost", doubtful=True)
    making.clock_goes_on(database, 600, accounts_table.c.away_until)
    with database.reading() as connection:
        assert vitals.away(connection) == []
    assert accounts.is_doubtful(database, ACCOUNT), "the next request is still made alone"


def test_campaigns_that_need_a_person_are_named_and_those_that_a_person_paused_are_not(database: Database) -> None:
    by_itself, by_a_person, stalled = (
        making.funded(database, making.numbers(1, first=making.FIRST + place)) for place in range(3)
    )
    with database.transaction() as connection:
        lifecycle.halt(connection, by_itself, "the login is refused")
    pause(by_a_person, database=database)
    settling.doubt(database, making.claimed(database, stalled), "lost")
    making.advance(database)
    with database.reading() as connection:
        found = vitals.halted(connection, 5)
    assert [(each.campaign_id, each.state, each.reason) for each in found] == [
        (by_itself, "paused", "the login is refused"),
        (stalled, "stalled", lifecycle.STALLED),
    ]


def test_a_campaign_that_awaits_credits_is_named_unless_a_person_paused_it(database: Database) -> None:
    waits, paused = (making.submitted(database, making.numbers(3)) for _ in range(2))
    making.fund(database, 2)
    pause(paused, database=database)
    with database.reading() as connection:
        found = vitals.halted(connection, 5)
    assert [(each.campaign_id, each.state) for each in found] == [(waits, "awaiting_credits")]


class TestWhatNoWorkerHas:
    def look(self, database: Database) -> list[vitals.Unserved]:
        with database.reading() as connection:
            return vitals.unserved(connection)

    def test_it_is_counted_by_account(self, database: Database) -> None:
        first, *_ = [making.submitted(database, making.numbers(3), account="autre") for _ in range(2)]
        making.submitted(database, making.numbers(3))
        assert self.look(database) == [vitals.Unserved("autre", 2, first)]
        accounts.serve(database, ["autre"])
        assert self.look(database) == []

    def test_where_no_worker_is_at_work_none_is_missed(self, database: Database) -> None:
        making.submitted(database, making.numbers(3), account="autre")
        making.clock_goes_on(database, accounts.SERVED_SECONDS + 1, accounts_table.c.served_at)
        assert self.look(database) == []

    @pytest.mark.parametrize("settled", [pause, cancel])
    def test_a_campaign_that_a_person_paused_or_cancelled_misses_nobody(
        self, database: Database, settled: Callable[..., object]
    ) -> None:
        settled(making.submitted(database, making.numbers(3), account="autre"), database=database)
        assert self.look(database) == []

    def test_a_campaign_that_is_to_begin_later_does_not_yet(self, database: Database) -> None:
        begins = database.clock() + timedelta(hours=1)
        making.submitted(database, making.numbers(3), account="autre", scheduled_at=begins)
        assert self.look(database) == []


def test_work_that_breaks_is_named(database: Database) -> None:
    values = {"serial": 1, "until": database.clock()}
    making.change(database, insert(bells).values(key="fund:default", tries=3, trouble="KeyError", **values))
    making.change(database, insert(bells).values(key="poll:default", tries=2, trouble="KeyError", **values))
    with database.reading() as connection:
        assert vitals.in_trouble(connection) == [vitals.Trouble("fund:default", 3, "KeyError")]


def test_a_drift_is_told_in_all_and_what_came_to_it_lately(database: Database) -> None:
    def counted(consumed: int) -> None:
        note_balance(database, ACCOUNT, Balance(Decimal(0), Decimal(consumed), None, database.clock()))

    def look() -> list[vitals.Drift]:
        with database.reading() as connection:
            return vitals.drifts(connection, lately=600)

    assert look() == []
    counted(10)
    assert look() == [vitals.Drift(ACCOUNT, Decimal(0), Decimal(0))]
    counted(13)
    assert look() == [vitals.Drift(ACCOUNT, Decimal(3), Decimal(3))]
    making.clock_goes_on(database, 1000, balance_readings.c.asked_at, balance_readings.c.confirmed_at)
    assert look() == [vitals.Drift(ACCOUNT, Decimal(3), Decimal(0))]
    counted(12)
    assert look() == [vitals.Drift(ACCOUNT, Decimal(2), Decimal(-1))]


def drifted(database: Database) -> list[tuple[Decimal, Decimal]]:
    """What a drift is told to be: in all, and of late."""
    with database.reading() as connection:
        return [(each.credits, each.lately) for each in vitals.drifts(connection, lately=600)]


class TestADriftThatIsNone:
    """What is under way explains it: it is gone with a later reading, and no trouble."""

    @pytest.fixture
    def gateway(self, database: Database) -> Count:
        made = Count(database)
        made.read()
        later(database)
        return made

    def accepted(self, database: Database, gateway: Count) -> Claim:
        claim = making.claimed(database, making.funded(database, making.numbers(3)))
        gateway.accept(claim)
        later(database)
        return claim

    def test_credits_that_came_back_and_whose_reports_nobody_has_read_yet(
        self, database: Database, gateway: Count
    ) -> None:
        claim = self.accepted(database, gateway)
        gateway.take(-2)
        gateway.read()
        assert drifted(database) == [(-2, 0)]

        making.reported(database, making.report(claim, *[(place, MessageStatus.REJECTED) for place in range(2)]))
        later(database)
        gateway.read()
        assert drifted(database) == [(0, 0)]

    def test_reports_that_are_applied_between_the_gateways_answer_and_its_being_noted(
        self, database: Database, gateway: Count
    ) -> None:
        claim = self.accepted(database, gateway)
        gateway.take(-3)
        said = gateway.balance()
        making.reported(database, making.report(claim, *[(place, MessageStatus.REJECTED) for place in range(3)]))
        making.advance(database)
        note_balance(database, ACCOUNT, said)
        assert drifted(database) == [(-3, 0)]

    def test_a_request_in_doubt_that_was_taken(self, database: Database, gateway: Count) -> None:
        gateway.lose(making.claimed(database, making.funded(database, making.numbers(3))))
        later(database)
        gateway.read()
        assert drifted(database) == [(3, 0)]

    def test_a_day_that_began_while_credits_had_come_back_unread(self, database: Database, gateway: Count) -> None:
        making.change(database, delete(balance_readings))
        claim = self.accepted(database, gateway)
        gateway.take(-2)
        gateway.read()
        making.reported(database, making.report(claim, *[(place, MessageStatus.REJECTED) for place in range(2)]))
        later(database, 1_000)
        gateway.read()
        assert drifted(database) == [(2, 0)]

    def test_what_it_does_not_explain_is_told(self, database: Database, gateway: Count) -> None:
        claim = self.accepted(database, gateway)
        gateway.take(-5)  # of three credits, no five can have come back
        gateway.read()
        assert drifted(database) == [(-5, -2)]

        gateway.take(9)  # and none that came back makes it more
        later(database)
        gateway.read()
        assert drifted(database) == [(4, 4)]

        gateway.take(-6)
        making.all_delivered(database, claim)
        making.advance(database)
        later(database)
        gateway.read()
        assert drifted(database) == [(-2, -2)], "its messages have ended, and none of them came back"

    def test_what_somebody_spends_is_not_made_up_for_by_what_had_come_back_before(
        self, database: Database, gateway: Count
    ) -> None:
        self.accepted(database, gateway)
        gateway.take(-5)
        gateway.read()
        later(database, 1_000)
        gateway.take(5)
        gateway.read()
        assert drifted(database) == [(0, 2)], "three of the five may have come back unread before"

    def test_the_same_figures_explain_less_once_the_messages_have_ended(
        self, database: Database, gateway: Count
    ) -> None:
        claim = self.accepted(database, gateway)
        gateway.take(-2)
        gateway.read()
        making.all_delivered(database, claim)
        making.advance(database)
        later(database)
        gateway.read()
        assert drifted(database) == [(-2, -2)]

    def test_what_the_account_next_to_it_waits_for_explains_nothing(self, database: Database, gateway: Count) -> None:
        claim = making.claimed(database, making.funded(database, making.numbers(3), account="other"))
        Count(database, account="other").accept(claim)
        gateway.take(-2)
        gateway.read()
        assert drifted(database)[0] == (-2, -2)


LOOKS: dict[str, tuple[str, str, Callable[..., object]]] = {
    "doubts": ("attempts", "attempts_unsettled", vitals.in_doubt),
    "polls": ("report_polls", "report_polls_at_work", lambda connection: vitals.polls(connection, lately=60)),
    "pending": ("campaigns", "campaigns_at_work", vitals.pending),
    "what was settled last": ("attempts", "attempts_settled", vitals.pending),
    "drifts": ("balance_readings", "balance_readings_latest", lambda connection: vitals.drifts(connection, lately=60)),
    "halted": ("campaigns", "campaigns_at_work", lambda connection: vitals.halted(connection, 5)),
    "unserved": ("campaigns", "campaigns_at_work", vitals.unserved),
}


@pytest.mark.parametrize("what", LOOKS)
def test_it_is_found_by_its_index_and_no_message_is_read(any_database: Database, what: str) -> None:
    table_name, index, look = LOOKS[what]
    old_history(any_database)
    accounts.serve(any_database, [ACCOUNT])
    making.funded(any_database, making.numbers(3, first=making.FIRST + 100))
    with (
        plans_of(any_database, table_name) as plans,
        plans_of(any_database, "messages") as of_messages,
        any_database.reading() as connection,
    ):
        look(connection)
    assert of_messages == []
    assert any(index in plan for plan in plans)
    for plan in plans:
        assert f"Seq Scan on {table_name}" not in plan
        assert f"SCAN {table_name}" not in plan
