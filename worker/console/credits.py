"""`campaigns credits`: where the credits of an account are, and whether the gateway counts as we do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from worker.language import _

EPILOG = """\b
Examples:
  campaigns credits
  campaigns credits --account shop
  campaigns credits --json
"""


@click.command(epilog=EPILOG)
@click.option("--account", metavar="NAME", help="Only this account.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of objects.")
def credits(account: str | None, *, as_json: bool) -> None:  # noqa: A001  the command's name
    """Show what the gateway last said that an account has, what of it is promised to whom, and what is free.

    The drift is what the gateway counts more than our ledger does, at a moment when nothing was in the air. It asks the
    database alone: `campaigns balance` asks the gateway.
    """
    from campaigns.standing import standings
    from worker.console import screen
    from worker.console.known import require_account

    found = standings(account)
    if not found:
        require_account(account)
    if as_json:
        screen.print_json([asdict(standing) for standing in found])
        return
    if not found:
        unknown = _("nothing is known of any account yet: workers ask the gateway once they are at work")
        if account:
            unknown = _(
                "nothing is known of the account {account!r} yet: workers ask the gateway once they are at work"
            )
        raise click.ClickException(unknown.format(account=account))
    for place, standing in enumerate(found):
        if place:
            click.echo()
        _show(standing)


def _show(standing: Any) -> None:
    from worker.console import screen

    screen.out().print(screen.plain(_("Account {account}").format(account=standing.account), "bold"))
    table = screen.columns("", ("", "right"), "")
    table.show_header = False
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for row in _figures(standing):
        table.add_row(row[0], row[1], screen.plain(row[2]))
    screen.out().print(table)
    click.echo(drift_told(standing))
    if standing.readings:
        _show_readings(standing.readings)


def _figures(standing: Any) -> Iterator[tuple[str, str, str]]:
    from worker.console.screen import amount, moment

    if standing.balance is None:
        yield _("balance"), "?", _("the gateway was not asked yet")
    else:
        form = _("asked at {time}, expires {end}") if standing.expires_at else _("asked at {time}")
        end = moment(standing.expires_at) if standing.expires_at else ""
        yield _("balance"), amount(standing.balance), form.format(time=moment(standing.asked_at), end=end)
    yield _("held"), amount(standing.held), _("for what has not left")
    for share in standing.holders:
        yield "", amount(share.credits), _("campaign {id}, {name}").format(id=share.id, name=share.name)
    yield _("in the air"), amount(standing.in_the_air), ""
    yield _("in doubt"), amount(standing.in_doubt), _("see `campaigns doubts`") if standing.in_doubt else ""
    if standing.free is not None:
        why = _("by requests that were settled after the balance was asked")
        yield _("spent since"), amount(standing.spent_since), why if standing.spent_since else ""
        yield _("free"), amount(standing.free), ""
    for share in standing.waiting:
        yield _("short of"), amount(share.credits), _("campaign {id}, {name}").format(id=share.id, name=share.name)
    yield _("posted"), amount(standing.posted), _("taken by the gateway, until the last reading")
    yield _("refunded"), amount(standing.refunded), ""


def drift_told(standing: Any) -> str:
    """What the drift may mean, in a sentence."""
    from worker.console.screen import amount, moment

    if standing.drift is None:
        return _(
            "drift: not known: the gateway was not asked at a moment when nothing was in the air, or names no count"
        )
    told = {
        "since": moment(standing.drift_since),
        "until": moment(standing.drift_at),
        "credits": amount(abs(standing.drift)),
    }
    if standing.drift == 0:
        return _("drift: none: from {since} to {until} the gateway counted what our ledger did").format(**told)
    if standing.drift < 0 and -standing.drift <= standing.unread:
        return _(
            "drift: none that shows: at {until} the gateway counted {credits} less than our ledger, and {unread} may"
            " have come back whose reports were not read yet"
        ).format(**told, unread=amount(standing.unread))
    if standing.drift < 0:
        less = _("drift: from {since} to {until} the gateway counted {credits} less than our ledger: {why}")
        return less.format(**told, why=_("credits came back that no report has told us of yet"))
    more = _("drift: from {since} to {until} the gateway counted {credits} more than our ledger: {why}")
    return more.format(**told, why=_why_more(standing))


def _why_more(standing: Any) -> str:
    if standing.drift <= standing.in_doubt:
        return _("what is in doubt may explain it")
    return _(
        "what was written off or sent again was taken, or another program sends through this account, or a price"
        " differs (CREDIT_PRICES)"
    )


def _show_readings(readings: Any) -> None:
    from worker.console import screen

    figures = (_("credits"), _("consumed"), _("posted"), _("refunded"), _("unsettled"), _("drift"))
    heads: list[str | tuple[str, str]] = [_("asked at"), *[(name, "right") for name in figures]]
    rows = []
    for its in readings:
        row = (its.credits, its.consumed, its.posted, its.refunded, its.unsettled, its.drift)
        shown = ["" if figure is None else screen.amount(figure) for figure in row]
        rows.append([screen.moment(its.asked_at), *shown])
    screen.out().print(screen.fitting(heads, rows, spare=(5, 4, 3), title=_("Last readings")))
