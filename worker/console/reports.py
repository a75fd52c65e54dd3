"""`campaigns reports`: what was read of delivery reports, what of it belongs to nobody here, and what is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from worker.console.ids import ID
from worker.console.moments import ZONED, written
from worker.language import _, figure

if TYPE_CHECKING:  # late: `--help` need not wait for them
    from campaigns.readings import Readings
    from worker.spool import Waiting

EPILOG = """\b
Examples:
  campaigns reports
  campaigns reports --account shop --json
  campaigns reports --foreign --since 2026-11-01
  campaigns reports --foreign -o others.csv
  campaigns reports --retry 412
"""


def _moment(_ctx: click.Context, _param: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    read = written(text, example=_("{date} or {time}").format(date="2026-12-24", time=ZONED))
    return read if read.tzinfo else read.replace(tzinfo=UTC)


@click.command(epilog=EPILOG)
@click.option("--account", metavar="NAME", help="Only this one.  [default: all that the journal has]")
@click.option("--foreign", "foreign_ones", is_flag=True, help="List the reports of other programs on the account.")
@click.option("--since", metavar="TIME", callback=_moment, help="With --foreign: read since then (UTC if no offset).")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="With --foreign: a new CSV file for them."
)
@click.option("--retry", type=ID, metavar="ID", help="Have a broken body tried anew, after an upgrade perhaps.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value.")
def reports(
    account: str | None,
    since: datetime | None,
    output: Path | None,
    retry: int | None,
    *,
    foreign_ones: bool,
    as_json: bool,
) -> None:
    """Show the journal of delivery reports: what was read, what waits, what is broken, and what is lost.

    The gateway hands each report out once, to whoever asks for an account's. So reading consumes those of other
    programs that send through the same account, too: they are kept, and --foreign lists them. A screen shows no whole
    number; a file (-o) and --json do.

    A gap is a request whose answer did not arrive whole: reports may be gone, and their messages end as unreported. No
    client can prevent that. The count is at most: of who died just before asking, nobody can tell.
    """
    if not foreign_ones and (since is not None or output is not None):
        raise click.UsageError(_("--since and -o are for --foreign"))
    if retry is not None and (foreign_ones or account is not None or as_json):
        raise click.UsageError(_("--retry goes alone"))
    if retry is not None:
        _try_anew(retry)
    elif foreign_ones:
        _list_foreign(account, since, output, as_json=as_json)
    else:
        _show_journal(account, as_json=as_json)


def _try_anew(poll_id: int) -> None:
    from campaigns import unapplied
    from campaigns.database import default

    if not unapplied.retry(default(), poll_id):
        raise click.ClickException(_("there is no broken body {id}").format(id=poll_id))
    click.echo(_("the body {id} is applied anew when its account's reports are read next").format(id=poll_id))


def _list_foreign(account: str | None, since: datetime | None, output: Path | None, *, as_json: bool) -> None:
    from campaigns.database import default
    from campaigns.readings import readings
    from worker.console import foreign, screen
    from worker.console.known import require_account

    if output is not None and as_json:
        raise click.UsageError(_("say one: -o, or --json"))
    found = foreign.found(default(), account=account, since=since)
    if output is not None:
        try:
            count = foreign.write_csv(found, output)
        except FileExistsError:
            raise click.ClickException(_("{file} is there already: name a new file").format(file=output)) from None
    else:
        count = foreign.print_json(found) if as_json else foreign.show(found)
    if not count:
        require_account(account)
    click.echo(_("{reports} of other programs").format(reports=screen.counted(count, "report")), err=True)
    parked = sum(its.parked for its in readings(default(), account))
    if parked:
        held = _("not among these: {readings}, parked, with reports that may be ours or theirs")
        click.echo(held.format(readings=screen.counted(parked, "more reading")), err=True)


def _show_journal(account: str | None, *, as_json: bool) -> None:
    from campaigns.database import default
    from campaigns.readings import readings
    from worker.console import screen
    from worker.console.known import require_account

    found, files = readings(default(), account), _spooled()
    if not found:
        require_account(account)
    if as_json:
        spool = None if files is None else [{**asdict(each), "path": str(each.path)} for each in files]
        screen.print_json({"accounts": [{**asdict(its), "gaps": its.gaps} for its in found], "spool": spool})
        return
    if not found:
        click.echo(_("no delivery reports have been asked for yet"))
    for its in found:
        _draw(its)
    for each in files or ():
        told = _("in the spool, a body of the account {account}: {path}")
        told = told if each.account is not None else _("in the spool, a body that cannot be read: {path}")
        click.echo(told.format(account=screen.plain(each.account or "").plain, path=each.path), err=True)


def _spooled() -> list[Waiting] | None:
    """The files of this host's spool; None where it is not known which folder that is."""
    from campaigns.settings import SettingsError
    from worker import spool
    from worker.settings import settings

    try:
        return spool.waiting(settings().spool_dir)
    except SettingsError:
        return None


def _draw(its: Readings) -> None:
    from campaigns.reasons import retold
    from campaigns.unapplied import ASKED_SECONDS
    from worker.console import screen

    table = screen.columns(
        "", ("", "right"), "", title=_("Account {account}").format(account=screen.plain(its.account).plain)
    )
    table.show_header = False
    for name, count, more in _figures(its):
        table.add_row(name, figure(count), more)
    screen.out().print(table)
    for body in its.latest_broken:
        what = _("broken: {id}, of {time}: {why}")
        click.echo("  " + what.format(id=body.id, time=screen.moment(body.stored_at), why=retold(body.why)))
    for gap in its.latest_gaps:
        what = _("cut short") if gap.cut else _("nothing came")
        told = (
            _("gap: asked at {time}, of the sending {id}: {what}") if gap.msgfid else _("gap: asked at {time}: {what}")
        )
        named = screen.plain(gap.msgfid or "").plain
        click.echo("  " + told.format(time=screen.moment(gap.asked_at), id=named, what=what))
    if its.gaps:
        lost = _("A gap may have taken reports with it, which nobody can have again: their messages end as unreported.")
        click.echo(f"  {lost}")
        late = _("A request that nobody answered for {count} seconds counts, though it may never have left.")
        click.echo("  " + late.format(count=figure(ASKED_SECONDS, 0)))


def _figures(its: Readings) -> Iterator[tuple[str, int, str]]:
    from worker.console import screen

    applied = _("{reports} in those that were applied").format(reports=screen.counted(its.reports, "report"))
    yield _("bodies that arrived"), its.readings, applied
    yield _("asked for just now"), its.asking, ""
    yield _("not applied yet"), its.unapplied, ""
    waits = _("may be of requests of the campaigns {ids}").format(ids=", ".join(map(str, its.parked_for)))
    waits = waits if its.parked_for else _("of nobody's requests any more: closed by the next reading")
    yield _("parked"), its.parked, waits if its.parked else ""
    lists = _(": ").join([screen.counted(its.foreign, "sending"), "campaigns reports --foreign"])
    yield _("with reports of other programs"), its.foreign_readings, lists if its.foreign else ""
    yield _("broken"), its.broken, _("campaigns reports --retry ID tries one anew") if its.broken else ""
    gaps = _("{lost} of which nothing came, {cut} cut short").format(lost=figure(its.lost), cut=figure(its.cut))
    yield _("gaps, at most"), its.gaps, gaps if its.gaps else ""
