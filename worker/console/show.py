"""`campaigns show`: a campaign's account, once, or live until it ends."""

from __future__ import annotations

from typing import Any

import click

from worker.console.ids import ID
from worker.language import _

EPILOG = """\b
Examples:
  campaigns show 12
  campaigns show 12 --watch
  campaigns show --key rappel-2026-12-24 --json
"""


@click.command(epilog=EPILOG)
@click.argument("campaign_id", metavar="[ID]", type=ID, required=False)
@click.option("--key", metavar="KEY", help="The campaign that was submitted with this key, instead of ID.")
@click.option("--account", default="default", show_default=True, help="The account that the key belongs to.")
@click.option("--watch", "watching", is_flag=True, help="Stay until it ends; Ctrl-C leaves, and the campaign goes on.")
@click.option("--json", "as_json", is_flag=True, help="Print the account as one JSON object.")
def show(campaign_id: int | None, key: str | None, account: str, *, watching: bool, as_json: bool) -> None:
    """Show what became of a campaign's rows, messages, batches and credits.

    Every row of the audience is a message or is excluded, and every message has one status: the account says whether
    that is so. Delivery reports that arrive after the end still change it.

    With --watch a bar shows how far each stage is, how many a second are done now, and how long that still takes;
    where nobody is at a terminal, a line says so as things change. The exit status is 1 if the campaign failed or was
    cancelled.
    """
    if (campaign_id is None) == (key is None):
        raise click.UsageError(_("say which campaign: its ID, or its --key"))
    from campaigns import find, progress

    found = progress(campaign_id) if campaign_id is not None else find(str(key), account=account)
    follow(found.id, watching=watching, as_json=as_json)


def follow(campaign_id: int, *, watching: bool, as_json: bool) -> None:
    """Show a campaign's account; if it is to be watched, after its end, with status 1 if that is none to be glad of."""
    from campaigns import progress
    from worker.console import account, screen

    found = _watched(campaign_id) if watching else progress(campaign_id)
    if as_json:
        screen.print_json(account.as_json(found))
    else:
        screen.out().print(account.drawn(found))
    if watching and found.state != "completed":
        raise SystemExit(1)


def _watched(campaign_id: int) -> Any:
    from campaigns import progress
    from campaigns.glance import Lookout
    from worker.console import screen
    from worker.console.watching import watch
    from worker.interruption import ends_in_order

    # However it is ended, the cursor that bars hide is to be seen again.
    with ends_in_order():
        try:
            watch(Lookout(campaign_id).look, console=screen.err())
        except SystemExit:
            to_see = f"campaigns show {campaign_id} --watch"
            left = _("campaign {id} goes on; to see it again: {command}").format(id=campaign_id, command=to_see)
            click.echo(f"\n{left}", err=True)
            raise
    if screen.err().is_terminal:
        click.echo(err=True)
    return progress(campaign_id)
