"""A group of commands by a table: each is imported only when it is called.

So help comes at once, and a part that is broken breaks no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click
from click_didyoumean import DYMGroup


@dataclass(frozen=True)
class Entry:
    """A subcommand: where it is, and what it does in a line."""

    module: str
    name: str
    help: str


class Group(DYMGroup):
    """The commands of `entries`, in their order; a name that is none of them is told what it may have meant."""

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
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table, so that help imports nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])
