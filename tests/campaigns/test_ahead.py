"""One thing is done ahead, beside its caller, and nothing runs on when the caller has left."""

import threading
from time import monotonic

import pytest

from campaigns import departure
from campaigns.ahead import Ahead


def test_what_was_begun_is_taken_once() -> None:
    with Ahead[int](60) as ahead:
        assert (ahead.begun, ahead.take()) == (False, None)
        ahead.begin(lambda: 7)
        assert (ahead.begun, ahead.take(), ahead.begun, ahead.take()) == (True, 7, False, None)


def test_it_is_done_beside_the_caller() -> None:
    goes_on = threading.Event()
    with Ahead[bool](60) as ahead:
        ahead.begin(lambda: goes_on.wait(60))
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
    goes_on, done = threading.Event(), []

    def fail() -> None:
        with Ahead[None](60) as ahead:
            ahead.begin(lambda: done.append(goes_on.wait(60)))
            threading.Timer(0.1, goes_on.set).start()
            raise SystemExit

    with pytest.raises(SystemExit):
        fail()
    assert done == [True]


def test_a_process_that_is_to_be_gone_waits_for_nothing_beyond_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, began = threading.Event(), monotonic()
    monkeypatch.setattr(departure, "by", lambda: began + 0.1)
    with Ahead[bool](60) as ahead:
        ahead.begin(lambda: goes_on.wait(30))
    assert 0.1 <= monotonic() - began < 10
    goes_on.set()
