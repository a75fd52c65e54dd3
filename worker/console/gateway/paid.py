"""What costs credits: said, agreed to, asked of the gateway once, and told: its receipt, or that nobody can know."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from worker.console.consent import agreed
from worker.console.gateway.access import Access, Open
from worker.console.gateway.taken import left_out, repeated
from worker.language import N_, _, figure

if TYPE_CHECKING:  # late: `--help` need not wait for it
    from worker.smseco import Receipt

IN_DOUBT = 3
"""The exit status that says: it was or may have been sent, do not repeat it blindly."""


class MayHaveBeenSentError(click.ClickException):
    """Nobody can know yet, or nobody was shown; the message says how to look, or what is known."""

    exit_code = IN_DOUBT


@dataclass(frozen=True)
class Sayings:
    """What is said of a request, by what it does: whole sentences, because languages build them differently."""

    nothing: str
    in_doubt: str
    interrupted: str
    proved: str


SENT = Sayings(
    nothing=N_("nothing was sent"),
    in_doubt=N_("in doubt ({reason}): it may have been sent, or not. Do not repeat it before you know."),
    interrupted=N_("interrupted: it may have been sent. Do not repeat it blindly."),
    proved=N_("if nobody else used the account, it was sent"),
)
LOOKED_UP = Sayings(
    nothing=N_("nothing was looked up"),
    in_doubt=N_("in doubt ({reason}): it may have been looked up, or not. Do not repeat it before you know."),
    interrupted=N_("interrupted: it may have been looked up. Do not repeat it blindly."),
    proved=N_("if nobody else used the account, it was looked up"),
)


@dataclass(frozen=True)
class Order:
    """One request that costs credits.

    Attributes:
        msgid: our id of it; None if the gateway is not told one.
        asked: the numbers, as they are asked for.
        does: what it does, in whole sentences.
        says: what is said of what became of it.
        post: makes the request, once.
        shows: what is shown of texts and numbers to whoever is asked.
        left_out: what it says of numbers that they are not in the receipt.
    """

    msgid: str | None
    asked: Sequence[str] = field(repr=False)
    does: str
    says: Sayings
    post: Callable[[], Receipt]
    shows: str = field(default="", repr=False)
    left_out: str = N_("not taken: {numbers}")

    @property
    def known_as(self) -> str:
        """Its msgid at the end of a sentence, if it has one."""
        return "" if self.msgid is None else _(", msgid {msgid}").format(msgid=self.msgid)


@dataclass(frozen=True)
class Doubt:
    """What is known where nobody can know what became of a request.

    Attributes:
        reason: why, in our words.
        msgfid: the gateway's id of it, if an unusable reply showed one.
        told: what to tell a person of it.
    """

    reason: str
    msgfid: str | None
    told: str


def carry_out(order: Order, access: Access, its: Open, *, yes: bool, as_json: bool) -> None:
    """Say what it does, ask, do it, and show the receipt; in doubt, what is known, for a script as one JSON object.

    Raises ClickException if it is not agreed to, MayHaveBeenSentError in doubt, GatewayError for any other failure.
    """
    from worker.console import screen

    before = _credits(its)
    who = (
        _("By the account {account} at {host}, in the form {form}{msgid}.")
        if before is None
        else _("By the account {account} at {host}, which has {credits}, in the form {form}{msgid}.")
    ).format(
        account=its.name,
        host=its.host,
        credits="" if before is None else screen.credit(before),
        form=its.form,
        msgid=order.known_as,
    )
    agreed(what=f"{order.does}{_twice(order)}\n{who}", refused=_(order.says.nothing), yes=yes, shows=order.shows)
    receipt = _posted(order, access, its, before, as_json=as_json)
    _told_whatever_happens(order, receipt, as_json=as_json)
    if not receipt.consistent:
        raise MayHaveBeenSentError(
            _("the gateway's reply contradicts itself: a number that is not in the list may have been taken or not.")
            + "\n"
            + _how_to_look(order, access, its, receipt.msgfid, before)
        )


def _twice(order: Order) -> str:
    again = repeated(order.asked)
    if not again:
        return ""
    said = _("Repeated numbers, each of which gets one message from one request: {count}.")
    return "\n" + said.format(count=figure(again))


def _posted(order: Order, access: Access, its: Open, before: Decimal | None, *, as_json: bool) -> Receipt:
    from campaigns.reasons import retold
    from worker.smseco import InDoubt

    try:
        return order.post()
    except InDoubt as in_doubt:
        told = _(order.says.in_doubt).format(reason=retold(in_doubt.reason))
        doubt = Doubt(in_doubt.reason, in_doubt.msgfid, told)
    except KeyboardInterrupt:  # an exit status that says no more than this would not keep a script from sending again
        told = _(order.says.interrupted)
        doubt = Doubt("interrupted", None, told)
        click.echo(f"\n{told}", err=True)  # at once: what follows asks the gateway
    if as_json:
        _noted(doubt, order)
    raise MayHaveBeenSentError(f"{doubt.told}\n{_how_to_look(order, access, its, doubt.msgfid, before)}")


def _noted(doubt: Doubt, order: Order) -> None:
    """For a script. Where it cannot be had, the exit status says the same."""
    from worker.console import screen

    with suppress(OSError):
        screen.print_json(
            {"in_doubt": True, "reason": doubt.reason, "msgid": order.msgid, "msgfid": doubt.msgfid},
        )


def _told_whatever_happens(order: Order, receipt: Receipt, *, as_json: bool) -> None:
    """Show the receipt. Where that fails, it must not look as if nothing had been sent, to a script least of all."""
    from campaigns.reasons import retold

    try:
        _tell(order, receipt, as_json=as_json)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  a full disk, a reader that went away: it is sent
        why = retold((isinstance(error, OSError) and error.strerror) or type(error).__name__)
        why = _("interrupted") if isinstance(error, KeyboardInterrupt) else why
        said = _(
            "the receipt cannot be shown ({reason}), but the gateway took it: do not repeat it. "
            "{taken} of {asked} taken, msgfid {msgfid}{msgid}"
        ).format(
            reason=why,
            taken=figure(len(receipt.destinations)),
            asked=figure(len(order.asked)),
            msgfid=receipt.msgfid,
            msgid=order.known_as,
        )
        raise MayHaveBeenSentError(said) from None


def _how_to_look(order: Order, access: Access, its: Open, msgfid: str | None, before: Decimal | None) -> str:
    from worker.console.screen import amount, plain

    try:
        after = _credits(its)
    except KeyboardInterrupt:  # all else has to be told all the same
        after = None
    lines = [_("How to look, without sending anything:"), f"  campaigns gateway balance{access.again}"]
    if before is not None and after is not None:
        proves = _(order.says.proved) if after < before else _("that proves nothing yet")
        told = _("The account had {before} credits before and has {after} now: {proves}.")
        lines.append(told.format(before=amount(before), after=amount(after), proves=proves))
    reports = f"  campaigns gateway reports{access.again}"
    if msgfid is not None:
        return "\n".join([*lines, f"{reports} --msgfid {shlex.quote(plain(msgfid).plain)}"])
    if order.msgid is not None:
        understood = _("By its msgid, which not every gateway understands, so that finding none proves nothing:")
        lines += [understood, f"{reports} --msgfid {order.msgid}"]
    lines += [_("All reports that there are; each is handed out only once:"), reports]
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

    missing = left_out(order.asked, receipt.destinations) if receipt.consistent else None
    if as_json:
        screen.print_json(
            {"msgid": order.msgid, **asdict(receipt), "not_taken": missing, "in_doubt": not receipt.consistent}
        )
        return
    table = screen.columns(_("number"), "smsfid", (_("credits"), "right"))
    for number, smsfid, cost in zip(receipt.destinations, receipt.smsfids, receipt.message_credits, strict=True):
        table.add_row(screen.plain(number), screen.plain(smsfid), "" if cost is None else screen.amount(cost))
    screen.out().print(table)
    screen.out().print(screen.plain(_summed_up(order, receipt)))
    if again := repeated(order.asked):
        said = _("repeated: {count} (a number gets one message from one request)")
        screen.out().print(said.format(count=figure(again)))
    if missing:
        screen.out().print(screen.plain(_(order.left_out).format(numbers=", ".join(missing))))


def _summed_up(order: Order, receipt: Receipt) -> str:
    from worker.console import screen

    said = (
        _("{taken} of {numbers} taken, {credits}; msgfid {msgfid}{msgid}")
        if receipt.balance is None
        else _("{taken} of {numbers} taken, {credits}, {balance} left; msgfid {msgfid}{msgid}")
    )
    return said.format(
        taken=figure(len(receipt.destinations)),
        numbers=screen.counted(len(order.asked), "number"),
        credits=screen.credit(receipt.credits),
        balance="" if receipt.balance is None else screen.amount(receipt.balance),
        msgfid=receipt.msgfid,
        msgid=order.known_as,
    )
