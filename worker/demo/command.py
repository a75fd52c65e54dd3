"""The command `campaigns demo`: one campaign through a whole installation, and whether its account adds up."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from worker import lifeline
from worker.demo.people import PEOPLE_AT_MOST
from worker.interruption import ends_in_order
from worker.language import _
from worker.processes import EndedEarlyError, NotReadyError

EPILOG = """\b
Examples:
  campaigns demo
  campaigns demo --recipients 100000
  campaigns demo --recipients 1000 --json | tail -1
"""


@click.command(epilog=EPILOG)
@click.option(
    "--recipients",
    type=click.IntRange(1, PEOPLE_AT_MOST),
    metavar="N",
    help="Text N made-up people instead of the shipped list.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the account as one JSON object, on the last line.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Work in this folder, and leave the database and the logs there.",
)
def demo(*, recipients: int | None, as_json: bool, keep: Path | None) -> None:
    """Send a campaign through a sandbox gateway, from a CSV to the last delivery report, and see it add up.

    Starts a private Valkey, SQLite, the sandbox, a Celery worker, beat and Flower, and stops them at the end, or at
    Ctrl-C. No SMS is sent. DATABASE_URL and REDIS_URL name other servers, if nothing but the demo's is in them.

    The exit status is 0 only if the account adds up and nobody was texted twice.
    """
    console = Console(stderr=as_json)
    with ends_in_order(_("stopping all that was started …")), _folder(keep) as folder:
        from worker.demo.installation import NotOursError  # late: `campaigns --help` need not wait for these
        from worker.demo.performance import perform

        try:
            account = perform(folder, recipients, console)
        except (EndedEarlyError, NotReadyError, NotOursError) as failure:
            raise click.ClickException(str(failure)) from None
        console.print(account.drawn())
        if as_json:
            click.echo(json.dumps(account.as_json()))
    raise SystemExit(0 if account.adds_up else 1)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is None:
        with lifeline.folder("campaigns-demo-") as folder:
            yield folder
        return
    kept.mkdir(parents=True, exist_ok=True)
    yield kept.resolve()
