"""`campaigns gateway reports`: delivery reports, which are handed out once, so that reading them is no mere look."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from campaigns.called import called
from worker.console.gateway.access import Access, asking
from worker.language import N_, _, figure

if TYPE_CHECKING:  # late: `--help` need not wait for them
    from campaigns.database import Database
    from worker.polling import Reading
    from worker.smseco import ReportBatch

EPILOG = """\b
Examples:
  campaigns gateway reports
  campaigns gateway reports --msgfid 55857bdb8d51b7-38880789 --json
  campaigns gateway reports --url https://sms.example/client/42/fr --login you@example.com --form json
"""

ON_THE_WAY = {
    "waiting": N_("waiting"),
    "queued_locally": N_("queued locally"),
    "handed_over": N_("handed over"),
    "queued_at_operator": N_("queued at operator"),
}
"""What the codes of reports mean that are no ends (`worker.smseco.codes`)."""

FAREWELL = N_("stopping as soon as what the gateway hands out now is kept: it would be lost otherwise …")


@click.command(epilog=EPILOG)
@click.option("--msgfid", metavar="ID", help="Only those of this sending, by the gateway's id of it.")
@click.option("--smsfid", metavar="ID", help="Only those of this SMS.")
@click.option("--no-journal", is_flag=True, help="Show them, and keep them nowhere.")
@click.option("--yes", is_flag=True, help="Do not ask: it is agreed to.")
@asking
def reports(
    access: Access, *, msgfid: str | None, smsfid: str | None, no_journal: bool, yes: bool, as_json: bool
) -> None:
    """Read delivery reports. The gateway hands each out once: whoever reads it has it, and nobody else ever will.

    Those of an account of the settings go where a worker would have put them: into the database (DATABASE_URL) and the
    accounts of its campaigns; no worker reads at the same time. Without a database, with --url and with --no-journal
    they are shown here this once, so it asks first; a reply that cannot be read whole is left in a file here.

    The exit status is 1 if something was, or may have been, handed out that nobody could read.
    """
    wanted = {"msgfid": msgfid, "smsfid": smsfid}
    database, why = _journal(access, no_journal=no_journal)
    if database is None:
        _only_shown(access, wanted, why, yes=yes, as_json=as_json)
    else:
        _kept(access, database, wanted, yes=yes, as_json=as_json)


def _journal(access: Access, *, no_journal: bool) -> tuple[Database | None, str]:
    """The database to keep them in; or None, and why not."""
    if no_journal:
        return None, _("--no-journal is said")
    if access.url is not None:
        return None, _("the journal is of the settings' accounts")
    from worker.console.gateway import journal

    return journal.found()


def _only_shown(access: Access, wanted: dict[str, Any], why: str, *, yes: bool, as_json: bool) -> None:
    from worker.console.consent import agreed
    from worker.console.gateway.unkept import take
    from worker.interruption import ends_in_order, uninterrupted

    with access.opened() as its:
        its.check(lambda form, credentials: form.reports_request(credentials, **wanted))
        agreed(
            what=_(
                "These reports will be kept nowhere: {reason}.\n"
                "The gateway at {host} hands each of them out this once, and here it is only shown."
            ).format(reason=why, host=its.host),
            refused=_("no report was asked for"),
            yes=yes,
        )
        with ends_in_order(_(FAREWELL)), uninterrupted():
            take(
                lambda: its.gateway.fetch_reports(**wanted),
                lambda batch, left: _show(batch, as_json=as_json, kept=False, left_in=left and str(left)),
            )


def _kept(access: Access, database: Database, wanted: dict[str, Any], *, yes: bool, as_json: bool) -> None:
    from worker.console import screen
    from worker.console.consent import agreed
    from worker.console.gateway import journal
    from worker.console.ringing import Ringing
    from worker.interruption import ends_in_order
    from worker.resources import Resources
    from worker.settings import settings

    with access.opened() as its:
        its.check(lambda form, credentials: form.reports_request(credentials, **wanted))
        account = str(its.account)
    if settings().poll_min_age and not any(wanted.values()):
        agreed(
            what=_(
                "POLL_MIN_AGE says that this gateway never reports an SMS twice: to ask for all may consume reports "
                "of messages that are still on their way. --msgfid asks for one sending."
            ),
            refused=_("no report was asked for"),
            yes=yes,
        )
    ringing = Ringing()
    resources = Resources(settings(), database, ringing, form=access.form)
    with ends_in_order(_(FAREWELL)):
        reading, batch, applied = journal.read(resources, account, **wanted)
    kept = reading.poll_id is not None
    figures = {"changed": applied.changed, "campaigns": sorted(applied.campaigns)}
    _show(batch, as_json=as_json, kept=kept, **figures)
    done = (
        _("kept in the journal and applied: {messages} changed of {campaigns} campaigns")
        if kept
        else _("nothing to keep: {messages} changed of {campaigns} campaigns")
    )
    changed = screen.counted(applied.changed, "message")
    click.echo(done.format(messages=changed, campaigns=figure(len(applied.campaigns))), err=True)
    ringing.tell_trouble()
    _tell_of_loss(reading, batch)


def _tell_of_loss(reading: Reading, batch: ReportBatch) -> None:
    from worker.console.gateway.unkept import DAMAGED, GONE, told
    from worker.smseco import ReadFailed

    kept = reading.poll_id is not None
    there = "\n" + _("What there is of it is in the journal, as it came.") + " " + _(GONE) if kept else ""
    if isinstance(reading.error, ReadFailed):
        raise click.ClickException(told(reading.error, kept=kept) + there)
    if reading.error is not None:
        raise reading.error
    if batch.truncated:
        raise click.ClickException(f"{_(DAMAGED)}{there}")


def _show(batch: ReportBatch, *, as_json: bool, **figures: Any) -> None:
    from worker.console import screen
    from worker.smseco import REPORT_CODES

    if as_json:
        screen.print_json({**asdict(batch), **figures})
        return
    table = screen.columns(_("number"), (_("code"), "right"), _("means"), _("date"), "msgfid", "smsfid")
    for number, code, date, msgfid, smsfid in zip(
        batch.destinations, batch.codes, batch.dates, batch.msgfids, batch.smsfids, strict=True
    ):
        known = REPORT_CODES.get(code)
        means = _meaning(known.name) if known else _("unknown")
        table.add_row(*map(screen.plain, (number, str(code), means, _dated(date), msgfid, smsfid)))
    if batch.codes:
        screen.out().print(table)
    told = screen.counted(len(batch), "report")
    if batch.truncated:
        told = _("{reports}, and more may have been in the rest, which is damaged").format(reports=told)
    click.echo(told, err=True)


def _meaning(name: str) -> str:
    return _(ON_THE_WAY[name]) if name in ON_THE_WAY else called(name)


def _dated(date: str) -> str:
    """With its zone, as every other time is shown; as it came where it is no time."""
    from worker.console import screen
    from worker.smseco.fields import moment

    read = moment(date) if ":" in date else None
    return date if read is None else screen.moment(read)
