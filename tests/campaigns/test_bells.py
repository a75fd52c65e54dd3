"""A key has one task at a time, whoever rings; a lost task is rung anew, and a double goes away."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from campaigns import bells
from campaigns.bells import Bell
from campaigns.database import Database
from campaigns.models import bells as table
from tests.campaigns.sent import Sent, wait

BELL = bells.expand(12)


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.mark.parametrize(
    ("bell", "key"),
    [
        (bells.expand(12), "expand:12"),
        (bells.fund("default"), "fund:default"),
        (bells.send("default", 3), "send:default:3"),
        (bells.poll("default"), "poll:default"),
    ],
    ids=["expand", "fund", "send", "poll"],
)
def test_each_work_has_a_key_of_its_own(bell: Bell, key: str) -> None:
    assert bell.key == key


def test_a_bell_that_is_silent_sends_its_task(any_database: Database, sent: Sent) -> None:
    assert bells.ring(any_database, BELL, sent, after=1.5)
    assert [(bell, after) for bell, _, after in sent] == [(BELL, 1.5)]


def test_nobody_to_send_it_leaves_the_bell_silent(any_database: Database, sent: Sent) -> None:
    assert not bells.ring(any_database, BELL, None)
    assert bells.ring(any_database, BELL, sent)


def test_a_bell_that_rings_already_sends_nothing(any_database: Database, sent: Sent) -> None:
    assert [bells.ring(any_database, BELL, sent) for _ in range(3)] == [True, False, False]
    assert len(sent) == 1


def test_many_who_ring_at_once_send_one_task(any_database: Database, sent: Sent) -> None:
    start = threading.Barrier(8)

    def ring(_: int) -> bool:
        start.wait(timeout=60)
        return bells.ring(any_database, BELL, sent)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ring, range(8))) == 1
    assert len(sent) == 1


def test_one_bell_does_not_keep_another_silent(any_database: Database, sent: Sent) -> None:
    assert all(bells.ring(any_database, bells.send("default", lane), sent) for lane in range(3))


def test_a_task_that_is_lost_is_rung_anew_once_it_has_lapsed(any_database: Database, sent: Sent) -> None:
    bells.ring(any_database, BELL, sent)
    wait(any_database, bells.RUNG_SECONDS - 2)
    assert not bells.ring(any_database, BELL, sent)
    wait(any_database, 3)
    assert bells.ring(any_database, BELL, sent)


def test_a_delay_counts_as_ringing(any_database: Database, sent: Sent) -> None:
    bells.ring(any_database, BELL, sent, after=60)
    wait(any_database, 60)
    assert not bells.ring(any_database, BELL, sent)


def test_of_a_late_task_and_its_successor_only_the_first_to_come_is_answered(
    any_database: Database, sent: Sent
) -> None:
    for _ in range(3):  # the queue is longer than a bell lasts
        assert bells.ring(any_database, BELL, sent)
        wait(any_database, bells.RUNG_SECONDS + 1)
    answers = [bells.answer(any_database, BELL, serial, seconds=5) for _, serial, _ in sent]
    assert [answer is not None for answer in answers] == [True, False, False]


def test_a_task_whose_work_was_taken_for_dead_goes_away_when_its_successor_has_begun(
    any_database: Database, sent: Sent
) -> None:
    bells.ring(any_database, BELL, sent)
    mine = bells.answer(any_database, BELL, sent.last, seconds=5)
    assert mine is not None
    wait(any_database, 6)
    bells.ring(any_database, BELL, sent)
    assert bells.answer(any_database, BELL, sent.last, seconds=5) is not None
    bells.again(any_database, BELL, mine, sent)
    assert len(sent) == 2


def test_a_task_that_comes_twice_is_answered_once(any_database: Database, sent: Sent) -> None:
    bells.ring(any_database, BELL, sent)
    answers = [bells.answer(any_database, BELL, sent.last, seconds=5) for _ in range(3)]
    assert [answer is not None for answer in answers] == [True, False, False]


def test_doubles_at_once_are_answered_once(any_database: Database, sent: Sent) -> None:
    bells.ring(any_database, BELL, sent)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: bells.answer(any_database, BELL, sent.last, seconds=5), range(8)))
    assert sum(answer is not None for answer in answers) == 1


def test_nobody_rings_while_the_work_is_done(any_database: Database, sent: Sent) -> None:
    bells.ring(any_database, BELL, sent)
    bells.answer(any_database, BELL, sent.last, seconds=30)
    wait(any_database, 29)
    assert not bells.ring(any_database, BELL, sent)
    wait(any_database, 2)
    assert bells.ring(any_database, BELL, sent)


def test_work_that_goes_on_is_handed_to_a_task_of_its_own(any_database: Database, sent: Sent) -> None:
    bells.ring(any_database, BELL, sent)
    mine = bells.answer(any_database, BELL, sent.last, seconds=5)
    assert mine is not None
    bells.again(any_database, BELL, mine, sent, after=2.0)
    assert [after for _, _, after in sent] == [0.0, 2.0]
    assert bells.answer(any_database, BELL, mine, seconds=5) is None
    assert bells.answer(any_database, BELL, sent.last, seconds=5) is not None


def test_of_one_that_was_given_up_for_lost_and_its_successor_one_goes_on(any_database: Database, sent: Sent) -> None:
    bells.ring(any_database, BELL, sent)
    mine = bells.answer(any_database, BELL, sent.last, seconds=5)
    assert mine is not None
    wait(any_database, 6)
    bells.ring(any_database, BELL, sent)
    bells.again(any_database, BELL, mine, sent)
    _, successor, gone_on = [serial for _, serial, _ in sent]
    assert bells.answer(any_database, BELL, successor, seconds=5) is None
    assert bells.answer(any_database, BELL, gone_on, seconds=5) is not None


def test_a_bell_that_fell_quiet_can_be_rung_at_once(any_database: Database, sent: Sent) -> None:
    bells.ring(any_database, BELL, sent)
    mine = bells.answer(any_database, BELL, sent.last, seconds=30)
    assert mine is not None
    bells.quiet(any_database, BELL, mine)
    assert bells.ring(any_database, BELL, sent)
    assert sent.last > mine


def test_a_bell_that_was_never_rung_answers_nobody(any_database: Database) -> None:
    assert bells.answer(any_database, BELL, 1, seconds=5) is None
    bells.quiet(any_database, BELL, 1)


def test_a_bell_may_ask_for_some_rest_first(any_database: Database, sent: Sent) -> None:
    bells.ring(any_database, BELL, sent)
    wait(any_database, bells.RUNG_SECONDS + 1)
    assert not bells.ring(any_database, BELL, sent, rested=5)
    wait(any_database, 5)
    assert bells.ring(any_database, BELL, sent, rested=5)


def test_a_task_that_cannot_be_sent_is_rung_anew_once_it_has_lapsed(any_database: Database, sent: Sent) -> None:
    def away(bell: Bell, serial: int, after: float) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        bells.ring(any_database, BELL, away)
    wait(any_database, bells.RUNG_SECONDS + 1)
    assert bells.ring(any_database, BELL, sent)


def test_a_bell_that_nobody_has_rung_for_a_day_is_forgotten(any_database: Database, sent: Sent) -> None:
    bells.ring(any_database, bells.expand(1), sent)
    wait(any_database, bells.FORGOTTEN_SECONDS + bells.RUNG_SECONDS + 1)
    bells.ring(any_database, bells.expand(2), sent)
    assert bells.forget_old(any_database) == 1
    with any_database.reading() as connection:
        assert connection.execute(table.select().with_only_columns(table.c.key)).scalars().all() == ["expand:2"]


def test_a_bell_that_is_kept_does_not_lapse_while_the_work_lasts_and_may_afterwards(
    any_database: Database, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    bells.ring(any_database, BELL, sent)
    mine = bells.answer(any_database, BELL, sent.last, seconds=6)
    assert mine is not None
    really, keeps = bells.keep, threading.Semaphore(0)

    def keep(database: Database, bell: Bell, serial: int, *, seconds: float) -> None:
        really(database, bell, serial, seconds=seconds)
        keeps.release()

    monkeypatch.setattr(bells, "keep", keep)
    with bells.kept(any_database, BELL, mine, seconds=6):
        assert keeps.acquire(timeout=60)
        wait(any_database, 60)  # as if the work had taken a minute
        while keeps.acquire(blocking=False):  # from before the minute
            pass
        assert keeps.acquire(timeout=60)
        assert not bells.ring(any_database, BELL, sent)
    wait(any_database, 60)
    assert bells.ring(any_database, BELL, sent)
