"""`campaigns retry`: whom a campaign did not reach, once more."""

from __future__ import annotations

import click

from worker.console.ids import ID
from worker.language import _

EPILOG = """\b
Examples:
  campaigns retry 12 --only undelivered,network_error
  campaigns retry 12 --only no_credit --only refused --watch
"""


@click.command(epilog=EPILOG)
@click.argument("campaign_id", metavar="ID", type=ID)
@click.option("--only", "only", required=True, multiple=True, metavar="STATUS,…", help="Messages that are so: "
              "undelivered, network_error, rejected, not_sent, no_credit, refused, voided, capped.")  # fmt: skip
@click.option("--watch", "--wait", "watching", is_flag=True, help="Stay until every message has its final status.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with --watch, the account.")
def retry(campaign_id: int, only: tuple[str, ...], *, watching: bool, as_json: bool) -> None:
    """Text those again whom a campaign did not reach, with the same texts: a new campaign, linked to the first.

    Only messages that certainly did not arrive can be chosen, never one in doubt. Nobody is in two retries of a
    campaign: the same retry again makes nothing new, and what fails again is retried by retrying the retry. Who has
    opted out since is left out. It costs credits as any campaign does.
    """
    import campaigns
    from worker.console.ringing import Ringing

    wanted = [word.strip().replace("-", "_") for words in only for word in words.split(",") if word.strip()]
    ringing = Ringing()
    try:
        made = campaigns.retry(campaign_id, only=wanted, ring=ringing)
    except campaigns.NotRetriableError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--only") from None
    _tell(made.id, campaign_id, created=made.created, as_json=as_json and not watching, quiet=watching)
    ringing.tell_trouble()
    if watching:
        from worker.console.show import follow

        follow(made.id, watching=True, as_json=as_json)


def _tell(campaign_id: int, first: int, *, created: bool, as_json: bool, quiet: bool) -> None:
    import campaigns
    from worker.console import screen

    account = campaigns.progress(campaign_id)
    if as_json:
        its = {"id": campaign_id, "state": account.state, "created": created, "rows": account.recipients}
        screen.print_json({**its, "retry_of": first})
        return
    made = _("campaign {id} is made: {messages} of campaign {first} again")
    there = _("campaign {id} has {messages} of campaign {first} again: nothing new is sent")
    said = {"id": campaign_id, "messages": screen.counted(account.recipients, "message"), "first": first}
    click.echo((made if created else there).format(**said), err=quiet)
    if not quiet:
        click.echo(_("to see how it gets on:") + f"\n  campaigns show {campaign_id} --watch")
