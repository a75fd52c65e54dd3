"""What is at work is counted by account and state; of what has ended nothing is, and of messages none is read."""

from decimal import Decimal

from campaigns import accounts, census, lifecycle, pause, settling
from campaigns.census import AtWork, InBatches, messages_at_work
from campaigns.database import Database, forbid_scans
from campaigns.states import BatchState, MessageStatus
from tests.campaigns import making
from tests.campaigns.making import ACCOUNT
from tests.campaigns.plans import plans_of
from tests.campaigns.test_plans import old_history


def look(database: Database) -> tuple[list[AtWork], list[InBatches]]:
    with database.snapshot() as connection:
        forbid_scans(connection)
        return census.campaigns_at_work(connection), census.batches_at_work(connection)


def test_campaigns_are_counted_by_state_and_who_paused_them_until_they_end(any_database: Database) -> None:
    first, second, third, over = (
        making.funded(any_database, making.numbers(1, first=making.FIRST + place)) for place in range(4)
    )
    pause(first, reason="the shop is closed", database=any_database)
    with any_database.transaction() as connection:
        lifecycle.halt(connection, second, "the login is refused")
    making.all_delivered(any_database, making.accepted(any_database, over))
    assert making.advanced(any_database, over) == "completed"
    assert look(any_database)[0] == [AtWork(ACCOUNT, "sending", 3, 1, 1, Decimal(0))]
    assert third


def test_what_campaigns_wait_for_is_summed_up(any_database: Database) -> None:
    for place in range(2):
        making.submitted(any_database, making.numbers(3, first=making.FIRST + 10 * place))
    making.fund(any_database, 1)
    (found,) = look(any_database)[0]
    assert (found.state, found.count, found.shortfall) == ("awaiting_credits", 2, Decimal(4))


def test_batches_say_how_many_messages_are_where_and_what_is_held_for_them(any_database: Database) -> None:
    made = making.funded(any_database, making.numbers(6), batch_size=2)
    making.accepted(any_database, made)
    settling.doubt(any_database, making.claimed(any_database, made), "lost")
    making.submitted(any_database, making.numbers(1, first=making.FIRST + 10))
    found = {each.state: (each.count, each.messages, each.held) for each in look(any_database)[1]}
    assert found == {
        BatchState.ACCEPTED: (1, 2, 0),
        BatchState.IN_DOUBT: (1, 2, 0),
        BatchState.PENDING: (2, 3, 2),  # one of them is not funded
    }


def test_requests_in_the_air_are_counted_with_what_they_may_cost(any_database: Database) -> None:
    making.claimed(any_database, making.funded(any_database, making.numbers(3)))
    with any_database.reading() as connection:
        assert census.in_the_air(connection) == [(ACCOUNT, 1, Decimal(3))]


class TestMessages:
    some = (
        InBatches("a", BatchState.ACCEPTED, 2, 10, Decimal(0)),
        InBatches("a", BatchState.PENDING, 1, 5, Decimal(0)),
        InBatches("b", BatchState.REFUSED, 1, 4, Decimal(0)),
    )

    def test_they_are_what_their_batches_say_but_for_those_that_say_more(self) -> None:
        own = {
            ("a", BatchState.ACCEPTED, MessageStatus.DELIVERED): 6,
            ("a", BatchState.ACCEPTED, MessageStatus.QUEUED): 2,
            ("a", BatchState.PENDING, MessageStatus.DELIVERED): 1,
        }
        assert messages_at_work(list(self.some), own) == {
            ("a", "in_flight"): 4,
            ("a", "delivered"): 7,
            ("a", "pending"): 4,
            ("b", "refused"): 4,
        }

    def test_what_was_counted_before_a_batch_moved_adds_none(self) -> None:
        found = messages_at_work(list(self.some), {("a", BatchState.PENDING, MessageStatus.DELIVERED): 99})
        assert sum(found.values()) == 19
        assert found["a", "pending"] == 0


def test_of_a_long_history_nothing_is_read(any_database: Database) -> None:
    old_history(any_database)
    accounts.serve(any_database, [ACCOUNT])
    for table in ("campaigns", "batches", "messages"):
        with plans_of(any_database, table) as plans:
            look(any_database)
        assert (plans == []) == (table == "messages")
        assert not [plan for plan in plans if "Seq Scan" in plan or "SCAN batches" in plan or "SCAN campaigns" in plan]
