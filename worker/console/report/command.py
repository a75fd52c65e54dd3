"""The command `campaigns report`."""

from __future__ import annotations

from pathlib import Path

import click

from worker.console.ids import ID
from worker.language import ENGLISH, FRENCH, speak

EPILOG = """\b
Examples:
  campaigns report 12
  campaigns report 12 -o rappel.html --replace
  campaigns report 12 --language fr
"""


@click.command(epilog=EPILOG)
@click.argument("campaign_id", metavar="ID", type=ID)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="A new file, which only you may read.  [default: campaign-ID.html]")  # fmt: skip
@click.option("--replace", is_flag=True, help="Replace FILE if it is there already.")
@click.option(
    "--language", type=click.Choice([ENGLISH, FRENCH]), help="What the page is written in.  [default: as your locale]"
)
def report(campaign_id: int, output: Path | None, *, replace: bool, language: str | None) -> None:
    """Write what a campaign came to as one page, to look at in a browser, to print, or to send to somebody.

    On it are the account from the rows read to the messages delivered, deliveries over time, how long they took,
    operators, segments, credits, and what failed and why. It holds no phone number and no text, and needs no network.
    """
    import campaigns
    from campaigns.beside import new_file
    from worker.console.report.page import page

    if language is not None:
        speak(language)
    path = output or Path(f"campaign-{campaign_id}.html")
    shown = page(campaigns.report(campaign_id))
    with new_file(path, replace=replace) as file:
        file.write(shown)
    click.echo(path.resolve())
