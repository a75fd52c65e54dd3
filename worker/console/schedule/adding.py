"""`campaigns schedule add`: a campaign's options, whom it is for by name, and when it recurs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from worker.console.asking import campaign_options, spec
from worker.console.ids import ID
from worker.console.words import Words
from worker.language import _

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = """\b
Examples:
  campaigns schedule add lundi --cron '0 9 * * mon' --timezone Africa/Abidjan --file clients.csv \\
      --template 'Bonjour {{ nom }}, pensez à votre rendez-vous.' --sender CLINIQUE
  campaigns schedule add soldes --cron '30 8 1 * *' --timezone Africa/Lagos --when-missed catch-up \\
      --url https://files.example.com/clients.csv --template-file soldes.txt --rate 20

The cron expression is minute, hour, day, month and day of the week: '0 9 * * mon-fri' is each working day at nine,
'0 9 L * *' the last day of each month. A time that a change of the clocks skips is moved on to the next that there is;
one that comes twice happens once.
"""

_PARAMETERS = "__click_params__"
"""Where click's decorators put what they give to a function."""

_EACH_HAS_ITS_OWN = ("key", "at", "timezone")
_WORDS = {"audience": "--file, --url, --audience-id", "name": "NAME"}


def _options_of_each(command: F) -> F:
    """Every option of a campaign but those that each occurrence has of its own."""
    before = len(vars(command).get(_PARAMETERS, []))
    given = campaign_options(command)
    parameters = vars(given)[_PARAMETERS]
    parameters[before:] = [each for each in parameters[before:] if each.name not in _EACH_HAS_ITS_OWN]
    return given


@click.command(epilog=EPILOG)
@click.argument("name")
@click.option("--cron", required=True, metavar="EXPRESSION", help="When: minute, hour, day, month, day of the week.")
@click.option("--timezone", required=True, metavar="ZONE", help="Whose clocks it goes by, as in Africa/Abidjan.")
@click.option("--file", metavar="FILE", help="Whom to text: a file under the workers' AUDIENCE_DIR, read each time.")
@click.option("--url", metavar="URL", help="Or: an https URL on one of AUDIENCE_HOSTS, fetched each time.")
@click.option("--audience-id", type=ID, metavar="N", help="Or: a stored audience.")
@click.option("--when-missed", type=Words(["skip", "catch-up"]), default="skip", show_default=True,
              help="What becomes of occurrences that no worker was there to make.")  # fmt: skip
@click.option("--tolerance", type=int, default=15, show_default=True, metavar="MINUTES",
              help="What is later than that counts as missed.")  # fmt: skip
@_options_of_each
@click.option("--json", "as_json", is_flag=True, help="Print the schedule as one JSON object.")
def add(
    name: str, *, cron: str, timezone: str, when_missed: str, tolerance: int, as_json: bool, **asked: Any
) -> None:  # fmt: skip
    """Have a campaign made, named NAME, each time that a cron expression falls due.

    Its audience is read anew each time, by a worker. What is refused then is kept as a failed campaign that says why,
    and the next occurrence is made all the same. To add the same again changes nothing.
    """
    from campaigns import schedules
    from worker.console.schedule import looking

    audience = _audience(**{way: asked.pop(way) for way in ("file", "url", "audience_id")})
    fields = {**spec(**asked, at=None, timezone=None), "audience": audience}
    policy = when_missed.replace("-", "_")
    try:
        made = schedules.add(fields, name=name, cron=cron, timezone=timezone, when_missed=policy, tolerance=tolerance)
    except schedules.ScheduleError as refused:
        faults = "\n".join(f"  - {_fault(fault)}" for fault in refused.faults)
        raise click.ClickException(_("the schedule is refused:") + f"\n{faults}") from None
    looking.tell(made, _("schedule {name} is due next at {time}"), as_json=as_json)


def _audience(**ways: Any) -> dict[str, Any]:
    named = {("id" if way == "audience_id" else way): value for way, value in ways.items() if value is not None}
    if len(named) != 1:
        raise click.UsageError(_("say whom to text: --file, --url or --audience-id"))
    return named


def _fault(fault: str) -> str:
    place, colon, rest = fault.partition(":")
    if not place.replace("_", "").replace(".", "").isalpha():
        return fault
    return f"{_WORDS.get(place, '--' + place.replace('_', '-'))}{colon}{rest}"
