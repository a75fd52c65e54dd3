"""The command `campaigns`: which subcommands there are, and how every one of them ends.

What each does is in the module that the table names. It is imported only when it is called, so that help comes at once
and a part that is broken breaks no other.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click
from click_didyoumean import DYMGroup

INTERRUPTED = 128 + signal.SIGINT


@dataclass(frozen=True)
class Entry:
    """A subcommand: where it is, and what it does in a line."""

    module: str
    name: str
    help: str


COMMANDS = {
    "demo": Entry("worker.demo.command", "demo", "See a whole campaign go through a sandbox, and add up."),
    "sandbox": Entry("worker.sandbox.command", "sandbox", "Run a gateway to try against: it sends and costs nothing."),
    "migrate": Entry("worker.console.migrate", "migrate", "Make the database's tables, or bring them up to date."),
    "submit": Entry("worker.console.submit", "submit", "Text an audience: hand a campaign over to the workers."),
    "list": Entry("worker.console.listing", "listing", "List campaigns, the newest first."),
    "show": Entry("worker.console.show", "show", "Show the account of a campaign, or watch it until it ends."),
    "pause": Entry("worker.console.steering", "pause", "Let nothing more of a campaign leave for now."),
    "resume": Entry("worker.console.steering", "resume", "Let a paused campaign go on."),
    "cancel": Entry("worker.console.steering", "cancel", "Let nothing more of a campaign leave, ever."),
    "balance": Entry("worker.console.gateway", "balance", "Ask the gateway for an account's credits."),
    "senders": Entry("worker.console.gateway", "senders", "Ask the gateway for an account's sender names."),
}

EPILOG = """\b
A first campaign:
  campaigns migrate
  campaigns submit clients.csv --name Rappel --template 'Bonjour {{ nom }}' --sender CLINIQUE --watch

\b
Workers are started by Celery's own commands:
  celery -A worker worker
  celery -A worker beat

`campaigns COMMAND --help` explains each command, with an example. The exit status is 0 if all went well, 2 if the
command was written wrongly, 130 if it was interrupted, and 1 otherwise.
"""


class Commands(DYMGroup):
    """A group that imports a command when it is called, and turns a known failure into a sentence."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """All names, in the order in which they are usually needed."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """The command, imported now; None if there is none of this name."""
        entry = COMMANDS.get(name)
        if entry is None:
            return None
        command: click.Command = getattr(import_module(entry.module), entry.name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table, so that help imports nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run; raises ClickException with a sentence for whatever a person can put right."""
        try:
            return self._advised(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)

    def _advised(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click itself knows these
        except Exception as error:  # whatever a person can put right is said in a sentence; the rest is raised
            from worker.console.advice import advice  # late: it knows every part of the project

            said = advice(error)
            if said is None:
                raise
            raise click.ClickException(said) from None


@click.command(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sms-campaigns", message="%(version)s")
def main() -> None:
    """Text an audience through the SMSECO gateway, exactly once, and account for every message and every credit.

    A campaign is one text for one audience. `submit` hands it over; workers send it and ask the gateway what became of
    every message; `show` is its account. DATABASE_URL names the database, other settings are in README.md.
    """
