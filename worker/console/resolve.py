"""`campaigns resolve`: a person decides what becomes of a request in doubt."""

from __future__ import annotations

import getpass
from decimal import Decimal
from typing import Any

import click

from worker.console.ids import ID
from worker.console.words import Words
from worker.language import N_, _

PAGE = 500
"""So many doubts are read at once."""

EPILOG = """\b
Examples:
  campaigns doubts
  campaigns resolve 4711 accepted --reason 'the operator found it in the log of the gateway'
  campaigns resolve 4711 accepted --id 80033412 --reason 'the operator found it under this id'
  campaigns resolve 4711 resend --reason 'the operator found nothing' --yes
  campaigns resolve 4711 write-off --reason 'the appointment is past' --by awa
  campaigns resolve 4711 4712 4713 resend --reason 'the operator found none of them'
  campaigns resolve --campaign 12 resend --reason 'the operator found nothing of it'

\b
accepted    The gateway took it: its credits are posted, and its messages wait for their delivery reports. With the
            gateway's --id these are known; without it they must prove themselves, which those for one or two
            people cannot do unless the account is EXCLUSIVE.
resend      It is sent again, once its credits are set aside anew. Whoever did get the first one is texted twice.
write-off   Nobody is texted, and nobody waits for an answer.

\b
It cannot be taken back. Evidence that comes later is kept all the same: what was to be sent again is not, if nobody
has begun to; whoever was texted twice is counted, and `campaigns show` says so.
"""

DONE = {
    "accepted": N_("{attempt} counts as accepted: its reports are awaited"),
    "resend": N_("{attempt} is sent again once its credits are set aside, {credits} at most"),
    "write_off": N_("{attempt} is written off"),
}


@click.command(epilog=EPILOG)
@click.argument("attempt_ids", metavar="[ATTEMPT]…", type=ID, nargs=-1)
@click.argument("decision", type=Words(["accepted", "resend", "write-off"]))
@click.option("--campaign", "campaign_id", type=ID, metavar="ID", help="All that is in doubt of this campaign.")
@click.option("--reason", metavar="WHY", required=True, help="Why; it is kept with the decision. No numbers, please.")
@click.option("--by", metavar="NAME", help="Who decides; your login name by default.")
@click.option("--id", "msgfid", metavar="MSGFID", help="The gateway's id of the sending, if it was accepted.")
@click.option("--yes", is_flag=True, help="Agree beforehand that people may be texted twice.")
@click.option("--json", "as_json", is_flag=True, help="Print the campaign's account as one JSON object.")
def resolve(
    attempt_ids: tuple[int, ...],
    decision: str,
    campaign_id: int | None,
    reason: str,
    by: str | None,
    msgfid: str | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Decide what becomes of requests in doubt: ATTEMPT as `campaigns doubts` names it, or all of a campaign.

    Who decided, when and why is kept. What may text people twice is said with its figures, and asked for first.
    """
    import campaigns
    from worker.console import account, screen
    from worker.console.ringing import Ringing

    chosen, ringing, who = decision.replace("-", "_"), Ringing(), by or _login()
    asked = _asked(attempt_ids, campaign_id, msgfid)
    if chosen == "resend":
        _ask(asked, yes=yes)
    ids = []
    for attempt_id in asked:
        made = campaigns.resolve(attempt_id, chosen, by=who, reason=reason, msgfid=msgfid, ring=ringing)
        ids.append(made.campaign_id)
        if not as_json:
            click.echo(_done(made))  # before all else that may fail: it cannot be taken back
    accounts = {each: campaigns.progress(each) for each in ids}
    if as_json:
        shown = [account.as_json(found) for found in accounts.values()]
        screen.print_json(shown[0] if len(shown) == 1 else shown)
    else:
        for its_id, found in accounts.items():
            state = account.said(found.state, paused=bool(found.paused_at) and not found.finished).plain
            click.echo(_("campaign {id} is {state}").format(id=its_id, state=state))
    ringing.tell_trouble()


def _asked(attempt_ids: tuple[int, ...], campaign_id: int | None, msgfid: str | None) -> list[int]:
    """The requests to decide upon, in their order."""
    if bool(attempt_ids) == (campaign_id is not None):
        raise click.UsageError(_("name the requests, or with --campaign the campaign of which all are meant"))
    asked = list(dict.fromkeys(attempt_ids))
    if campaign_id is not None:
        asked = [its.attempt_id for its in _all_of(campaign_id)]
        if not asked:
            raise click.ClickException(_("nothing of campaign {id} is in doubt").format(id=campaign_id))
    if msgfid is not None and len(asked) > 1:
        raise click.UsageError(_("the gateway's --id is that of one request: name that one alone"))
    return asked


def _all_of(campaign_id: int) -> list[Any]:
    """All that is in doubt of a campaign. Raises UnknownCampaignError."""
    from campaigns import open_doubts, progress

    progress(campaign_id)
    found: list[Any] = []
    while some := open_doubts(campaign_id=campaign_id, after=found[-1].attempt_id if found else 0, most=PAGE):
        found += some
    return found


def _ask(attempt_ids: list[int], *, yes: bool) -> None:
    """Say what a resend may do; what is not in doubt is told by whoever refuses to decide it."""
    from campaigns import open_doubts
    from worker.console.consent import agreed

    found = [its for each in attempt_ids for its in open_doubts(after=each - 1, most=1) if its.attempt_id == each]
    if found:
        said = _of_one(found[0]) if len(found) == 1 else _of_many(found)
        agreed(what=said, refused=_("nothing was decided"), yes=yes)


def _of_one(doubt: Any) -> str:
    from worker.console import screen
    from worker.console.doubts import VERDICTS

    people = screen.counted(doubt.numbers, "number")
    twice = _("{numbers} of campaign {id} may be texted twice, for {credits} more.")
    said = [twice.format(numbers=people, id=doubt.campaign_id, credits=screen.credit(doubt.credits))]
    if doubt.msgfid is not None:
        said.append(_("The broken reply had the gateway's id: it was most probably taken."))
    if doubt.witness.verdict is not None:
        count = _("The gateway's own count says: {verdict}.")
        said.append(count.format(verdict=_(VERDICTS[doubt.witness.verdict])))
    return " ".join(said)


def _of_many(found: list[Any]) -> str:
    from worker.console import screen

    twice = _("{requests}: {numbers} may be texted twice, for {credits} more.")
    said = [
        twice.format(
            requests=screen.counted(len(found), "request"),
            numbers=screen.counted(sum(each.numbers for each in found), "number"),
            credits=screen.credit(sum((each.credits for each in found), Decimal(0))),
        )
    ]
    taken = sum(each.msgfid is not None or each.witness.verdict == "taken" for each in found)
    if taken:
        said.append(_("Most probably taken of these: {requests}.").format(requests=screen.counted(taken, "request")))
    return " ".join(said)


def _named(made: Any) -> str:
    from worker.console import screen

    attempt = _("attempt {id} (batch {batch}, {numbers})")
    return attempt.format(id=made.attempt_id, batch=made.batch, numbers=screen.counted(made.numbers, "number"))


def _done(made: Any) -> str:
    from worker.console import screen

    if made.batch_state == "voided":
        ended = _("{attempt} is not sent again: its campaign has ended, so it is voided")
        return ended.format(attempt=_named(made))
    return _(DONE[made.decision]).format(attempt=_named(made), credits=screen.credit(made.credits))


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise click.UsageError(_("this login has no name: say who decides, with --by")) from None
