"""`campaigns schedule`: campaigns that recur. What each command does is in the module that the table names."""

from __future__ import annotations

import click

from worker.console.group import Entry, Group

COMMANDS = {
    "add": Entry("worker.console.schedule.adding", "add", "Have a campaign made each time that it falls due."),
    "list": Entry("worker.console.schedule.looking", "listing", "List schedules, whichever is due next first."),
    "show": Entry("worker.console.schedule.looking", "show", "Show one: when it is due, and what became of the last."),
    "pause": Entry("worker.console.schedule.steering", "pause", "Make no further campaign of one for now."),
    "resume": Entry("worker.console.schedule.steering", "resume", "Let a paused one go on."),
    "remove": Entry("worker.console.schedule.steering", "remove", "Forget one; its campaigns stay."),
    "run": Entry("worker.console.schedule.steering", "run", "Make a campaign of one now, beside those that fall due."),
}

EPILOG = """\b
Example, a reminder each Monday at nine:
  campaigns schedule add lundi --cron '0 9 * * mon' --timezone Africa/Abidjan \\
      --file clients.csv --template 'Bonjour {{ nom }}, pensez à votre rendez-vous.'
  campaigns schedule list

\b
The same from Python:
  from campaigns import schedules
  schedules.add({"template": …, "audience": {"file": "clients.csv"}}, name="lundi", cron="0 9 * * mon",
                timezone="Africa/Abidjan")
"""


class Commands(Group):
    """What a person may do with schedules."""

    entries = COMMANDS


@click.command(cls=Commands, epilog=EPILOG)
def schedule() -> None:
    """Campaigns that recur by a cron expression, each occurrence a campaign of its own, made once.

    They are kept in the database: workers and one beat of ours are all that they need, and a second beat does no harm.
    """
