"""`campaigns restored`: a backup was restored, and what may have been sent since is not sent again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from worker.language import N_, _, figure

if TYPE_CHECKING:
    from campaigns.lineage import Lineage
    from campaigns.restoring import Restored, Uncertain

NAMED = 20
"""So many campaigns are named one by one."""

EPILOG = """\b
Examples:
  campaigns restored
  campaigns restored --backup-time 2026-11-29T03:00+00:00 --yes

\b
Run it before the workers start. What it leaves in doubt is settled by delivery reports that still come, or by you:
  campaigns doubts --campaign 12
  campaigns resolve --campaign 12 resend --reason 'the gateway has nothing of it'

\b
No backup knows what came after it. See for yourself to campaigns that were submitted, paused or cancelled since,
and to people who opted out or were forgotten since: docs/backup.md says how.
"""


@click.command(epilog=EPILOG)
@click.option("--backup-time", metavar="TIME", help="When the backup was taken; read from the database by default.")
@click.option("--again", is_flag=True, help="Another backup was restored, after one that was seen to already.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object of what was done.")
def restored(backup_time: str | None, *, again: bool, yes: bool, as_json: bool) -> None:
    """See to a database into which a backup was restored: nothing that may have left since is sent again by itself.

    What the backup has as not sent is put in doubt, request by request; what is not in batches yet is paused, and
    occurrences of schedules that have come since are skipped. It is said first, and asked for. A second time it does
    nothing, unless another backup was restored.
    """
    from campaigns import restoring
    from campaigns.database import default
    from worker.console import consent, screen

    database, taken = default(), _moment(backup_time)
    found = restoring.look(database, taken)
    before = found.lineage.restored_at
    if before is not None and not again and not _is_set_back(found.lineage):
        if as_json:
            screen.print_json({"done": False, **_as_json(found)})
        done = _("a restored backup was seen to already, at {moment}: if another one was restored since, say --again")
        click.echo(done.format(moment=screen.moment(before)), err=as_json)
        return
    consent.agreed(what="\n".join(_said(found)), refused=_("nothing was done"), yes=yes)
    made = restoring.carry_out(database, taken)
    evidence = list(_asked_of_the_gateway({each.account for each in made.to_decide}))
    if as_json:
        screen.print_json({"done": True, **_as_json(made)})
    else:
        _tell(made, evidence)


def _moment(text: str | None) -> datetime | None:
    from worker.console import moments

    if text is None:
        return None
    read = moments.written(text, option="--backup-time")
    if read.tzinfo is None:
        wrong = _("{text!r} does not say in which time zone: write {time}+00:00")
        unsaid = wrong.format(text=text, time=read.isoformat(timespec="minutes"))
        raise click.BadParameter(unsaid, param_hint="--backup-time")
    return read


def _is_set_back(its: Lineage) -> bool:
    """Whether another one was restored since, as far as the database or this host can tell."""
    from campaigns.database import default
    from campaigns.settings import SettingsError
    from worker import mark
    from worker.settings import settings

    if its.set_back_at is not None:
        return True
    try:
        return mark.behind(default(), mark.of_this_host(settings().spool_dir, its)) is not None
    except SettingsError:
        return False


def _said(found: Restored) -> Iterator[str]:
    """What will be done, in sentences."""
    from worker.console import screen

    if found.known_until is None:
        yield _("The database knows of no request: whatever it has as not sent may have been sent.")
    else:
        until = _("What was done until {moment} the database knows. What it has as not sent may have left since.")
        yield until.format(moment=screen.moment(found.known_until))
    if found.to_decide:
        yield _("Put in doubt, so that reports or a person decide:")
        yield from _named(found.to_decide)
    if found.to_pause:
        yield _(
            "Paused, for they are not in batches yet; `campaigns resume` sends all of one, `campaigns cancel` nothing:"
        )
        yield from _named(found.to_pause)
    if found.in_the_air:
        air = _("In doubt, too, for they were being made when the backup was taken: {requests}.")
        yield air.format(requests=screen.counted(found.in_the_air, "request"))
    if found.schedules:
        yield _("Schedules whose occurrences have come since; these are skipped: {count}.").format(
            count=figure(found.schedules)
        )
    if found.nothing:
        yield _("It has nothing as not sent: nothing is put in doubt.")
    if found.later:
        later = _("Campaigns left alone, for their time is to come: {count}. Was any of them cancelled since?")
        yield later.format(count=figure(found.later))
    if found.since:
        since = _("Campaigns left alone, for they were submitted after the set-back was noticed: {count}.")
        yield since.format(count=figure(found.since))
    yield _("What was read of the delivery reports since is lost, and is noted as a gap of each account.")
    yield _("No policy (in_doubt) decides any of these doubts.")


def _named(some: Any) -> Iterator[str]:
    from worker.console import screen

    for each in some[:NAMED]:
        line = _("  campaign {id} {name} ({account})").format(id=each.campaign_id, name=each.name, account=each.account)
        yield screen.plain(line + _figures(each)).plain
    if len(some) > NAMED:
        yield _("  more campaigns: {count}").format(count=figure(len(some) - NAMED))


def _figures(each: Uncertain) -> str:
    from worker.console import screen

    if not each.requests:
        return ""
    return _(": {requests} for {numbers}, {credits}").format(
        requests=screen.counted(each.requests, "request"),
        numbers=screen.counted(each.numbers, "number"),
        credits=screen.credit(each.credits),
    )


def _asked_of_the_gateway(accounts: set[str]) -> Iterator[str]:
    """What the gateway's count says of the time since, of the accounts that this host has."""
    from campaigns.database import default
    from campaigns.reasons import retold
    from campaigns.settings import SettingsError
    from worker import balances
    from worker.console.ringing import Ringing
    from worker.resources import Resources
    from worker.settings import settings
    from worker.smseco.errors import ReadFailed, Refused

    try:
        resources = Resources(settings(), default(), Ringing())
    except SettingsError:
        return
    for account in sorted(accounts & resources.settings.accounts.keys()):
        try:
            balances.ask_and_note(resources, account)
        except (ReadFailed, Refused) as error:
            unsaid = _("{account}: the gateway does not say what it counted: {why}")
            yield unsaid.format(account=account, why=retold(str(error)))
        else:
            yield from _counted(account)


