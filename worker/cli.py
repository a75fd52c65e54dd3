"""The command `campaigns`: which subcommands there are, and how every one of them ends.

What each does is in the module that the table names.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import Any

import click

from worker.console.group import Entry, Group
from worker.console.letters import spare_the_terminal
from worker.console.spoken import spoken
from worker.language import _, speak

INTERRUPTED = 128 + signal.SIGINT


COMMANDS = {
    "demo": Entry("worker.demo.command", "demo", "See a whole campaign go through a sandbox, and add up."),
    "sandbox": Entry("worker.sandbox.command", "sandbox", "Run a gateway to try against: it sends and costs nothing."),
    "migrate": Entry("worker.console.migrate", "migrate", "Make the database's tables, or bring them up to date."),
    "preview": Entry("worker.console.preview", "preview", "See what a campaign would cost, and send nothing."),
    "submit": Entry("worker.console.submit", "submit", "Text an audience: hand a campaign over to the workers."),
    "list": Entry("worker.console.listing", "listing", "List campaigns, the newest first."),
    "show": Entry("worker.console.show", "show", "Show the account of a campaign, or watch it until it ends."),
    "export": Entry("worker.console.export", "export", "Write what became of each row of a campaign to a file."),
    "report": Entry("worker.console.report.command", "report", "Write what a campaign came to as one page."),
    "find": Entry("worker.console.find", "find", "Show what a person was sent."),
    "forget": Entry("worker.console.forget", "forget", "Take a person out of all that is kept."),
    "pause": Entry("worker.console.steering", "pause", "Let nothing more of a campaign leave for now."),
    "resume": Entry("worker.console.steering", "resume", "Let a paused campaign go on."),
    "cancel": Entry("worker.console.steering", "cancel", "Let nothing more of a campaign leave, ever."),
    "optout": Entry("worker.console.optout", "optout", "Keep the lists of people who want no texts."),
    "schedule": Entry("worker.console.schedule", "schedule", "Campaigns that recur: add, list, pause, run now, …"),
    "retry": Entry("worker.console.retry", "retry", "Text those again whom a campaign did not reach."),
    "doubts": Entry("worker.console.doubts", "doubts", "List requests of which nobody knows whether they were taken."),
    "resolve": Entry("worker.console.resolve", "resolve", "Decide what becomes of one of them."),
    "restored": Entry("worker.console.restored", "restored", "See to a database into which a backup was restored."),
    "doctor": Entry("worker.console.doctor", "doctor", "Look over the whole installation: what is wrong, what to do."),
    "metrics": Entry("worker.console.metrics", "metrics", "Print or serve the figures of the domain for Prometheus."),
    "credits": Entry("worker.console.credits", "credits", "Show where the credits of each account are, and any drift."),
    "reports": Entry("worker.console.reports", "reports", "Show what was read of delivery reports, and what is lost."),
    "balance": Entry("worker.console.gateway.questions", "balance", "Ask the gateway for an account's credits."),
    "senders": Entry("worker.console.gateway.questions", "senders", "Ask the gateway for an account's sender names."),
    "gateway": Entry("worker.console.gateway", "gateway", "Send, look up, read reports, … by hand, in any form."),
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
command was written wrongly, 3 if `campaigns gateway` sent or may have sent something and cannot show a receipt, be it
because of Ctrl-C, 130 if it was interrupted otherwise, and 1 in all other cases.
"""


class Commands(Group):
    """The commands of `campaigns`; a known failure of any of them is turned into a sentence."""

    entries = COMMANDS

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, in the language of the environment, and end with the status of what was done.

        It is 1 at least, where what it said could not be shown.
        """
        speak()
        spare_the_terminal()
        try:
            return click.Group.main(spoken(self), *args, **kwargs)
        except SystemExit as end:
            if not _all_is_shown() and not end.code:
                raise SystemExit(1) from None
            raise
        except OSError as failure:
            if _all_is_shown() and failure.errno != errno.ENOSPC:
                raise
            from campaigns.reasons import retold  # late: help need not wait for it

            why = retold(failure.strerror or "")
            click.echo(_("Error: it cannot be shown or written: {why}").format(why=why), err=True)
            raise SystemExit(1) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run; raises ClickException with a sentence for whatever a person can put right."""
        try:
            return self._advised(ctx)
        except (KeyboardInterrupt, click.Abort):  # the latter is Ctrl-C while a person is asked
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


def _all_is_shown() -> bool:
    """Whether standard output took everything (a full disk does not).

    What it did not take is dropped: the interpreter would try once more at its end, and end with a status of its own.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


@click.command(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sms-campaigns", message="%(version)s")
def main() -> None:
    """Text an audience through the SMSECO gateway, exactly once, and account for every message and every credit.

    A campaign is one text for one audience. `submit` hands it over; workers send it and ask the gateway what became of
    every message; `show` is its account. DATABASE_URL names the database, other settings are in docs/settings.md.
    """
