"""Watching a campaign: three bars on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from campaigns import Progress
from worker.console.account import said
from worker.console.screen import plain

LOOK_EVERY = 0.2  # seconds
LINE_EVERY = 2.0  # seconds
SAME_LINE_EVERY = 60.0  # seconds: that somebody still looks is worth a line, but not three days of them
LOOK_SHARE = 10  # a large campaign takes a while to count, and must not be held up by it

Show = Callable[[Progress], None]


@dataclass(frozen=True)
class Stages:
    """How far each stage is, of how many."""

    expanded: int
    rows: int
    sent: int
    settled: int
    messages: int

    @classmethod
    def of(cls, progress: Progress) -> Stages:
        """Where a campaign is."""
        unsent = progress.by_status.get("pending", 0) + progress.by_status.get("sending", 0)
        return cls(
            expanded=progress.expanded,
            rows=progress.recipients,
            sent=progress.messages - unsent,
            settled=progress.messages - progress.open,
            messages=progress.messages,
        )


def watch(look: Callable[[], Progress], *, console: Console) -> Progress:
    """Look again and again until the campaign is finished; returns its last account."""
    with shown(console) as show:
        while True:
            asked = time.monotonic()
            progress = look()
            show(progress)
            if progress.finished:
                return progress
            time.sleep(max(LOOK_EVERY, LOOK_SHARE * (time.monotonic() - asked)))


@contextlib.contextmanager
def shown(console: Console) -> Iterator[Show]:
    """What shows the account of one moment: on a terminal in the place of the one before."""
    if not console.is_terminal:
        yield _lines(console)
        return
    bars = Bars(
        TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    with Live(bars, console=console) as live:
        yield _on(bars, live)


def _on(bars: Bars, live: Live) -> Show:
    expansion, sending, delivery = (bars.add_task(name, total=None) for name in ("expansion", "sending", "delivery"))

    def show(progress: Progress) -> None:
        stages = Stages.of(progress)
        bars.update(expansion, completed=stages.expanded, total=stages.rows or None)
        bars.update(sending, completed=stages.sent, total=stages.messages or None)
        bars.update(delivery, completed=stages.settled, total=stages.messages or None)
        live.update(Group(bars, _state(progress)))

    return show


def _lines(console: Console, clock: Callable[[], float] = time.monotonic) -> Show:
    said_at, before, state_before = 0.0, "", ""

    def show(progress: Progress) -> None:
        nonlocal said_at, before, state_before
        state, moment, stages = _state(progress).plain, clock(), Stages.of(progress)
        line = (
            f"{state}: expanded {stages.expanded:,} of {stages.rows:,}, sent {stages.sent:,}, "
            f"settled {stages.settled:,} of {stages.messages:,}"
        )
        if state == state_before and moment - said_at < (SAME_LINE_EVERY if line == before else LINE_EVERY):
            return
        said_at, before, state_before = moment, line, state
        console.print(line)

    return show


def _state(progress: Progress) -> Text:
    state = said(progress.state, paused=progress.paused_at is not None and not progress.finished)
    if progress.waits_for:
        state.append_text(plain(f", waits for {progress.waits_for}", "not bold default"))
    return state
