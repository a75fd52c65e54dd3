"""`campaigns list`: a line for each campaign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from worker.console.ids import ID
from worker.language import _, figure

STATES = (
    "receiving",
    "submitted",
    "expanding",
    "funding",
    "awaiting_credits",
    "cleaning",
    "sending",
    "tracking",
    "stalled",
    "completed",
    "cancelled",
    "failed",
)

MOST = 50

EPILOG = """\b
Examples:
  campaigns list
  campaigns list --state awaiting_credits
  campaigns list -n 100 --before 412 --json
"""


@click.command("list", epilog=EPILOG)
@click.option("--state", type=click.Choice(STATES), metavar="STATE", help=f"Only these: {', '.join(STATES)}.")
@click.option("--before", type=ID, metavar="ID", help="Only ids below this one: the next page.")
@click.option(
    "-n", "--number", "most", default=MOST, show_default=True, type=click.IntRange(1, 10_000), help="How many."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of objects.")
def listing(state: str | None, before: int | None, most: int, *, as_json: bool) -> None:
    """List campaigns, the newest first.

    A narrow terminal has no place for all columns; a pipe has, and --json.
    """
    import campaigns
    from campaigns.called import called
    from worker.console import screen

    found = campaigns.listing(state=state, before=before, most=most)
    if as_json:
        screen.print_json([vars(campaign) for campaign in found])
    elif not found:
        nothing = (
            _("no campaign is {state}")
            if state
            else _("no campaign yet: `campaigns submit --help` says how to make one")
        )
        click.echo(nothing.format(state=state and called(state)))
    else:
        _show(found)
    if len(found) == most:
        same = (f" --state {state}" if state else "") + (f" -n {most}" if most != MOST else "")
        command = f"campaigns list{same} --before {found[-1].id}"
        click.echo(_("perhaps there are more: {command}").format(command=command), err=True)


def _show(found: Sequence[Any]) -> None:
    from campaigns.reasons import retold
    from worker.console import screen
    from worker.console.account import said

    rows = _("rows"), "right"
    heads = ("id", "right"), _("name"), _("state"), rows, _("submitted on"), _("account"), _("why")
    shown = [
        (
            str(campaign.id),
            screen.plain(campaign.name),
            said(campaign.state, paused=campaign.paused_at is not None and campaign.completed_at is None),
            figure(campaign.recipients),
            screen.moment(campaign.created_at),
            screen.plain(campaign.account),
            screen.plain(retold(campaign.reason or "")),
        )
        for campaign in found
    ]
    screen.out().print(screen.fitting(heads, shown, spare=(5, 4), folding=(1, 6)))
