"""What cannot be taken back is said first, and asked for. Nobody at the terminal is no consent."""

from __future__ import annotations

import sys

import click

from worker.language import _


def somebody_is_there() -> bool:
    """Whether a person can be asked: what is read and where questions are shown are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agreed(*, what: str, refused: str, yes: bool, shows: str = "") -> None:
    """Say on stderr what is about to be done, and go on only if a person agrees, or has with --yes.

    Args:
        what: what will happen, in whole sentences.
        refused: what is true if it does not, as in `nothing was sent`.
        yes: it was agreed to on the command line.
        shows: what only the person who is asked may see, numbers and texts for example: no pipe and no log gets it.

    Raises:
        ClickException: the person said no, or there is none.
        Abort: the person pressed Ctrl-C, and has been told the same.
    """
    click.echo(what, err=True)
    if yes:
        return
    if not somebody_is_there():
        raise click.ClickException(
            _("{refused}: there is no terminal to ask at; --yes agrees to it beforehand").format(refused=refused)
        )
    if shows:
        click.echo(shows, err=True)
    try:
        said = _goes_on()
    except click.Abort:
        click.echo(f"\n{refused}", err=True)
        raise
    if not said:
        raise click.ClickException(refused)


def _goes_on() -> bool:
    """What a person answers, in the language spoken or in English; no answer is a no. Raises Abort at Ctrl-C."""
    yes, no = {"y", "yes", *_("y yes").split()}, {"", "n", "no", *_("n no").split()}
    question = f"{_('Go on?')} [{_('y/N')}]"
    while (said := click.prompt(question, default="", show_default=False, err=True).strip().lower()) not in yes | no:
        click.echo(_("Error: invalid input"), err=True)
    return said in yes
