"""`campaigns schedule list` and `show`: when each is due next, as the clocks of its zone show it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import click

from worker.language import N_, _, figure, weekday

LIST_EPILOG = """\b
Examples:
  campaigns schedule list
  campaigns schedule list --account shop --json
"""
SHOW_EPILOG = """\b
Example:
  campaigns schedule show lundi
"""

SLOTS = 3
"""So many of the next are shown."""


@click.command("list", epilog=LIST_EPILOG)
@click.option("--account", metavar="NAME", help="Only those of this account.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of objects.")
def listing(account: str | None, *, as_json: bool) -> None:
    """List schedules, whichever is due next first, and paused ones last."""
    from campaigns import schedules
    from worker.console import screen

    found = schedules.listing(account=account)
    if as_json:
        screen.print_json([vars(each) for each in found])
    elif found:
        _show(found)
    else:
        none = _("no schedule yet: `campaigns schedule add --help` says how to make one")
        if account is not None:
            none = _("no schedule of the account {account!r} yet: `campaigns schedule add --help` says how to make one")
        click.echo(none.format(account=account))


@click.command(epilog=SHOW_EPILOG)
@click.argument("name")
@click.option("--account", default="default", show_default=True, help="Whose it is.")
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
def show(name: str, account: str, *, as_json: bool) -> None:
    """Show a schedule: what it texts to whom, when it is due, and what became of the last occurrence."""
    from campaigns import schedules
    from worker.console import screen

    found = schedules.find(name, account=account)
    if as_json:
        screen.print_json(vars(found))
        return
    table = screen.columns(_("schedule"), found.name)
    for what, said in _lines(found):
        table.add_row(what, screen.plain(said))
    screen.out().print(table)


def tell(schedule: Any, said: str, *, as_json: bool) -> None:
    """What was done to a schedule (with {name}, and when it is due, {time}); as JSON, what it is now."""
    from worker.console import screen

    if as_json:
        screen.print_json(vars(schedule))
    else:
        screen.out().print(screen.plain(said.format(name=schedule.name, time=due(schedule))))


def due(schedule: Any) -> str:
    """When it is due next, in its zone; or that it is paused."""
    return _("paused") if schedule.paused_at is not None else in_its_zone(schedule, schedule.next_at)


def in_its_zone(schedule: Any, moment: datetime | None) -> str:
    """A time as the clocks of its zone show it: `Mon 2026-12-07 09:00 Africa/Abidjan`."""
    from campaigns.clocks import zone

    if moment is None:
        return ""
    there = moment.astimezone(zone(schedule.timezone))
    return f"{weekday(there)} {there:%Y-%m-%d %H:%M} {schedule.timezone}"


def _show(found: Sequence[Any]) -> None:
    from campaigns.reasons import retold
    from worker.console import screen

    table = screen.columns(_("name"), _("next due"), "cron", _("account"), _("last"), _("what became of it"))
    for each in found:
        became = retold(each.last_outcome or "")
        if each.asked_at is not None:
            became = _("one is asked for now, and no worker has made it yet")
        shown = (each.name, due(each), each.cron, each.account, in_its_zone(each, each.last_at), became)
        table.add_row(*[screen.plain(cell) for cell in shown])
    screen.out().print(table)


def _lines(found: Any) -> list[tuple[str, str]]:
    from campaigns.reasons import retold
    from campaigns.recurrence import Recurrence

    following = Recurrence(found.cron, found.timezone).after(found.next_at)
    slots = [found.next_at, *islice(following, SLOTS - 1)]
    lines = [
        (_("account"), found.account),
        ("cron", f"{found.cron} ({found.timezone})"),
        *[(_("then") if place else _("due next"), in_its_zone(found, slot)) for place, slot in enumerate(slots)],
        (_("paused"), in_its_zone(found, found.paused_at)),
        (_("asked for"), in_its_zone(found, found.asked_at)),
        (_("last"), in_its_zone(found, found.last_at)),
        (_("what became of it"), retold(found.last_outcome or "")),
        (_("missed"), figure(found.missed)),
        (_("when missed"), _when_missed(found)),
        *[(str(option), str(value)) for option, value in found.spec.items() if option != "account"],
    ]
    return [line for line in lines if line[1]]


def _when_missed(found: Any) -> str:
    what = {"skip": N_("skipped, after {minutes} minutes"), "catch_up": N_("caught up with, after {minutes} minutes")}
    return _(what[found.when_missed]).format(minutes=figure(found.tolerance))
