"""How a worker takes a task: which moments of other hosts' clocks it hears of, and how long it waits."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import InvalidTaskError
from kombu.exceptions import DecodeError

from worker import receiving
from worker.broker import VISIBILITY_SECONDS
from worker.ringing import WAIT

LATER = "2126-01-01T00:00:00+00:00"
EARLIER = "1926-01-01T00:00:00+00:00"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """The headers with which Celery takes a message over."""

    def take(strategy: Callable[..., Callable[..., Any]], headers: dict[str, Any]) -> dict[str, Any]:
        message = SimpleNamespace(headers=dict(headers))
        monkeypatch.setattr(receiving, "default", lambda *_, **__: lambda its, *_: its.headers)
        return strategy(None, None, None)(message, None)

    return take


def test_a_bell_s_task_hears_of_no_moment_of_another_clock(taken: Callable[..., dict[str, Any]]) -> None:
    found = taken(receiving.by_own_clock, {"eta": LATER, "expires": EARLIER})
    assert found == {"eta": None, "expires": None}


@pytest.mark.parametrize("strategy", [receiving.by_own_clock, receiving.by_own_clock_where_put_off])
def test_what_is_put_off_waits_from_now_on(
    taken: Callable[..., dict[str, Any]], strategy: Callable[..., Callable[..., Any]]
) -> None:
    due = datetime.fromisoformat(taken(strategy, {WAIT: 30.0, "eta": LATER})["eta"])
    assert abs(due - datetime.now(UTC) - timedelta(seconds=30)) < timedelta(seconds=5)


@pytest.mark.parametrize("strategy", [receiving.by_own_clock, receiving.by_own_clock_where_put_off])
@pytest.mark.parametrize("error", [ValueError("07"), KeyError("id"), DecodeError("07"), InvalidTaskError("07")])
def test_a_message_that_cannot_be_read_is_rejected_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, strategy: Callable[..., Any], error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    rejected: list[Any] = []
    monkeypatch.setattr(receiving, "default", lambda *_, **__: fail)
    message = SimpleNamespace(headers={}, reject_log_error=lambda *how: rejected.append(how))
    assert strategy(None, None, None)(message, None) is None
    assert len(rejected) == 1
    assert "cannot be read is thrown away" in caplog.text
    assert "07" not in caplog.text.partition("thrown away")[2]


def test_what_the_sender_of_a_job_wanted_holds(taken: Callable[..., dict[str, Any]]) -> None:
    wanted = {"eta": LATER, "expires": LATER}
    assert taken(receiving.by_own_clock_where_put_off, wanted) == wanted


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        (None, 0.0),
        (0.0, 0.0),
        (5, 5.0),
        (0.2, 0.2),
        (-3, 0.0),
        (math.nan, 0.0),
        (math.inf, VISIBILITY_SECONDS),
        (10**400, VISIBILITY_SECONDS),
        (True, 0.0),
        ("5", 0.0),
        ([5], 0.0),
    ],
    ids=repr,
)
def test_whatever_a_header_says_is_a_time_that_can_be_waited_for(wait: object, seconds: float) -> None:
    assert receiving.seconds_of(wait) == seconds
