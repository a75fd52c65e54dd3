"""`campaigns credits`: where the credits of an account are, and whether the gateway counts as we do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

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
        which = f"the account {account!r}" if account else "any account"
        raise click.ClickException(f"nothing is known of {which} yet: workers ask the gateway once they are at work")
    for place, standing in enumerate(found):
        if place:
            click.echo()
        _show(standing)


def _show(standing: Any) -> None:
    from worker.console import screen

    screen.out().print(screen.plain(f"Account {standing.account}", "bold"))
    table = screen.columns("", ("", "right"), "")
    table.show_header = False
    for row in _figures(standing):
        table.add_row(row[0], row[1], screen.plain(row[2]))
    screen.out().print(table)
    click.echo(drift_told(standing))
    if standing.readings:
        _show_readings(standing.readings)


def _figures(standing: Any) -> Iterator[tuple[str, str, str]]:
    from worker.console.screen import amount, moment

    if standing.balance is None:
        yield "balance", "?", "the gateway was not asked yet"
    else:
        expires = f", expires {moment(standing.expires_at)}" if standing.expires_at else ""
        yield "balance", amount(standing.balance), f"asked at {moment(standing.asked_at)}{expires}"
    yield "held", amount(standing.held), "for what has not left"
    for share in standing.holders:
        yield "", amount(share.credits), f"campaign {share.id}, {share.name}"
    yield "in the air", amount(standing.in_the_air), ""
    yield "in doubt", amount(standing.in_doubt), "see `campaigns doubts`" if standing.in_doubt else ""
    if standing.free is not None:
        yield "free", amount(standing.free), ""
    for share in standing.waiting:
        yield "short of", amount(share.credits), f"campaign {share.id}, {share.name}"
    yield "posted", amount(standing.posted), "taken by the gateway, until the last reading"
    yield "refunded", amount(standing.refunded), ""


def drift_told(standing: Any) -> str:
    """What the drift may mean, in a sentence."""
    from worker.console.screen import amount, moment

    if standing.drift is None:
        return "drift: not known: the gateway was not asked at a moment when nothing was in the air, or names no count"
    since, at = moment(standing.drift_since), moment(standing.drift_at)
    if standing.drift == 0:
        return f"drift: none: from {since} to {at} the gateway counted what our ledger did"
    counted = f"{amount(abs(standing.drift))} {'more' if standing.drift > 0 else 'less'} than our ledger"
    if standing.drift < 0:
        why = "credits came back that no report has told us of yet"
    elif standing.drift <= standing.in_doubt:
        why = "what is in doubt may explain it"
    else:
        why = (
            "what was written off or sent again was taken, or another program sends through this account, or a price"
            " differs (CREDIT_PRICES)"
        )
    return f"drift: from {since} to {at} the gateway counted {counted}: {why}"


def _show_readings(readings: Any) -> None:
    from worker.console import screen

    right = [(name, "right") for name in ("credits", "consumed", "posted", "refunded", "unsettled", "drift")]
    table = screen.columns("asked at", *right, title="Last readings")
    for its in readings:
        figures = (its.credits, its.consumed, its.posted, its.refunded, its.unsettled, its.drift)
        shown = ["" if figure is None else screen.amount(figure) for figure in figures]
        table.add_row(screen.moment(its.asked_at), *shown)
    screen.out().print(table)
