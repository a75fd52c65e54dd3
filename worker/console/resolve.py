"""`campaigns resolve`: a person decides what becomes of a request in doubt."""

from __future__ import annotations

import getpass
from typing import Any

import click

from worker.console.ids import ID
from worker.console.words import Words
from worker.language import N_, _

EPILOG = """\b
Examples:
  campaigns doubts
  campaigns resolve 4711 accepted --reason 'the operator found it in the log of the gateway'
  campaigns resolve 4711 accepted --id 80033412 --reason 'the operator found it under this id'
  campaigns resolve 4711 resend --reason 'the operator found nothing' --yes
  campaigns resolve 4711 write-off --reason 'the appointment is past' --by awa

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
@click.argument("attempt_id", metavar="ATTEMPT", type=ID)
@click.argument("decision", type=Words(["accepted", "resend", "write-off"]))
@click.option("--reason", metavar="WHY", required=True, help="Why; it is kept with the decision. No numbers, please.")
@click.option("--by", metavar="NAME", help="Who decides; your login name by default.")
@click.option("--id", "msgfid", metavar="MSGFID", help="The gateway's id of the sending, if it was accepted.")
@click.option("--yes", is_flag=True, help="Agree beforehand that people may be texted twice.")
@click.option("--json", "as_json", is_flag=True, help="Print the campaign's account as one JSON object.")
def resolve(
    attempt_id: int, decision: str, reason: str, by: str | None, msgfid: str | None, *, yes: bool, as_json: bool
) -> None:
    """Decide what becomes of a request in doubt: ATTEMPT as `campaigns doubts` names it.

    Who decided, when and why is kept. What may text people twice is said with its figures, and asked for first.
    """
    import campaigns
    from worker.console import account, screen
    from worker.console.ringing import Ringing

    chosen, ringing = decision.replace("-", "_"), Ringing()
    if chosen == "resend":
        _ask(attempt_id, yes=yes)
    made = campaigns.resolve(attempt_id, chosen, by=by or _login(), reason=reason, msgfid=msgfid, ring=ringing)
    if not as_json:
        click.echo(_done(made))  # before all else that may fail: it cannot be taken back
    found = campaigns.progress(made.campaign_id)
    if as_json:
        screen.print_json(account.as_json(found))
    else:
        state = account.said(found.state, paused=bool(found.paused_at) and not found.finished).plain
        click.echo(_("campaign {id} is {state}").format(id=made.campaign_id, state=state))
    ringing.tell_trouble()


def _ask(attempt_id: int, *, yes: bool) -> None:
    """Say what a resend may do; what is not in doubt is told by whoever refuses to decide it."""
    from campaigns import open_doubts
    from worker.console import screen
    from worker.console.consent import agreed
    from worker.console.doubts import VERDICTS

    doubt: Any = next(iter(open_doubts(after=attempt_id - 1, most=1)), None)
    if doubt is None or doubt.attempt_id != attempt_id:
        return
    people = screen.counted(doubt.numbers, "number")
    twice = _("{numbers} of campaign {id} may be texted twice, for {credits} more.")
    said = [twice.format(numbers=people, id=doubt.campaign_id, credits=screen.credit(doubt.credits))]
    if doubt.msgfid is not None:
        said.append(_("The broken reply had the gateway's id: it was most probably taken."))
    if doubt.witness.verdict is not None:
        count = _("The gateway's own count says: {verdict}.")
        said.append(count.format(verdict=_(VERDICTS[doubt.witness.verdict])))
    agreed(what=" ".join(said), refused=_("nothing was decided"), yes=yes)


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
