"""The account of a campaign, drawn for a person and written for a script. What it counts is in `campaigns.progress`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from campaigns import Progress
from worker.console.screen import amount, counted, moment, plain

IN_ORDER = (
    "pending",
    "sending",
    "in_flight",
    "in_doubt",
    "delivered",
    "undelivered",
    "network_error",
    "rejected",
    "not_sent",
    "no_credit",
    "refused",
    "voided",
    "written_off",
    "unreported",
)
"""Statuses of messages, in the order in which they are come by."""

STYLES = {
    "completed": "green",
    "failed": "bold red",
    "cancelled": "yellow",
    "stalled": "bold yellow",
    "awaiting_credits": "bold yellow",
    "paused": "bold yellow",
    "delivered": "green",
    "in_doubt": "bold yellow",
}


def as_json(progress: Progress) -> dict[str, Any]:
    """Every figure of the account, and what follows from them."""
    return {
        **asdict(progress),
        "credits_spent": progress.credits_spent,
        "open": progress.open,
        "finished": progress.finished,
    }


def drawn(progress: Progress) -> Group:
    """The account on a page."""
    return Group(*_heading(progress), "", figures(progress))


def said(state: str, *, paused: bool) -> Text:
    """A state in its colour; a paused campaign is paused in a state."""
    words = state.replace("_", " ")
    return Text(f"{words}, paused", STYLES["paused"]) if paused else Text(words, STYLES.get(state, ""))


def figures(progress: Progress) -> Table:
    """Rows, less the lines below them, are messages; the lines below these sum up to them; then batches and credits."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for row in (*_rows(progress), *_messages(progress), *_batches(progress), *_credits(progress)):
        table.add_row(*row)
    table.add_row("adds up", Text("yes", "green") if progress.adds_up else Text("NO", "bold red"))
    return table


def _heading(progress: Progress) -> Iterator[Text]:
    yield Text.assemble((f"Campaign {progress.id}  ", "bold"), plain(progress.name, "bold"))
    state = said(progress.state, paused=progress.paused_at is not None and not progress.finished)
    if progress.completed_at:
        state.append(f" at {moment(progress.completed_at)}", "not bold default")
    yield state
    if progress.reason:
        yield plain(progress.reason)
    if progress.waits_for and progress.waits_for != progress.reason:
        yield plain(f"waits for {progress.waits_for}")
    if progress.retry_of is not None:
        yield plain(f"texts those again whom campaign {progress.retry_of} did not reach")
    if progress.retries:
        yield plain(f"retried by {', '.join(f'campaign {its}' for its in progress.retries)}")
    key = f", key {progress.key}" if progress.key else ""
    yield plain(f"account {progress.account}{key}, submitted at {moment(progress.created_at)}", "dim")


def _rows(progress: Progress) -> Iterator[tuple[str, str]]:
    yield "rows read", f"{progress.recipients:,}"
    for reason, count in progress.excluded.items():
        yield f"  excluded: {_words(reason)}", f"{count:,}"
    if waiting := progress.recipients - progress.expanded:
        yield "  not expanded yet", f"{waiting:,}"


def _messages(progress: Progress) -> Iterator[tuple[str, str | Text, str]]:
    if not progress.messages:
        return
    yield "messages", f"{progress.messages:,}", ""
    others = sorted(set(progress.by_status) - set(IN_ORDER))
    for status in (*IN_ORDER, *others):
        if count := progress.by_status.get(status):
            yield f"  {_words(status)}", Text(f"{count:,}", STYLES.get(status, "")), f"{count / progress.messages:6.1%}"
    if progress.duplicates:
        twice = Text(f"{progress.duplicates:,}", "bold red")
        yield "  texted twice", twice, "sent again after a doubt, though the gateway had taken them"


def _batches(progress: Progress) -> Iterator[tuple[str, str, str]]:
    if progress.batches:
        yield "batches", f"{sum(progress.batches.values()):,}", _listed(progress.batches)


def _credits(progress: Progress) -> Iterator[tuple[str, str, str]]:
    refunded = progress.credits_refunded
    explained = f"{amount(progress.credits_posted)} posted, {amount(refunded)} refunded" if refunded else ""
    yield "credits spent", amount(progress.credits_spent), explained
    if progress.credits_held:
        yield "credits held", amount(progress.credits_held), "for what has not left"
    estimated = f"for {counted(progress.segments, 'segment')}" if progress.segments else ""
    yield "credits estimated", amount(progress.credits_estimated), estimated


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {_words(name)}" for name, count in counts.items() if count)


def _words(name: str) -> str:
    return name.replace("_", " ")
