"""`campaigns gateway lookup`: whether numbers are reachable."""

from __future__ import annotations

import click

from worker.console.gateway.access import Access, asking
from worker.console.gateway.message import fresh_msgid
from worker.language import N_, _, figure, ngettext

HAS_NO_MSGID = "get"
"""The form that leaves a lookup's msgid out: nothing can be asked for by it."""

EPILOG = """\b
Example:
  campaigns gateway lookup 2250708091011 2250505060708
  campaigns gateway reports --msgfid 55857bdb8d51b7-38880789

The exit status is 3 if the reply was lost or cannot be shown, or if Ctrl-C came while the gateway was asked: it may
have been paid for then, and must not be repeated blindly.
"""

NOBODY = N_("none of these numbers is reachable; or they lack a country code, where it is not the account's own")


@click.command(epilog=EPILOG)
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True)
@click.option("--msgid", metavar="ID", help="Your own id of it.  [default: a fresh one]")
@click.option("--yes", is_flag=True, help="Do not ask: it is agreed to.")
@asking
def lookup(access: Access, *, numbers: tuple[str, ...], msgid: str | None, yes: bool, as_json: bool) -> None:
    """Ask the network whether numbers are reachable (HLR). It costs credits, and texts nobody.

    The answers come as delivery reports: 56 is reachable. A number that is not taken is not reachable: if none is, the
    gateway refuses them all (-9), and the exit status is 1.
    """
    from worker.console.advice import refusal
    from worker.console.gateway.digits import digits
    from worker.console.gateway.message import first_of
    from worker.console.gateway.paid import LOOKED_UP, Order, carry_out
    from worker.smseco import Refused

    if access.form == HAS_NO_MSGID and msgid is not None:
        wrong = _("the form {form} has no place for the msgid of a lookup: choose xml")
        raise click.UsageError(wrong.format(form=HAS_NO_MSGID))
    msgid = msgid or fresh_msgid()
    asked = [digits(number) for number in numbers]
    with access.opened() as its:
        its.check(lambda form, credentials: form.lookup_request(credentials, msgid, asked))
        order = Order(
            None if access.form == HAS_NO_MSGID else msgid,
            asked,
            does=ngettext("This looks up {count} number.", "This looks up {count} numbers.", len(asked)).format(
                count=figure(len(asked))
            ),
            says=LOOKED_UP,
            post=lambda: its.gateway.lookup(msgid, asked),
            shows=first_of(asked),
            left_out=N_("not taken, and so not reachable: {numbers}"),
        )
        try:
            carry_out(order, access, its, yes=yes, as_json=as_json)
        except Refused as refused:
            if refused.name != "no_valid_recipient":
                raise
            raise click.ClickException(refusal(refused, remedy=_(NOBODY))) from None
