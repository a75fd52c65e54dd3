"""Every message that a person may be told: of the code, of the templates, of the commands' help, and of click itself.

What stands in a call is found in the code; a help text is a docstring or an option's, and is asked of the commands.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from tests.messages.calls import calls
from worker.cli import main
from worker.console.group import Group
from worker.console.spoken import translated

ROOT = Path(__file__).parents[2]
ROOMS = ("campaigns", "worker")
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "nN_": (1, 2)}
"""What is called with a message, and which of its arguments that is."""

METHODS = [("**.py", calls), ("**.html", "jinja2.ext:babel_extract")]

UNUSED = {"_winconsole.py", "shell_completion.py", "testing.py"}
WITHOUT_A_CALL = ("required",)
"""What click looks up by a name of its own."""


def collected() -> Catalog:
    """All messages, each with the files that it is from."""
    catalogue = Catalog(charset="utf-8", fuzzy=False)
    for message, place in (*_of_the_code(), *_of_the_commands(main), *_of_click()):
        catalogue.add(message, locations=[(place, 0)])
    return catalogue


def _of_the_code() -> Iterator[tuple[str | tuple[str, ...], str]]:
    for room in ROOMS:
        for file, _line, message, *_more in extract_from_dir(ROOT / room, METHODS, keywords=KEYWORDS):
            yield message, f"{room}/{file}"


def _of_click() -> Iterator[tuple[str | tuple[str, ...], str]]:
    folder = Path(inspect.getfile(click)).parent
    for file, _line, message, *_more in extract_from_dir(folder, METHODS[:1], keywords=KEYWORDS):
        if file not in UNUSED:
            yield message, "click"
    yield from ((message, "click") for message in WITHOUT_A_CALL)


def _of_the_commands(command: click.Command) -> Iterator[tuple[str, str]]:
    said: list[str] = []
    translated(command, lambda message: said.append(message) or message)  # type: ignore[func-returns-value]
    place = _file(command)
    if isinstance(command, Group):
        said += [entry.help for entry in command.entries.values()]
    yield from ((message, place) for message in said)
    if isinstance(command, Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            its = command.get_command(context, name)
            assert its is not None
            yield from _of_the_commands(its)


def _file(command: click.Command) -> str:
    callback = inspect.unwrap(command.callback) if command.callback else None
    return str(Path(inspect.getfile(callback)).relative_to(ROOT)) if callback else "click"
