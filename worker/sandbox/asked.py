"""A request as any form reads it, and the call that is made of it.

A form only finds the texts; which of them an operation needs, and which blanks count, is said here, once for all forms.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from worker.sandbox.calls import (
    BalanceCall,
    Call,
    Credentials,
    LookupCall,
    Recipient,
    ReportsCall,
    SendCall,
    SendersCall,
)
from worker.sandbox.codes import Refused

OPTIONS = ("flash", "binaire", "mwi", "pid", "rpi", "alt_dcs", "udhdata")


@dataclass(frozen=True, slots=True)
class Asked:
    """The texts of a request by the vendor's names: those of `compte`, those of `message`, and the recipients."""

    account: Mapping[str, str] = field(default_factory=dict, repr=False)
    message: Mapping[str, str] = field(default_factory=dict, repr=False)
    recipients: list[Recipient] = field(default_factory=list, repr=False)


def call_for(operation: str, asked: Asked) -> tuple[Credentials, Call]:
    """Who asks, and what. Raises Refused(-14) for an unknown operation."""
    make = _CALLS.get(operation)
    if make is None:
        raise Refused(-14)
    return Credentials(_word(asked.account, "login"), asked.account.get("password", "")), make(asked)


def _send(asked: Asked) -> SendCall:
    message = asked.message
    return SendCall(
        msgid=_word(message, "msgid"),
        sender=_word(message, "expediteur"),
        text=message.get("msg", ""),
        unicode=_word(message, "unicode") == "1",
        datesend=_word(message, "datesend"),
        recipients=asked.recipients,
        options={name: word for name in OPTIONS if (word := _word(message, name))},
    )


_CALLS: dict[str, Callable[[Asked], Call]] = {
    "send": _send,
    "lookup": lambda asked: LookupCall(_word(asked.message, "msgid"), [number for number, _ in asked.recipients]),
    "reports": lambda asked: ReportsCall(_word(asked.message, "msgfid"), _word(asked.message, "smsfid")),
    "balance": lambda _: BalanceCall(),
    "senders": lambda _: SendersCall(),
}


def _word(texts: Mapping[str, str], name: str) -> str:
    return texts.get(name, "").strip()
