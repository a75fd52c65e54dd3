"""The directive `commands`: every command of `campaigns` with its help, asked of click itself when the pages are built.

So the reference cannot say anything else than `--help` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from worker.cli import main

WIDTH = 86
"""As many columns as a block of code shows without being scrolled."""


def commands(command: click.Command = main, parent: click.Context | None = None) -> Iterator[click.Context]:
    """A context for each command and its subcommands, in the order in which help names them."""
    widths = {"max_content_width": WIDTH, "terminal_width": WIDTH}
    name = "campaigns" if parent is None else command.name
    context = click.Context(command, info_name=name, parent=parent, **{**command.context_settings, **widths})
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield from commands(found, context)


class Commands(SphinxDirective):
    """A section for each command: its sentence as a paragraph, all of its help as it is shown."""

    def run(self) -> list[nodes.Node]:
        """The sections; a command's anchor is its words, as in `campaigns-schedule-add`."""
        return [self._section(context) for context in commands()]

    def _section(self, context: click.Context) -> nodes.section:
        path = context.command_path
        shown = nodes.literal_block(text=context.get_help(), language="text", classes=["help"])
        section = nodes.section(ids=[path.replace(" ", "-")], names=[path])
        section += [nodes.title(text=path), shown]
        self.state.document.note_explicit_target(section)
        return section


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
