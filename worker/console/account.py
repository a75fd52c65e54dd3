"""The account of a campaign, drawn for a person and written for a script. What it counts is in `campaigns.progress`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from campaigns import Progress
from campaigns.called import called
from campaigns.clocks import RECIPIENT
from campaigns.reasons import retold
from worker.console.screen import amount, counted, moment, plain
from worker.language import N_, _, figure, share

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


PURGED = {
    "text": N_("its texts were purged"),
    "numbers": N_("its texts and numbers were purged"),
}
"""What is gone of a campaign, and was kept for long enough."""


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
    if paused:
        return Text(_("{state}, paused").format(state=called(state)), STYLES["paused"])
    return Text(called(state), STYLES.get(state, ""))


def figures(progress: Progress) -> Table:
    """Rows, less the lines below them, are messages; the lines below these sum up to them; then batches and credits."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for row in (*_rows(progress), *_messages(progress), *_batches(progress), *_credits(progress)):
        table.add_row(*row)
    table.add_row(_("adds up"), Text(_("yes"), "green") if progress.adds_up else Text(_("NO"), "bold red"))
    return table


def _heading(progress: Progress) -> Iterator[Text]:
    yield Text.assemble((_("Campaign {id}").format(id=progress.id) + "  ", "bold"), plain(progress.name, "bold"))
    state = said(progress.state, paused=progress.paused_at is not None and not progress.finished)
    if progress.completed_at:
        state.append(" " + _("at {time}").format(time=moment(progress.completed_at)), "not bold default")
    yield state
    if progress.reason:
        yield plain(retold(progress.reason))
    if progress.waits_for and progress.waits_for != progress.reason:
        yield plain(_("waits for {what}").format(what=retold(progress.waits_for)))
    if progress.window:
        yield plain(_window(progress))
    if progress.retry_of is not None:
        yield plain(_("texts those again whom campaign {id} did not reach").format(id=progress.retry_of))
    if progress.purged:
        yield plain(_(PURGED[progress.purged]))
    if progress.retries:
        retries = ", ".join(_("campaign {id}").format(id=its) for its in progress.retries)
        yield plain(_("retried by {campaigns}").format(campaigns=retries))
    yield plain(_origin(progress), "dim")


def _window(progress: Progress) -> str:
    if progress.window_zone == RECIPIENT:
        said = _("sent within {window}, by the clocks of each number's country").format(window=progress.window)
    else:
        said = _("sent within {window}, by the clocks of {zone}").format(
            window=progress.window, zone=progress.window_zone
        )
    if progress.window_opens_at is None:
        return said
    return _("{said}; opens next at {time}").format(said=said, time=moment(progress.window_opens_at))


def _origin(progress: Progress) -> str:
    its = {"account": progress.account, "key": progress.key, "time": moment(progress.created_at)}
    if progress.key:
        return _("account {account}, key {key}, submitted at {time}").format(**its)
    return _("account {account}, submitted at {time}").format(**its)


def _rows(progress: Progress) -> Iterator[tuple[str, str]]:
    yield _("rows read"), figure(progress.recipients)
    for why, count in progress.excluded.items():
        yield "  " + _("excluded: {why}").format(why=called(why)), figure(count)
    if waiting := progress.recipients - progress.expanded:
        yield "  " + _("not expanded yet"), figure(waiting)


def _messages(progress: Progress) -> Iterator[tuple[str, str | Text, str]]:
    if not progress.messages:
        return
    yield _("messages"), figure(progress.messages), ""
    others = sorted(set(progress.by_status) - set(IN_ORDER))
    for status in (*IN_ORDER, *others):
        if count := progress.by_status.get(status):
            part = share(count / progress.messages).rjust(len(share(1)))
            yield f"  {called(status)}", Text(figure(count), STYLES.get(status, "")), part
    if progress.duplicates:
        twice = Text(figure(progress.duplicates), "bold red")
        yield "  " + _("texted twice"), twice, _("sent again after a doubt, though the gateway had taken them")


def _batches(progress: Progress) -> Iterator[tuple[str, str, str]]:
    if progress.batches:
        yield _("batches"), figure(sum(progress.batches.values())), _listed(progress.batches)


def _credits(progress: Progress) -> Iterator[tuple[str, str, str]]:
    refunded = progress.credits_refunded
    explained = _("{posted} posted, {refunded} refunded")
    explained = explained.format(posted=amount(progress.credits_posted), refunded=amount(refunded)) if refunded else ""
    yield _("credits spent"), amount(progress.credits_spent), explained
    if progress.credits_held:
        yield _("credits held"), amount(progress.credits_held), _("for what has not left")
    estimated = _("for {segments}").format(segments=counted(progress.segments, "segment")) if progress.segments else ""
    yield _("credits estimated"), amount(progress.credits_estimated), estimated


def _listed(counts: Mapping[str, int]) -> str:
    form = _("{count} {state}")
    return ", ".join(form.format(count=figure(count), state=called(name)) for name, count in counts.items() if count)
