"""What a campaign is asked for by at the command line: the options that several commands share, and their spec.

What is wrong with it, the domain says; here that is put into the words of the command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import click

from worker.console.ids import ID
from worker.console.words import Words
from worker.language import _

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = {"scheduled_at": "--at", "audience": "--audience-id", "columns": "--map", "test": "--test"}
"""Words of a spec that are written otherwise on the command line; all others are the option of the same name."""


def _mapping(_ctx: click.Context, _option: click.Parameter, said: tuple[str, ...]) -> dict[str, str] | None:
    """`nom=Nom du client` → a field and its column."""
    named: dict[str, str] = {}
    for words in said:
        field, _equals, column = (part.strip() for part in words.partition("="))
        if not field or not column:
            raise click.BadParameter(
                _("{words!r} is not like FIELD=COLUMN, as in --map 'nom=Nom du client'").format(words=words)
            )
        if named.setdefault(field, column) != column:
            twice = _("{field} is given two columns, {one!r} and {other!r}")
            raise click.BadParameter(twice.format(field=field, one=named[field], other=column))
    return named or None


_OPTIONS = (
    click.option("--template", metavar="TEXT", help="The text; {{ column }} stands for a column of the audience."),
    click.option("--template-file", type=click.Path(dir_okay=False, exists=True, path_type=Path), metavar="FILE",
                 help="The text from a file (UTF-8; the line break at its end is not sent)."),
    click.option("--sender", help="A sender name registered at the gateway.  [default: the account's own]"),
    click.option("--account", default="default", show_default=True,
                 help="Which account of the settings sends and pays."),
    click.option("--key",
                 help="Yours: the same key with the same content is the same campaign, however often submitted."),
    click.option("--at", metavar="TIME",
                 help="Not before, as in 2026-12-24T18:00+00:00, or '2026-12-24 18:00 Africa/Lagos'.  [default: now]"),
    click.option("--timezone", metavar="ZONE", help="Reads a TIME without an offset, as in Africa/Abidjan."),
    click.option("--window", metavar="HOURS",
                 help="Days and hours in which it may send, as in 'mon-fri 08:00-20:00, sat 09:00-13:00'."),
    click.option("--window-zone", metavar="ZONE", help="Whose clocks they go by: a time zone as in Africa/Abidjan, or "
                 "recipient, for those of each number's country."),
    click.option("--lookup", type=click.Choice(["send", "exclude"]), is_flag=False, flag_value="send",
                 metavar="[send|exclude]", help="Look numbers up first (paid), and what becomes of those that no "
                 "answer comes for.  [without a word: send]"),
    click.option("--rate", type=float, metavar="N", help="Messages a second, at most."),
    click.option("--batch-size", type=int, metavar="N", help="Messages in one request.  [default: 500]"),
    click.option("--flash", is_flag=True, help="Shown at once, not stored by the phone."),
    click.option("--transliterate", is_flag=True, help="Make French fit the cheap alphabet: ê becomes e."),
    click.option("--on-insufficient-credits", type=click.Choice(["wait", "fail"]), default="wait", show_default=True,
                 help="Wait for a top-up, or fail."),
    click.option("--in-doubt", type=Words(["hold", "resend", "write-off"]), metavar="[hold|resend|write-off]",
                 help="What becomes of a request whose fate nobody knows.  [default: hold, for a person]"),
    click.option("--in-doubt-deadline", type=int, metavar="SECONDS",
                 help="In which its delivery reports may settle it, before that.  [default and least: 1800]"),
    click.option("--uncapped", is_flag=True,
                 help="Text also whom the account's daily cap would leave out, and count nothing."),
    click.option("--number-column", metavar="NAME", help="The column with the numbers, where it cannot be told."),
    click.option("--map", "columns", multiple=True, callback=_mapping, metavar="FIELD=COLUMN",
                 help="The column that a field of the template stands for, where it is called otherwise; repeatable."),
)  # fmt: skip


def audience_arguments(command: F) -> F:
    """Give a command the argument AUDIENCE, and the option that names a stored one."""
    stored = click.option("--audience-id", type=ID, metavar="N", help="A stored audience, instead of AUDIENCE.")
    return click.argument("audience", metavar="[AUDIENCE]", required=False)(stored(command))


def campaign_options(command: F) -> F:
    """Give a command every option of a spec but its name."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def spec(
    *, template: str | None, template_file: Path | None, at: str | None, timezone: str | None, lookup: str | None,
    in_doubt: str | None, **plain: Any,
) -> dict[str, Any]:  # fmt: skip
    """The spec as a mapping, without what was not said."""
    from worker.console.moments import moment

    if (template is None) == (template_file is None):
        raise click.UsageError(_("say what to text: --template, or --template-file"))
    if timezone is not None and at is None:
        raise click.UsageError(_("--timezone is for the time of --at"))
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
        wrong = _("{file} is not UTF-8: save it anew in it").format(file=file)
        raise click.BadParameter(wrong, param_hint="--template-file") from None
    return text.removesuffix("\n")


def source(audience: str | None, audience_id: int | None) -> AbstractContextManager[Any]:
    """What to open, and to hand over then."""
    from campaigns import StoredAudience
    from worker.console import intake

    if audience is not None and audience_id is None:
        return intake.audience(audience)
    if audience is None and audience_id is not None:
        return nullcontext(StoredAudience(audience_id))
    raise click.UsageError(_("say whom to text: AUDIENCE (a file, or - for standard input), or --audience-id"))


@contextmanager
def refused_in_words_of_the_command() -> Iterator[None]:
    """Raises ClickException for what the domain refuses, with every fault named by its option."""
    import campaigns

    try:
        yield
    except campaigns.AudienceError as refused:
        raise click.ClickException(str(refused).replace("number_column", "--number-column")) from None
    except campaigns.SpecError as refused:
        faults = "\n".join(f"  - {_fault(fault)}" for fault in refused.faults)
        raise click.ClickException(_("the campaign is refused:") + f"\n{faults}") from None


def _fault(fault: str) -> str:
    from campaigns import Spec

    name, colon, rest = fault.partition(":")
    if name not in OPTIONS and name not in Spec.model_fields:
        return fault
    return f"{OPTIONS.get(name, '--' + name.replace('_', '-'))}{colon}{rest}"
