"""`campaigns submit`: from the command line to a campaign in the database. What is wrong with it, the domain says."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from worker.console.ids import ID
from worker.console.words import Words

EPILOG = """\b
Examples:
  campaigns submit clients.csv --name Rappel --sender CLINIQUE \\
      --template 'Bonjour {{ nom }}, votre rendez-vous est le {{ date }}.'
  campaigns submit clients.xlsx --name Soldes --template-file soldes.txt --rate 20 \\
      --at 2026-12-24T09:00 --timezone Africa/Abidjan
  cut -f3 phones.tsv | campaigns submit - --name Alerte --template 'Coupure d eau demain' --key alerte-7 --watch
"""

OPTIONS = {"scheduled_at": "--at", "audience": "--audience-id"}
"""Words of a spec that are written otherwise on the command line; all others are the option of the same name."""


@click.command(epilog=EPILOG)
@click.argument("audience", metavar="[AUDIENCE]", required=False)
@click.option("--audience-id", type=ID, metavar="N", help="A stored audience, instead of AUDIENCE.")
@click.option("--name", required=True, help="What people call the campaign.")
@click.option("--template", metavar="TEXT", help="The text; {{ column }} stands for a column of the audience.")
@click.option("--template-file", type=click.Path(dir_okay=False, exists=True, path_type=Path), metavar="FILE",
              help="The text from a file (UTF-8; the line break at its end is not sent).")  # fmt: skip
@click.option("--sender", help="A sender name registered at the gateway.  [default: the account's own]")
@click.option("--account", default="default", show_default=True, help="Which account of the settings sends and pays.")
@click.option("--key", help="Yours: the same key with the same content is the same campaign, however often submitted.")
@click.option("--at", metavar="TIME", help="Not before, as in 2026-12-24T18:00+00:00.  [default: now]")
@click.option("--timezone", metavar="ZONE", help="Reads a TIME without an offset, as in Africa/Abidjan.")
@click.option("--lookup", type=click.Choice(["send", "exclude"]), is_flag=False, flag_value="send",
              metavar="[send|exclude]", help="Look numbers up first (paid), and what becomes of those that no answer "
              "comes for.  [without a word: send]")  # fmt: skip
@click.option("--rate", type=float, metavar="N", help="Messages a second, at most.")
@click.option("--batch-size", type=int, metavar="N", help="Messages in one request.  [default: 500]")
@click.option("--flash", is_flag=True, help="Shown at once, not stored by the phone.")
@click.option("--transliterate", is_flag=True, help="Make French fit the cheap alphabet: ê becomes e.")
@click.option("--on-insufficient-credits", type=click.Choice(["wait", "fail"]), default="wait", show_default=True,
              help="Wait for a top-up, or fail.")  # fmt: skip
@click.option("--in-doubt", type=Words(["hold", "resend", "write-off"]), metavar="[hold|resend|write-off]",
              help="What becomes of a request whose fate nobody knows.  [default: hold, for a person]")  # fmt: skip
@click.option("--in-doubt-deadline", type=int, metavar="SECONDS",
              help="In which its delivery reports may settle it, before that.  [default and least: 1800]")  # fmt: skip
@click.option("--number-column", metavar="NAME", help="The column with the numbers, where it cannot be told.")
@click.option("--watch", "--wait", "watching", is_flag=True, help="Stay until every message has its final status.")
@click.option("--json", "as_json", is_flag=True,
              help="Print one JSON object: id, state, created, rows; with --watch, the account.")  # fmt: skip
def submit(audience: str | None, audience_id: int | None, *, watching: bool, as_json: bool, **asked: Any) -> None:
    """Hand a campaign over: AUDIENCE is a CSV, TSV, XLSX, XLS or ODS file, or - for standard input.

    The audience is taken in whole, and its file is not needed afterwards. The columns are told by their header; the one
    with the numbers by its name or by what is in it. Ctrl-C while it is taken in leaves no campaign behind.
    """
    made, ringing = _submit(_spec(**asked), audience, audience_id)
    _tell(made, as_json=as_json, watching=watching)
    ringing.tell_trouble()
    if watching:
        from worker.console.show import follow

        follow(made.id, watching=True, as_json=as_json)


def _spec(
    *, template: str | None, template_file: Path | None, at: str | None, timezone: str | None, lookup: str | None,
    in_doubt: str | None, **plain: Any,
) -> dict[str, Any]:  # fmt: skip
    """The spec as a mapping, without what was not said."""
    from worker.console.moments import moment

    if (template is None) == (template_file is None):
        raise click.UsageError("say what to text: --template, or --template-file")
    if timezone is not None and at is None:
        raise click.UsageError("--timezone is for the time of --at")
    said = {
        **plain,
        "template": template if template_file is None else _text_of(template_file),
        "scheduled_at": None if at is None else moment(at, timezone),
        "lookup": None if lookup is None else {"unknown": lookup},
        "in_doubt": in_doubt and in_doubt.replace("-", "_"),
    }
    return {name: value for name, value in said.items() if value is not None}


def _text_of(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file} is not UTF-8: save it anew in it", param_hint="--template-file") from None
    return text.removesuffix("\n")


def _submit(spec: dict[str, Any], audience: str | None, audience_id: int | None) -> tuple[Any, Any]:
    import campaigns
    from worker.console.ringing import Ringing

    ringing = Ringing()
    try:
        with _interrupted_once(), _source(audience, audience_id) as opened:
            return campaigns.submit(spec, opened, ring=ringing), ringing
    except KeyboardInterrupt:
        click.echo("\nnothing is half done: a campaign that `campaigns list` does not show was not made", err=True)
        raise
    except campaigns.AudienceError as refused:
        raise click.ClickException(str(refused).replace("number_column", "--number-column")) from None
    except campaigns.SpecError as refused:
        faults = "\n".join(f"  - {_in_words_of_the_command(fault)}" for fault in refused.faults)
        raise click.ClickException(f"the campaign is refused:\n{faults}") from None


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


def _source(audience: str | None, audience_id: int | None) -> AbstractContextManager[Any]:
    """What to open, and to hand over then."""
    from campaigns import StoredAudience
    from worker.console import intake

    if audience is not None and audience_id is None:
        return intake.audience(audience)
    if audience is None and audience_id is not None:
        return nullcontext(StoredAudience(audience_id))
    raise click.UsageError("say whom to text: AUDIENCE (a file, or - for standard input), or --audience-id")


def _in_words_of_the_command(fault: str) -> str:
    from campaigns import Spec

    name, colon, rest = fault.partition(":")
    if name not in OPTIONS and name not in Spec.model_fields:
        return fault
    return f"{OPTIONS.get(name, '--' + name.replace('_', '-'))}{colon}{rest}"


def _tell(made: Any, *, as_json: bool, watching: bool) -> None:
    """The campaign's id, and what comes next; on stderr if its account follows on stdout."""
    import campaigns
    from worker.console import screen

    account = campaigns.progress(made.id)
    if as_json and not watching:
        screen.print_json({"id": made.id, "state": account.state, "created": made.created, "rows": account.recipients})
        return
    if made.created:
        click.echo(f"campaign {made.id} is made, {screen.counted(account.recipients, 'row')} taken in", err=watching)
    else:
        click.echo(f"campaign {made.id} was made with this key and content before: nothing new is sent", err=watching)
    if not watching:
        why = account.reason or (account.waits_for and f"waits for {account.waits_for}")
        state = account.state.replace("_", " ") + (f": {why}" if why else "")
        screen.out().print(screen.plain(f"it is {state}; to see how it gets on:"))
        click.echo(f"  campaigns show {made.id} --watch")
