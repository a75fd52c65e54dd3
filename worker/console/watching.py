"""Watching a campaign: a bar for each stage on a terminal, a line where something changed anywhere else."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from campaigns.called import called
from campaigns.glance import Glance
from campaigns.outages import DatabaseAway
from campaigns.pace import Stage
from campaigns.reasons import retold
from worker.console.account import IN_ORDER, STYLES, said
from worker.console.screen import amount, lasting, number, plain
from worker.language import N_, _, figure

LOOK_EVERY = 0.5  # seconds
LINE_EVERY = 2.0  # seconds
LINES_SHARE = 30  # of the time gone by: what takes a day is not worth forty thousand lines
OLD = 3.0  # seconds
AWAY_SECONDS = 300.0  # a server that is restarted, or replaced by its standby, is back within them
LOOK_SHARE = 20  # what a campaign of a million tiny batches takes to look at must not hold it up

WIDTHS = (3, 8, 11)
"""Of how far, how fast, how long: these change with each look, and a bar that moves with them is hard to read."""

Show = Callable[[Glance], None]

STAGES = {"expansion": N_("Expansion"), "lookup": N_("Lookup"), "sending": N_("Sending"), "delivery": N_("Delivery")}
DONE = {
    "expansion": N_("expanded {count} of {all}"),
    "lookup": N_("looked up {count} of {all}"),
    "sending": N_("sent {count} of {all}"),
    "delivery": N_("settled {count} of {all}"),
}
"""What has become of those that a stage is done with."""


def watch(look: Callable[[], Glance], *, console: Console, clock: Callable[[], float] = time.monotonic) -> Glance:
    """Look again and again until the campaign is finished; returns what was seen last.

    A database that goes away meanwhile is waited for, some minutes at most: then DatabaseAway is raised.
    """
    seen: Glance | None = None
    with shown(console) as show:
        while True:
            asked = clock()
            try:
                seen, seen_at = look(), clock()
            except DatabaseAway:
                if seen is None or asked - seen_at > AWAY_SECONDS:
                    raise
                seen = replace(seen, waits_for=N_("the database to come back"))
            show(seen)
            if seen.finished:
                return seen
            time.sleep(max(LOOK_EVERY, LOOK_SHARE * (clock() - asked)))


@contextlib.contextmanager
def shown(console: Console) -> Iterator[Show]:
    """What shows a glance: on a terminal in the place of the one before."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield _lines(console)
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda seen: live.update(drawn(seen), refresh=True)


def drawn(seen: Glance) -> RenderableType:
    """A glance as it stands on a terminal; it is at home in sixty columns."""
    bars = Table.grid(padding=(0, 1), expand=True)
    bars.add_column(no_wrap=True)
    bars.add_column(ratio=1, min_width=4)
    for width in WIDTHS:
        bars.add_column(justify="right", no_wrap=True, min_width=width)
    for stage in seen.stages:
        bars.add_row(_(STAGES[stage.name]), _bar(stage), _far(stage), *_speed(stage, seen))
    heading = Text.assemble(
        (_("Campaign {id}").format(id=seen.id) + " ", "bold"), plain(seen.name, "bold"), _(": "), _state(seen)
    )
    return Group(heading, bars, *_below(seen))


def _bar(stage: Stage) -> ProgressBar:
    return ProgressBar(total=max(stage.of or 0, 1), completed=stage.done if stage.of else int(stage.of == 0))


def _far(stage: Stage) -> str:
    if stage.of is None:
        return figure(stage.done) if stage.done else "-"
    return f"{figure(stage.done)}/{figure(stage.of)}"


def _speed(stage: Stage, seen: Glance) -> tuple[str, str]:
    """How many a second, and how long still; of what has ended, or cannot go on, neither."""
    if stage.ended or seen.finished or not stage.rate:
        return "", ""
    # Whoever waits for something goes on when that comes, and nobody knows when.
    left = None if seen.waits_for else stage.left
    return f"{pace(stage.rate)}/s", "" if left is None else _("{time} left").format(time=lasting(left))


def pace(rate: float) -> str:
    """So many a second, as exact as it is told apart: `1,234`, `12`, `0.3`."""
    return figure(rate, 0) if rate >= 10 else figure(number(Decimal(f"{rate:.2g}")))


def _below(seen: Glance) -> Iterator[Text]:
    its = seen.credits
    told = _("credits: {estimated} estimated, {held} held, {posted} posted")
    if its.refunded:
        told = _("credits: {estimated} estimated, {held} held, {posted} posted, {refunded} refunded")
    figures = {name: amount(getattr(its, name)) for name in ("estimated", "held", "posted", "refunded")}
    yield Text(told.format(**figures))
    ends = [status for status in IN_ORDER if seen.by_status.get(status) and status not in ("pending", "sending")]
    if ends:
        counts = Text(", ").join(_end(status, seen.by_status[status]) for status in ends)
        yield Text.assemble(_("messages: "), counts, (_age(seen), "dim"))
    if seen.waits_for:
        yield plain(_("waits for: {what}").format(what=retold(seen.waits_for)), "bold yellow")


def _age(seen: Glance) -> str:
    """How old the counts are, where that is to be noticed: those of a million are not counted every second."""
    seconds = (seen.moment - seen.counted_at).total_seconds() if seen.counted_at else 0
    return " " + _("({time} ago)").format(time=lasting(seconds)) if seconds >= OLD else ""


def _end(status: str, count: int) -> Text:
    return Text(_("{count} {state}").format(count=figure(count), state=called(status)), STYLES.get(status, ""))


def _state(seen: Glance) -> Text:
    return said(seen.state, paused=seen.paused)


def _lines(console: Console, clock: Callable[[], float] = time.monotonic) -> Show:
    began, said_at, before = clock(), 0.0, ("", "")

    def show(seen: Glance) -> None:
        nonlocal said_at, before
        state, moment = plain(_all_of_state(seen)).plain, clock()
        how_far = (state, ", ".join(_how_far(stage) for stage in seen.stages if stage.of is not None))
        soon = moment - said_at < max(LINE_EVERY, (moment - began) / LINES_SHARE)
        if how_far == before or (state == before[0] and soon):
            return
        said_at, before = moment, how_far
        console.print(f"{_(': ').join(filter(None, how_far))}{_pace_of_all(seen)}")

    return show


def _all_of_state(seen: Glance) -> str:
    if not seen.waits_for:
        return _state(seen).plain
    return _("{state}, waits for {what}").format(state=_state(seen).plain, what=retold(seen.waits_for))


def _how_far(stage: Stage) -> str:
    return _(DONE[stage.name]).format(count=figure(stage.done), all=figure(stage.of or 0))


def _pace_of_all(seen: Glance) -> str:
    """The speed of what goes on, if anything does."""
    speeds = [(_(STAGES[stage.name]), *_speed(stage, seen)) for stage in seen.stages]
    told = [_(": ").join([name, ", ".join(filter(None, [rate, left]))]) for name, rate, left in speeds if rate]
    return f" ({'; '.join(told)})" if told else ""
