"""How messages end is counted from when somebody begins on, a slice at a time, and each of them once."""

from collections.abc import Callable

import pytest

from campaigns import endings
from campaigns.database import Database
from campaigns.endings import Endings
from campaigns.states import BatchState, MessageStatus
from tests.campaigns import making
from tests.campaigns.making import ACCOUNT
from tests.campaigns.plans import plans_of
from tests.campaigns.test_plans import old_history

Look = Callable[..., bool]


@pytest.fixture
def look(any_database: Database) -> Look:
    def once(who: Endings, *, seconds: float = 60.0) -> bool:
        with any_database.snapshot() as connection:
            return who.look(connection, seconds=seconds)

    return once


def delivered(database: Database, made: int) -> None:
    making.all_delivered(database, making.accepted(database, made))


def test_what_ended_before_somebody_began_is_not_counted_and_what_ends_since_is(
    any_database: Database, look: Look
) -> None:
    made = making.funded(any_database, making.numbers(6), batch_size=2)
    delivered(any_database, made)
    who = Endings()
    assert look(who)
    assert who.counted.ended == {}
    assert who.counted.own == {(ACCOUNT, BatchState.ACCEPTED, MessageStatus.DELIVERED): 2}
    delivered(any_database, made)
    look(who)
    assert who.counted.ended == {(ACCOUNT, "delivered"): 2}


def test_a_campaign_that_comes_and_ends_between_two_looks_is_counted_once(any_database: Database, look: Look) -> None:
    who = Endings()
    look(who)
    made = making.funded(any_database, making.numbers(3))
    delivered(any_database, made)
    assert making.advanced(any_database, made) == "completed"
    for _ in range(3):
        look(who)
    assert who.counted.ended == {(ACCOUNT, "delivered"): 3}
    assert who.counted.own == {}
    assert who.counted.age == 0


def test_the_last_messages_of_a_campaign_are_counted_when_it_has_ended(any_database: Database, look: Look) -> None:
    who = Endings()
    look(who)
    made = making.funded(any_database, making.numbers(4), batch_size=2)
    delivered(any_database, made)
    look(who)
    claim = making.accepted(any_database, made)
    found = making.report(claim, (0, MessageStatus.UNDELIVERED), (1, MessageStatus.DELIVERED))
    making.reported(any_database, found)
    making.advance(any_database, made)
    for _ in range(2):
        look(who)
    assert who.counted.ended == {(ACCOUNT, "delivered"): 3, (ACCOUNT, "undelivered"): 1}


def test_a_status_that_gives_way_to_a_better_one_takes_nothing_back(any_database: Database, look: Look) -> None:
    who = Endings()
    look(who)
    made = making.funded(any_database, making.numbers(2))
    claim = making.accepted(any_database, made)
    found = making.report(claim, (0, MessageStatus.UNREPORTED), (1, MessageStatus.UNREPORTED))
    making.reported(any_database, found)
    look(who)
    making.reported(any_database, making.report(claim, (0, MessageStatus.DELIVERED)))
    look(who)
    assert who.counted.ended == {(ACCOUNT, "unreported"): 2, (ACCOUNT, "delivered"): 1}


class TestSlices:
    def test_what_is_not_done_in_time_is_gone_on_with_and_each_message_counts_once(
        self, any_database: Database, look: Look
    ) -> None:
        who = Endings(rows_at_once=10)
        look(who)
        made = making.funded(any_database, making.numbers(35), batch_size=7)
        for _ in range(4):
            delivered(any_database, made)
        looks = 1
        while not look(who, seconds=0):
            looks += 1
        assert looks >= 4
        assert who.counted.ended == {(ACCOUNT, "delivered"): 28}

    def test_one_that_ends_while_it_is_walked_over_is_walked_over_anew(
        self, any_database: Database, look: Look
    ) -> None:
        who = Endings(rows_at_once=10)
        look(who)
        made = making.funded(any_database, making.numbers(30), batch_size=30)
        claim = making.accepted(any_database, made)
        assert not look(who, seconds=0)
        making.all_delivered(any_database, claim)
        making.advance(any_database, made)
        while not look(who, seconds=0):
            pass
        assert who.counted.ended == {(ACCOUNT, "delivered"): 30}

    def test_small_ones_are_counted_together(self, any_database: Database, look: Look) -> None:
        who = Endings(rows_at_once=10)
        look(who)
        for place in range(6):
            delivered(any_database, making.funded(any_database, making.numbers(3, first=making.FIRST + 10 * place)))
        with plans_of(any_database, "messages") as plans:
            look(who)
        assert len(plans) == 2
        assert who.counted.ended == {(ACCOUNT, "delivered"): 18}


def test_a_look_is_as_old_as_that_of_the_campaign_that_was_not_counted_for_longest(
    any_database: Database, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    making.accepted(any_database, making.funded(any_database, making.numbers(1)))
    who = Endings()
    look(who)
    before = endings.monotonic()
    monkeypatch.setattr(endings, "monotonic", lambda: before + 50)
    assert 50 <= who.counted.age < 60


def test_of_a_long_history_no_message_is_read_and_those_at_work_are_found_by_their_keys(
    any_database: Database, look: Look
) -> None:
    old_history(any_database)
    for rows in (1, 100):
        making.funded(any_database, making.numbers(3, first=making.FIRST + 100 * rows))
        who = Endings(rows_at_once=rows)
        with plans_of(any_database, "messages") as plans, plans_of(any_database, "campaigns") as of_campaigns:
            look(who)
            look(who)
        assert plans
        for plan in [*plans, *of_campaigns]:
            assert "Seq Scan" not in plan
            assert "SCAN messages" not in plan
            assert "SCAN campaigns" not in plan
