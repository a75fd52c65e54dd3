"""`campaigns export`: each row of a campaign's account as a file, with a bar that shows how far it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from worker.console.ids import ID
from worker.language import _

KINDS = ("csv", "xlsx", "parquet")

EPILOG = """\b
Examples:
  campaigns export 12 -o rappel.csv
  campaigns export 12 -o rappel.xlsx --masked
  campaigns export 12 | cut -d, -f3 | sort | uniq -c
"""


@click.command(epilog=EPILOG)
@click.argument("campaign_id", metavar="ID", type=ID)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="A new file, which only you may read.  [default: standard output]")  # fmt: skip
@click.option("--format", "kind", type=click.Choice(KINDS), metavar=f"[{'|'.join(KINDS)}]",
              help="What to write.  [default: what FILE ends with, or csv]")  # fmt: skip
@click.option("--masked", is_flag=True, help="Hide the middle of each number.")
@click.option("--replace", is_flag=True, help="Replace FILE if it is there already.")
def export(campaign_id: int, output: Path | None, kind: str | None, *, masked: bool, replace: bool) -> None:
    """Write each row of a campaign's audience, and what became of it: as many as `campaigns show` counts.

    The columns are: row (of the audience), number, status (or why the row is excluded, or not_expanded), changed_at,
    batch, sent_at, segments, credits (taken by the gateway; lookups are not in it), refunded, msgfid, smsfid (the
    gateway's ids). Messages come batch by batch, then who is excluded, then who waits. Times are in UTC.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it. FILE is there once it is whole.
    xlsx and parquet need a package each: pip install 'sms-campaigns[xlsx,parquet]'.
    """
    import campaigns
    from worker.console import screen

    if output is None:
        _to_standard_output(campaign_id, kind or "csv", masked=masked)
        return
    try:
        with _bar() as told:
            done = campaigns.export(campaign_id, output, kind=kind, masked=masked, replace=replace, told=told)
    except KeyboardInterrupt:
        click.echo("\n" + _("{file} was not written").format(file=output), err=True)
        raise
    click.echo(_(": ").join([str(output), screen.counted(done.rows, "row")]), err=True)
    _tell_gone(done.gone)


def _to_standard_output(campaign_id: int, kind: str, *, masked: bool) -> None:
    import campaigns

    if kind != "csv" and sys.stdout.isatty():
        raise click.UsageError(
            _("{kind} is nothing for a terminal: say where to write it, with -o FILE").format(kind=kind)
        )
    _tell_gone(campaigns.export(campaign_id, sys.stdout.buffer, kind=kind, masked=masked).gone)


def _tell_gone(gone: int) -> None:
    if gone:
        from worker.console import screen

        told = _("{rows} of its audience cannot be told: it was cancelled before it was expanded")
        click.echo(told.format(rows=screen.counted(gone, "row")), err=True)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None] | None]:
    """What shows how many rows are written; nothing where nobody looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    from worker.console import screen

    console = screen.err()
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task(_("writing rows"), total=None)
        yield lambda done, total: bars.update(task, completed=done, total=max(total, done))
