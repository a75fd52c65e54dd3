"""One thing is done ahead, beside its caller, and nothing runs on when the caller has left."""

import threading

import pytest

from campaigns.ahead import Ahead


def test_what_was_begun_is_taken_once() -> None:
    with Ahead[int](60) as ahead:
        assert (ahead.begun, ahead.take()) == (False, None)
        ahead.begin(lambda: 7)
        assert (ahead.begun, ahead.take(), ahead.begun, ahead.take()) == (True, 7, False, None)


def test_it_is_done_beside_the_caller() -> None:
    goes_on = threading.Event()
    with Ahead[bool](60) as ahead:
        ahead.begin(lambda: goes_on.wait(10))
        goes_on.set()
        assert ahead.take()


def test_nothing_is_begun_when_the_time_is_over() -> None:
    with Ahead[int](0) as ahead:
        ahead.begin(lambda: pytest.fail("begun"))
        assert not ahead.begun


def test_its_error_reaches_whoever_takes_it() -> None:
    with Ahead[int](60) as ahead:
        ahead.begin(lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            ahead.take()


def test_nothing_runs_any_more_when_the_caller_has_failed() -> None:
    before = threading.active_count()
    done = []

    def fail() -> None:
        with Ahead[None](60) as ahead:
            ahead.begin(lambda: done.append(1))
            raise SystemExit

    with pytest.raises(SystemExit):
        fail()
    assert threading.active_count() == before
