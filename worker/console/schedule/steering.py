"""`campaigns schedule pause`, `resume`, `remove` and `run`: what a person may do to a schedule."""

from __future__ import annotations

import click

from worker.language import _

PAUSE_EPILOG = """\b
Example:
  campaigns schedule pause lundi
"""
RESUME_EPILOG = """\b
Example:
  campaigns schedule resume lundi
"""
REMOVE_EPILOG = """\b
Example:
  campaigns schedule remove lundi
"""
RUN_EPILOG = """\b
Example:
  campaigns schedule run lundi
"""

_NAME = click.argument("name")
_ACCOUNT = click.option("--account", default="default", show_default=True, help="Whose it is.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the schedule as one JSON object.")


@click.command(epilog=PAUSE_EPILOG)
@_NAME
@_ACCOUNT
@_JSON
def pause(name: str, account: str, *, as_json: bool) -> None:
    """Make no further campaign of a schedule until it is resumed; those that are made go on."""
    from campaigns import schedules
    from worker.console.schedule import looking

    paused = schedules.pause(name, account=account)
    looking.tell(paused, _("schedule {name} is paused: campaigns schedule resume {name}"), as_json=as_json)


@click.command(epilog=RESUME_EPILOG)
@_NAME
@_ACCOUNT
@_JSON
def resume(name: str, account: str, *, as_json: bool) -> None:
    """Let a paused schedule go on; what fell due during the pause is not made."""
    from campaigns import schedules
    from worker.console.schedule import looking

    resumed = schedules.resume(name, account=account)
    looking.tell(resumed, _("schedule {name} is due next at {time}"), as_json=as_json)


@click.command(epilog=REMOVE_EPILOG)
@_NAME
@_ACCOUNT
def remove(name: str, account: str) -> None:
    """Forget a schedule. Its campaigns stay, and go on: `campaigns cancel` ends one."""
    from campaigns import schedules

    schedules.remove(name, account=account)
    click.echo(_("schedule {name} is removed").format(name=name))


@click.command(epilog=RUN_EPILOG)
@_NAME
@_ACCOUNT
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: the key of its campaign.")
def run(name: str, account: str, *, as_json: bool) -> None:
    """Make a campaign of a schedule now, paused or not, with a key of its own; what falls due is made all the same.

    A worker makes it, for its audience is named as workers see it.
    """
    from campaigns import schedules
    from worker.console import screen
    from worker.console.ringing import Ringing

    ringing = Ringing()
    key = schedules.run(name, account=account, ring=ringing)
    if as_json:
        screen.print_json({"key": key})
    else:
        whose = "" if account == "default" else f" --account {account}"
        now = _("a worker makes it now; to see how it gets on:")
        click.echo(f"{now}\n  campaigns show --key '{key}'{whose} --watch")
    ringing.tell_trouble()
