"""`campaigns pause`, `resume` and `cancel`: what a person may do to a campaign that is on its way."""

from __future__ import annotations

import click

from campaigns.steering import PAUSED_BY_A_PERSON
from worker.console.ids import ID
from worker.language import _, figure

PAUSE_EPILOG = """\b
Example:
  campaigns pause 12 --reason 'wrong price in the text'
"""
RESUME_EPILOG = """\b
Example:
  campaigns resume 12
"""
CANCEL_EPILOG = """\b
Example:
  campaigns cancel 12 --reason 'the sale is off'
"""

_ID = click.argument("campaign_id", metavar="ID", type=ID)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the campaign's account as one JSON object.")


@click.command(epilog=PAUSE_EPILOG)
@_ID
@click.option("--reason", default=PAUSED_BY_A_PERSON, show_default=True, help="Shown with the campaign.")
@_JSON
def pause(campaign_id: int, reason: str, *, as_json: bool) -> None:
    """Let nothing more of a campaign leave until it is resumed.

    A batch that is in the air is not called back: it is settled, and its reports are read.
    """
    import campaigns

    campaigns.pause(campaign_id, reason=reason)
    _tell(campaign_id, _("campaign {id} is paused: {messages} left before, {unsent} did not"), as_json=as_json)


@click.command(epilog=RESUME_EPILOG)
@_ID
@_JSON
def resume(campaign_id: int, *, as_json: bool) -> None:
    """Let a paused campaign go on from where it was; nobody is texted twice."""
    import campaigns
    from worker.console.ringing import Ringing

    ringing = Ringing()
    campaigns.resume(campaign_id, ring=ringing)
    _tell(campaign_id, _("campaign {id} goes on: {messages} left before, {unsent} did not"), as_json=as_json)
    ringing.tell_trouble()


@click.command(epilog=CANCEL_EPILOG)
@_ID
@click.option("--reason", default="cancelled by a person", show_default=True, help="Shown with the campaign.")
@_JSON
def cancel(campaign_id: int, reason: str, *, as_json: bool) -> None:
    """End a campaign: what has not left never leaves. It cannot be taken back; `pause` can.

    What has left is still tracked: it costs its credits, and its reports are read.
    """
    import campaigns

    campaigns.cancel(campaign_id, reason=reason)
    _tell(campaign_id, _("campaign {id} is cancelled: {messages} left before, {unsent} did not"), as_json=as_json)


def _tell(campaign_id: int, done: str, *, as_json: bool) -> None:
    from campaigns import progress
    from worker.console import account, screen

    found = progress(campaign_id)
    if as_json:
        screen.print_json(account.as_json(found))
        return
    unsent = found.by_status.get("pending", 0) + found.by_status.get("voided", 0)
    left = screen.counted(found.messages - unsent, "message")
    click.echo(done.format(id=campaign_id, messages=left, unsent=figure(unsent)))
    if waiting := found.recipients - found.expanded:
        rows = screen.counted(waiting, "row")
        click.echo(_("{rows} of its audience had not become messages yet").format(rows=rows))
