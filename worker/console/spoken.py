"""The help of a command in the language that is spoken: docstrings and options are made before that is known.

Who speaks English gets the commands as they are. `tests/messages` collects what is looked up here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from inspect import cleandoc

import click

from worker import language
from worker.language import ENGLISH, _

Say = Callable[[str], str]

EXAMPLES = ("Example:", "Examples:")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z_]+")


def spoken(command: click.Command) -> click.Command:
    """The command, or a copy of it with every text in the language now spoken."""
    return command if language.spoken() == ENGLISH else translated(command, _)


def translated(command: click.Command, say: Say) -> click.Command:
    """A copy whose texts are what `say` makes of them, paragraph by paragraph; of examples only the heading is said."""
    its = copy(command)
    its._help_option = None  # noqa: SLF001  click keeps the one that it made last, and so in the language of that time
    its.help, its.epilog, its.short_help = (_text(text, say) for text in (its.help, its.epilog, its.short_help))
    its.options_metavar = its.options_metavar and _placeholders(its.options_metavar, say)
    its.params = [_parameter(each, say) for each in command.params]
    if isinstance(its, click.Group):
        its.subcommand_metavar = _placeholders(its.subcommand_metavar, say)
        its.commands = {name: translated(each, say) for name, each in its.commands.items()}
    return its


def _parameter(parameter: click.Parameter, say: Say) -> click.Parameter:
    its = copy(parameter)
    if isinstance(its.type, click.Path):
        its.type = copy(its.type)
        its.type.name = say(its.type.name)
    if isinstance(its, click.Option):
        its.help = _text(its.help, say)
        if its.show_default is True and isinstance(its.default, str) and " " in its.default:
            its.show_default = say(its.default)  # a sentence that is stored as it is, and shown so
    if its.metavar is not None:
        its.metavar = _placeholders(its.metavar, say)
    elif isinstance(its, click.Argument):
        if its.required and its.nargs == 1 and not isinstance(its.type, click.Choice):
            its.metavar = say(its.human_readable_name.upper())
    elif not (getattr(its, "is_flag", False) or isinstance(its.type, click.Choice)):
        its.metavar = say(its.type.name.upper())
    if isinstance(its.type, click.types.IntParamType | click.types.FloatParamType):
        its.type = copy(its.type)
        its.type.name = say(its.type.name)  # what is no number is said not to be one, by this name
    return its


def _placeholders(metavar: str, say: Say) -> str:
    """What stands for a value, word by word: `[ID]`, `FIELD=COLUMN`; what is typed as it is, is in small letters."""
    return _PLACEHOLDER.sub(lambda found: say(found.group()), metavar)


def _text(text: str | None, say: Say) -> str | None:
    return text and "\n\n".join(_paragraph(each, say) for each in cleandoc(text).split("\n\n"))


def _paragraph(paragraph: str, say: Say) -> str:
    r"""Lines are one message, however they are folded; lines after `\b` are shown as they are, and so are looked up."""
    mark, _newline, lines = paragraph.partition("\n")
    if mark != "\b":
        said = say(" ".join(paragraph.split()))
        return said.replace(" [", "  [") if "  [" in paragraph else said  # a default keeps its distance
    heading, _newline, commands = lines.partition("\n")
    return f"\b\n{say(heading)}\n{commands}" if heading in EXAMPLES else f"\b\n{say(lines)}"
