"""`balance` and `senders`: two questions to the gateway, which cost nothing. `campaigns balance` is the same one."""

from __future__ import annotations

import click

from worker.console.gateway.access import Access, asking
from worker.language import _

BALANCE_EPILOG = """\b
Examples:
  campaigns balance
  campaigns balance --account shop --json
  campaigns gateway balance --form soap
"""
SENDERS_EPILOG = """\b
Examples:
  campaigns senders
  campaigns senders --account shop --json
  campaigns gateway senders --url https://sms.example/client/42/fr --login you@example.com
"""


@click.command(epilog=BALANCE_EPILOG)
@asking
def balance(access: Access, *, as_json: bool) -> None:
    """Ask the gateway how many credits an account has left."""
    from worker.console import screen

    with access.opened() as its:
        found = its.gateway.balance()
    if as_json:
        figures = {"credits": found.credits, "consumed": found.consumed, "expires": found.expires}
        screen.print_json({"account": its.account, "account_id": found.account_id, **figures})
        return
    table = screen.columns(_("account"), (_("credits"), "right"), (_("consumed"), "right"), _("expires"))
    consumed = "" if found.consumed is None else screen.amount(found.consumed)
    expires = "" if found.expires is None else screen.moment(found.expires)
    name = its.account or found.account_id
    table.add_row(screen.plain(name), screen.amount(found.credits), consumed, expires)
    screen.out().print(table)


@click.command(epilog=SENDERS_EPILOG)
@asking
def senders(access: Access, *, as_json: bool) -> None:
    """Ask the gateway which sender names an account has registered. A campaign's sender must be one of them."""
    from worker.console import screen

    with access.opened() as its:
        names = its.gateway.senders()
    if as_json:
        screen.print_json(names)
        return
    for name in names:
        screen.out().print(screen.plain(name))
    if not names:
        nobody = _("the account {account} has registered no sender name: ask the gateway's operator")
        click.echo(nobody.format(account=its.name), err=True)
