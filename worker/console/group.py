"""A group of commands by a table: each is imported only when it is called.

So help comes at once, and a part that is broken breaks no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click
from click.exceptions import NoSuchCommand

from worker.console.spoken import spoken
from worker.language import _


@dataclass(frozen=True)
class Entry:
    """A subcommand: where it is, and what it does in a line."""

    module: str
    name: str
    help: str


class Group(click.Group):
    """The commands of `entries`, in their order, each in the language that is spoken."""

    entries: Mapping[str, Entry] = {}

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """All names, in the order in which they are usually needed."""
        return list(self.entries)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """The command, imported now; None if there is none of this name."""
        entry = self.entries.get(name)
        if entry is None:
            return None
        command: click.Command = getattr(import_module(entry.module), entry.name)
        return spoken(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names; raises NoSuchCommand, with what may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as none:
            raise NoSuchCommand(none.command_name, possibilities=self.entries, ctx=ctx) from None

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table, so that help imports nothing."""
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(entry.help)) for name, entry in self.entries.items()])
