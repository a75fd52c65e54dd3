"""Watching a campaign until it ends."""

import io
import itertools
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from campaigns.glance import Credits, Glance
from campaigns.pace import Stage
from tests.worker.demo.test_account import MOMENT
from worker.demo import watching
from worker.demo.watching import watch
from worker.processes import EndedEarlyError, NotReadyError


def glance(state: str, *, expanded: int = 105, sent: int = 0, settled: int = 0, of: int | None = 100) -> Glance:
    done = {"expansion": (expanded, 105), "sending": (sent, of), "delivery": (settled, of)}
    return Glance(
        moment=MOMENT,
        id=1,
        name="demo",
        state=state,
        paused=False,
        finished=state == "completed",
        waits_for=None,
        stages=tuple(Stage(name, *far, rate=0) for name, far in done.items()),
        credits=Credits(*[Decimal(100)] * 4),
        by_status={},
        counted_at=None,
    )


BEGUN = glance("expanding", expanded=50, of=None)
SENDING = glance("sending", sent=30)
TRACKING = glance("tracking", sent=100, settled=99)
DONE = glance("completed", sent=100, settled=100)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_EVERY", 0)
    monkeypatch.setattr(watching, "LOOK_SHARE", 0)  # or it would rest from looks that took a second by the test's clock


def shown(*steps: Glance, terminal: bool = False, **options: object) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    watch(looks(*steps), console=console, **{"check": lambda: None, "patience": 10.0, **options})
    return console.file.getvalue()


def looks(*steps: Glance) -> Callable[[], Glance]:
    left = list(steps)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_each_stage_is_said_in_a_line_where_there_is_no_terminal() -> None:
    assert shown(BEGUN, SENDING, SENDING, TRACKING, DONE).splitlines() == [
        "expanding: expanded 50 of 105",
        "sending: expanded 105 of 105, sent 30 of 100, settled 0 of 100",
        "tracking: expanded 105 of 105, sent 100 of 100, settled 99 of 100",
        "completed: expanded 105 of 105, sent 100 of 100, settled 100 of 100",
    ]


def test_a_terminal_gets_three_bars() -> None:
    said = shown(BEGUN, SENDING, DONE, terminal=True)
    for bar in ("Expansion", "Sending", "Delivery"):
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
    end = replace(DONE, by_status={"delivered": 99, "unreported": 1})
    steps = looks(SENDING, TRACKING, end)
    last_report = watch(steps, check=lambda: None, console=console, patience=100, clock=lambda: float(next(times)))
    assert last_report < next(times) - 2
