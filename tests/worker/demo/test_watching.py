"""Watching a campaign until it ends."""

import io
import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from campaigns import Progress
from tests.worker.demo.test_account import MOMENT, PROGRESS
from worker.console.watching import Stages
from worker.demo import watching
from worker.demo.watching import watch
from worker.processes import EndedEarlyError, NotReadyError

BEGUN = replace(PROGRESS, state="expanding", completed_at=None, expanded=50, messages=0, by_status={})
SENDING = replace(
    PROGRESS, state="sending", completed_at=None, by_status={"pending": 60, "sending": 10, "in_flight": 30}
)
TRACKING = replace(PROGRESS, state="tracking", completed_at=None, by_status={"delivered": 99, "in_flight": 1})


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_EVERY", 0)


def shown(*steps: Progress, terminal: bool = False, **options: object) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    watch(looks(*steps), console=console, **{"check": lambda: None, "patience": 10.0, **options})
    return console.file.getvalue()


def looks(*steps: Progress) -> Callable[[], Progress]:
    left = list(steps)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_each_stage_is_said_in_a_line_where_there_is_no_terminal() -> None:
    assert shown(BEGUN, SENDING, SENDING, TRACKING, PROGRESS).splitlines() == [
        "expanding: expanded 50 of 105, sent 0, settled 0 of 0",
        "sending: expanded 105 of 105, sent 30, settled 0 of 100",
        "tracking: expanded 105 of 105, sent 100, settled 99 of 100",
        "completed: expanded 105 of 105, sent 100, settled 100 of 100",
    ]


def test_a_terminal_gets_three_bars() -> None:
    said = shown(BEGUN, SENDING, PROGRESS, terminal=True)
    for bar in ("expansion", "sending", "delivery"):
        assert bar in said


def test_a_campaign_that_does_not_move_is_given_up_with_what_it_waits_for() -> None:
    waiting = replace(SENDING, waits_for="a person to resume it: sender unknown")
    with pytest.raises(NotReadyError, match="is sending, and waits for a person to resume it: sender unknown"):
        shown(waiting, patience=0.0)


def test_a_process_that_ended_ends_the_watch() -> None:
    def check() -> None:
        raise EndedEarlyError("worker ended by itself")

    with pytest.raises(EndedEarlyError):
        shown(SENDING, check=check)


def test_what_only_a_deadline_settles_is_no_report() -> None:
    console = Console(file=io.StringIO())
    times = itertools.count()
    end = replace(PROGRESS, by_status={"delivered": 99, "unreported": 1}, completed_at=MOMENT)
    steps = looks(SENDING, TRACKING, end)
    _, last_report = watch(steps, check=lambda: None, console=console, patience=100, clock=lambda: float(next(times)))
    assert last_report < next(times) - 2


def test_how_far_each_stage_is_comes_from_the_account() -> None:
    assert Stages.of(SENDING) == Stages(expanded=105, rows=105, sent=30, settled=0, messages=100)
