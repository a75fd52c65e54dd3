"""What costs credits: said, agreed to, asked of the gateway once, and told: its receipt, or that nobody can know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from worker.console.consent import agreed
from worker.console.gateway.access import Access, Open

if TYPE_CHECKING:  # late: `--help` need not wait for it
    from worker.smseco import InDoubt, Receipt

IN_DOUBT = 3
"""The exit status that says: it was or may have been sent, do not repeat it blindly."""


class MayHaveBeenSentError(click.ClickException):
    """Nobody can know yet, or nobody was shown; the message says how to look, or what is known."""

    exit_code = IN_DOUBT


@dataclass(frozen=True)
class Order:
    """One request that costs credits.

    Attributes:
        msgid: our id of it; None if the gateway is not told one.
        asked: how many numbers it has.
        does: what it does, as a sentence.
        undone: what is true if it does not leave, as in `nothing was sent`.
        post: makes the request, once.
    """

    msgid: str | None
    asked: int
    does: str
    undone: str
    post: Callable[[], Receipt]

    @property
    def known_as(self) -> str:
        """Its msgid at the end of a sentence, if it has one."""
        return "" if self.msgid is None else f", msgid {self.msgid}"


def carry_out(order: Order, access: Access, its: Open, *, yes: bool, as_json: bool) -> None:
    """Say what it does, ask, do it, and show the receipt.

    Raises ClickException if it is not agreed to, MayHaveBeenSentError in doubt, GatewayError for any other failure.
    """
    from worker.console import screen

    before = _credits(its)
    has = "" if before is None else f", which has {screen.amount(before)} credits"
    who = f"By the account {its.name} at {its.host}{has}, in the form {its.form}{order.known_as}."
    agreed(what=f"{order.does}\n{who}", refused=order.undone, yes=yes)
    receipt = _posted(order, access, its, before)
    _told_whatever_happens(order, receipt, as_json=as_json)
    if not receipt.consistent:
        raise MayHaveBeenSentError(
            "the gateway's reply contradicts itself: a number that is not in the list may have been taken or not.\n"
            + _how_to_look(order, access, its, receipt.msgfid, before)
        )


def _posted(order: Order, access: Access, its: Open, before: Decimal | None) -> Receipt:
    from worker.smseco import InDoubt

    try:
        return order.post()
    except InDoubt as doubt:
        raise MayHaveBeenSentError(_told(doubt, order, access, its, before)) from None
    except KeyboardInterrupt:
        click.echo("\ninterrupted: it may have been sent. Do not repeat it blindly.", err=True)
        click.echo(_how_to_look(order, access, its, None, before), err=True)
        raise


def _told_whatever_happens(order: Order, receipt: Receipt, *, as_json: bool) -> None:
    """Show the receipt. Where that fails, it must not look as if nothing had been sent, to a script least of all."""
    try:
        _tell(order, receipt, as_json=as_json)
    except Exception as error:  # noqa: BLE001  a full disk, a reader that went away: whatever it is, it is sent
        why = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        raise MayHaveBeenSentError(
            f"the receipt cannot be shown ({why}), but the gateway took it: do not repeat it. "
            f"{len(receipt.destinations):,} of {order.asked:,} taken, msgfid {receipt.msgfid}{order.known_as}"
        ) from None


def _told(doubt: InDoubt, order: Order, access: Access, its: Open, before: Decimal | None) -> str:
    look = _how_to_look(order, access, its, doubt.msgfid, before)
    return f"in doubt ({doubt.reason}): it may have been sent, or not. Do not repeat it before you know.\n{look}"


def _how_to_look(order: Order, access: Access, its: Open, msgfid: str | None, before: Decimal | None) -> str:
    from worker.console.screen import amount

    try:
        after = _credits(its)
    except KeyboardInterrupt:  # all else has to be told all the same
        after = None
    reports = f"  campaigns gateway reports{access.again}"
    lines = ["How to look, without sending anything:"]
    if msgfid is not None:
        lines += [f"{reports} --msgfid {msgfid}"]
    elif order.msgid is not None:
        lines += [f"{reports} --msgfid {order.msgid}    (its msgid; not every gateway understands it)", reports]
    else:
        lines += [reports]
    lines += [f"  campaigns gateway balance{access.again}"]
    if before is not None and after is not None:
        proves = "if nobody else used the account, it was sent" if after < before else "that proves nothing yet"
        lines.append(f"The account had {amount(before)} credits before and has {amount(after)} now: {proves}.")
    return "\n".join(lines)


def _credits(its: Open) -> Decimal | None:
    """The account's; None if they cannot be had: they are evidence, and no condition."""
    from worker.smseco import GatewayError

    try:
        return its.gateway.balance().credits
    except GatewayError:
        return None


def _tell(order: Order, receipt: Receipt, *, as_json: bool) -> None:
    from worker.console import screen

    if as_json:
        screen.print_json({"msgid": order.msgid, **asdict(receipt)})
        return
    table = screen.columns("number", "smsfid", ("credits", "right"))
    for number, smsfid, cost in zip(receipt.destinations, receipt.smsfids, receipt.message_credits, strict=True):
        table.add_row(screen.plain(number), screen.plain(smsfid), "" if cost is None else screen.amount(cost))
    screen.out().print(table)
    left = "" if receipt.balance is None else f", {screen.amount(receipt.balance)} left"
    taken = f"{len(receipt.destinations):,} of {screen.counted(order.asked, 'number')} taken"
    total = f"{taken}, {screen.amount(receipt.credits)} credits{left}"
    screen.out().print(screen.plain(f"{total}; msgfid {receipt.msgfid}{order.known_as}"))
