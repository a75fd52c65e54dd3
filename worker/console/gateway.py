"""`campaigns balance` and `campaigns senders`: two questions to the gateway, with an account of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

BALANCE_EPILOG = """\b
Examples:
  campaigns balance
  campaigns balance --account shop --json
"""
SENDERS_EPILOG = """\b
Examples:
  campaigns senders
  campaigns senders --account shop --json
"""

_ACCOUNT = click.option("--account", default="default", show_default=True, help="Which account of the settings.")


@click.command(epilog=BALANCE_EPILOG)
@_ACCOUNT
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def balance(account: str, *, as_json: bool) -> None:
    """Ask the gateway how many credits an account has left."""
    from worker.console import screen

    with _gateway(account) as gateway:
        found = gateway.balance()
    if as_json:
        figures = {"credits": found.credits, "consumed": found.consumed, "expires": found.expires}
        screen.print_json({"account": account, "account_id": found.account_id, **figures})
        return
    table = screen.columns("account", ("credits", "right"), ("consumed", "right"), "expires")
    consumed = "" if found.consumed is None else screen.amount(found.consumed)
    expires = "" if found.expires is None else screen.moment(found.expires)
    table.add_row(screen.plain(account), screen.amount(found.credits), consumed, expires)
    screen.out().print(table)


@click.command(epilog=SENDERS_EPILOG)
@_ACCOUNT
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of names.")
def senders(account: str, *, as_json: bool) -> None:
    """Ask the gateway which sender names an account has registered. A campaign's sender must be one of them."""
    from worker.console import screen

    with _gateway(account) as gateway:
        names = gateway.senders()
    if as_json:
        screen.print_json(names)
        return
    for name in names:
        screen.out().print(screen.plain(name))
    if not names:
        click.echo(f"the account {account} has registered no sender name: ask the gateway's operator", err=True)


@contextmanager
def _gateway(account: str) -> Iterator[Any]:
    """A client for the account; raises BadParameter for one that the settings do not have."""
    from worker.settings import settings

    if account not in settings().accounts:
        known = ", ".join(settings().accounts)
        raise click.BadParameter(
            f"the settings have no account {account!r}; there are: {known}", param_hint="--account"
        )
    with settings().gateway(account) as gateway:
        yield gateway
