"""Work that fails each time it is tried, or takes its process with it, is left alone; one good try makes up for it."""

from collections.abc import Callable

import pytest

from campaigns import bells, tries
from campaigns.bells import Bell
from campaigns.database import Database
from campaigns.models import bells as table
from campaigns.moments import now
from tests.campaigns import making
from tests.campaigns.sent import Sent, wait

BELL = bells.expand(12)


@pytest.fixture
def sent() -> Sent:
    return Sent()


def taken(database: Database, sent: Sent) -> int:
    """Ring, and take the work up."""
    assert bells.ring(database, BELL, sent)
    mine = bells.answer(database, BELL, sent.last, seconds=30)
    assert mine is not None
    return mine


def died(database: Database, sent: Sent) -> None:
    """One try whose process dies."""
    taken(database, sent)
    wait(database, 31)


def broke(database: Database, sent: Sent) -> None:
    """One try that breaks."""
    bells.fail(database, BELL, taken(database, sent), "KeyError")


@pytest.mark.parametrize(
    ("fails", "trouble"), [(died, "its process died"), (broke, "KeyError")], ids=["its process dies", "it breaks"]
)
def test_work_that_fails_three_times_is_rung_no_more_until_it_is_forgiven(
    any_database: Database, sent: Sent, fails: Callable[[Database, Sent], None], trouble: str
) -> None:
    for _ in range(3):
        assert making.troubles(any_database) == []
        fails(any_database, sent)
    assert making.troubles(any_database) == [("expand:12", 3, trouble)]
    wait(any_database, 60 * bells.FORGOTTEN_SECONDS)
    assert bells.forget_old(any_database) == 0
    assert not bells.ring(any_database, BELL, sent)

    with any_database.transaction() as connection:
        bells.forgive(connection, BELL)

    assert making.troubles(any_database) == []
    assert bells.ring(any_database, BELL, sent)


def test_work_of_a_whole_account_is_only_parked_and_has_one_try_each_time(any_database: Database, sent: Sent) -> None:
    poll = bells.poll("default")

    def fail() -> bool:
        if not bells.ring(any_database, poll, sent):
            return False
        mine = bells.answer(any_database, poll, sent.last, seconds=30)
        assert mine is not None
        bells.fail(any_database, poll, mine, "KeyError")
        return True

    assert [fail() for _ in range(4)] == [True, True, True, False]
    wait(any_database, tries.PARKED_SECONDS + 1)
    assert [fail() for _ in range(2)] == [True, False]
    assert making.troubles(any_database) == [("poll:default", 4, "KeyError")]
    assert bells.ring(any_database, poll, sent, by_hand=True)


@pytest.mark.parametrize("well", [bells.quiet, lambda *its: bells.again(*its, Sent())], ids=["done", "done for now"])
def test_one_try_that_is_good_makes_up_for_those_before(
    any_database: Database, sent: Sent, well: Callable[[Database, Bell, int], None]
) -> None:
    for _ in range(5):
        broke(any_database, sent)
        broke(any_database, sent)
        well(any_database, BELL, taken(any_database, sent))
        wait(any_database, bells.RUNG_SECONDS + 1)
    assert making.troubles(any_database) == []
    assert bells.ring(any_database, BELL, sent)


def test_what_is_no_fault_of_the_work_is_no_try(any_database: Database, sent: Sent) -> None:
    for _ in range(5):
        bells.let_off(any_database, BELL, taken(any_database, sent))
    assert bells.ring(any_database, BELL, sent)


def test_the_third_try_may_be_a_good_one_and_is_no_trouble_while_it_lasts(any_database: Database, sent: Sent) -> None:
    broke(any_database, sent)
    broke(any_database, sent)
    taken(any_database, sent)
    assert making.troubles(any_database) == []


def test_of_what_died_together_each_has_its_last_try_without_the_others(any_database: Database, sent: Sent) -> None:
    some = [bells.expand(12), bells.poll("default")]

    def begun(bell: Bell) -> int | None:
        if not bells.ring(any_database, bell, sent):
            return None
        return bells.answer(any_database, bell, sent.last, seconds=30)

    for _ in range(2):
        assert None not in [begun(bell) for bell in some]
        wait(any_database, 31)

    mine = begun(some[0])
    assert mine is not None
    assert begun(some[1]) is None
    assert begun(bells.fund("default")) is not None  # which has not failed so often
    bells.again(any_database, some[0], mine, Sent())
    assert begun(some[1]) is not None


def test_lanes_wait_for_no_other_whatever_died_with_them(any_database: Database, sent: Sent) -> None:
    lanes = [bells.send("default", lane) for lane in (1, 2)]
    for _ in range(3):
        for lane in lanes:
            assert bells.ring(any_database, lane, sent)
            assert bells.answer(any_database, lane, sent.last, seconds=30) is not None
        wait(any_database, 31)


def test_tries_are_counted_no_further_than_their_column_goes(any_database: Database) -> None:
    with any_database.transaction() as connection:
        connection.execute(table.insert().values(key=BELL.key, serial=7, until=now(), tries=1_000))
    assert bells.answer(any_database, BELL, 7, seconds=5) is not None
    wait(any_database, 6)
    assert making.troubles(any_database) == [("expand:12", 1_000, "its process died")]
