"""`campaigns submit`: from the command line to a campaign in the database. What it may be asked for is in `asking`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import click

from worker.console.asking import audience_arguments, campaign_options, refused_in_words_of_the_command, source, spec
from worker.language import _

EPILOG = """\b
Examples:
  campaigns submit clients.csv --name Rappel --sender CLINIQUE \\
      --template 'Bonjour {{ nom }}, votre rendez-vous est le {{ date }}.'
  campaigns submit clients.xlsx --name Soldes --template-file soldes.txt --rate 20 \\
      --at 2026-12-24T09:00 --timezone Africa/Abidjan
  campaigns submit clients.csv --name Rappel --template-file rappel.txt --test '+225 07 08 09 10 11'
  campaigns submit crm.jsonl --name Rappel --template 'Bonjour {{ nom }}' --map 'nom=Customer name'
  cut -f3 phones.tsv | campaigns submit - --name Alerte --template 'Coupure d eau demain' --key alerte-7 --watch

`campaigns preview` says beforehand what it would cost, and whom it would leave out.
"""


@click.command(epilog=EPILOG)
@audience_arguments
@click.option("--name", required=True, help="What people call the campaign.")
@campaign_options
@click.option(
    "--test",
    "own",
    multiple=True,
    metavar="NUMBER",
    help="Text the first message to this phone of yours, and ask before it goes to anyone else; repeatable.",
)
@click.option("--yes", is_flag=True, help="Do not ask: after a test, go on at once.")
@click.option("--watch", "--wait", "watching", is_flag=True, help="Stay until every message has its final status.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object: id, state, created, rows (and test, its id); with --watch, the account.",
)
def submit(
    audience: str | None, audience_id: int | None, *, own: tuple[str, ...], yes: bool, watching: bool, as_json: bool,
    **asked: Any,
) -> None:  # fmt: skip
    """Hand a campaign over: AUDIENCE is a file, or - for standard input.

    It may be CSV, TSV, JSON lines, XLSX, XLS, ODS, or Parquet if pyarrow is installed; its content tells.

    The audience is taken in whole, and its file is not needed afterwards. The columns are told by their header; the one
    with the numbers by its name or by what is in it. Ctrl-C while it is taken in leaves no campaign behind.
    """
    import campaigns
    from worker.console.ringing import Ringing
    from worker.console.trying import readable_twice

    wanted, ringing, test, made = spec(**asked), Ringing(), None, None
    try:
        with readable_twice(audience) if own else nullcontext(audience) as named:
            if own:
                test = _try_out(wanted, named, audience_id, own, ringing=ringing, yes=yes)
            made = _handed_over(named, audience_id, lambda opened: campaigns.submit(wanted, opened, ring=ringing))
        _tell(made, test, as_json=as_json, watching=watching)
        ringing.tell_trouble()
        ringing.end_if_interrupted()
    except KeyboardInterrupt:
        click.echo(f"\n{_what_stands(made)}", err=True)
        raise
    if watching:
        from worker.console.show import follow

        follow(made.id, watching=True, as_json=as_json)


def _try_out(
    wanted: dict[str, Any], audience: str | None, audience_id: int | None, own: tuple[str, ...], *, ringing: Any,
    yes: bool,
) -> int:  # fmt: skip
    """The id of the test's campaign, if it may go on after it."""
    import campaigns
    from worker.console.trying import ask

    tried = _handed_over(audience, audience_id, lambda opened: campaigns.try_out(wanted, opened, own, ring=ringing))
    ringing.tell_trouble()
    ringing.end_if_interrupted()
    ringing.trouble = None
    ask(tried, yes=yes)
    made: int = tried.campaign.id
    return made


def _handed_over(audience: str | None, audience_id: int | None, hand_over: Callable[[Any], Any]) -> Any:
    """What is made of the audience, or an end in the words of the command."""
    with (
        refused_in_words_of_the_command(),
        _interrupted_once(),
        source(audience, audience_id) as opened,
    ):
        return hand_over(opened)


def _what_stands(made: Any) -> str:
    """What a Ctrl-C leaves behind, and how to stop that: whoever presses it wants nobody to be texted."""
    if made is not None:
        return _("campaign {id} is made, and goes on to text people: `campaigns cancel {id}` stops it").format(
            id=made.id
        )
    return _(
        "nothing is half done: the campaign was made or it was not, and `campaigns list` tells which. "
        "One that was made goes on to text people: `campaigns cancel ID` stops it"
    )


@contextmanager
def _interrupted_once() -> Iterator[None]:
    """One Ctrl-C undoes what was begun; a second one, a moment later, must not cut that short."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(made: Any, test: int | None, *, as_json: bool, watching: bool) -> None:
    """The campaign's id, and what comes next; on stderr if its account follows on stdout."""
    import campaigns
    from worker.console import screen

    account = campaigns.progress(made.id)
    if as_json and not watching:
        told = {"id": made.id, "state": account.state, "created": made.created, "rows": account.recipients}
        screen.print_json(told if test is None else {**told, "test": test})
        return
    if made.created:
        done = _("campaign {id} is made, {rows} taken in")
        click.echo(done.format(id=made.id, rows=screen.counted(account.recipients, "row")), err=watching)
    else:
        before = _("campaign {id} was made with this key and content before: nothing new is sent")
        click.echo(before.format(id=made.id), err=watching)
    if not watching:
        if account.window_opens_at is not None:
            click.echo(_("its window opens next at {time}").format(time=screen.moment(account.window_opens_at)))
        screen.out().print(screen.plain(_("it is {state}; to see how it gets on:").format(state=_state(account))))
        click.echo(f"  campaigns show {made.id} --watch")


def _state(account: Any) -> str:
    from campaigns.called import called
    from campaigns.reasons import retold

    why = retold(account.reason) if account.reason else ""
    if not why and account.waits_for:
        why = _("waits for {what}").format(what=retold(account.waits_for))
    return _("{state}: {why}").format(state=called(account.state), why=why) if why else called(account.state)