COUNTED = N_(
    "{account}: since {moment} the gateway counted {credits} more than this database knows of; "
    "what is in doubt here would come to {doubts}"
)


def _counted(account: str) -> Iterator[str]:
    from campaigns import open_doubts
    from worker.console import screen

    for doubt in open_doubts(account=account, most=1):
        told = doubt.witness
        if told.before is None or told.unexplained is None or told.expected is None:
            yield _("{account}: what the gateway counted since the backup cannot be told").format(account=account)
            continue
        yield _(COUNTED).format(
            account=account,
            moment=screen.moment(told.before.asked_at),
            credits=screen.credit(told.unexplained),
            doubts=screen.credit(told.expected),
        )
        if told.unexplained > told.expected:
            yield _("{account}: so more was sent than it knows of: campaigns were submitted after the backup").format(
                account=account
            )


def _tell(made: Restored, evidence: list[str]) -> None:
    from worker.console import screen

    requests = sum(each.requests for each in made.to_decide) + made.in_the_air
    click.echo(
        _("seen to: {requests} in doubt; campaigns paused: {paused}; schedules skipped: {skipped}").format(
            requests=screen.counted(requests, "request"),
            paused=figure(len(made.to_pause)),
            skipped=figure(made.schedules),
        )
    )
    for line in evidence:
        click.echo(line)
    if requests:
        click.echo(
            _("`campaigns doubts` lists them; workers may start: reports that still come settle some by themselves")
        )
    click.echo(_("see to what no backup knows: opt-outs, people forgotten, campaigns submitted or cancelled since"))


def _as_json(found: Restored) -> dict[str, Any]:
    plain = asdict(found)
    return {**plain, "lineage": asdict(found.lineage)}
