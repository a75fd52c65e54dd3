"""What goes in and out of the gateway as values, whatever form they travel in.

A wire form reads a body into one of the calls and writes one of the answers; it decides nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from worker.sandbox.sendings import Sending

Recipient = tuple[str, list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """`compte` of every request; empty where the request named none."""

    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SendCall:
    """A send or a mail merge (I and II). A recipient is a raw number with its (name, value) pairs, in their order.

    `options` holds what else was asked for, as it came, by the vendor's names: flash, binaire, mwi, pid, rpi, alt_dcs,
    udhdata. They are recorded and change nothing: what phones do with them is not said.
    """

    msgid: str
    sender: str
    text: str
    unicode: bool
    datesend: str
    recipients: list[Recipient]
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LookupCall:
    """A number lookup (V)."""

    msgid: str
    numbers: list[str]


@dataclass(frozen=True, slots=True)
class ReportsCall:
    """A request for delivery reports (III); an empty filter filters nothing."""

    msgfid: str
    smsfid: str


@dataclass(frozen=True, slots=True)
class BalanceCall:
    """The balance (IV-1): who asks is all there is to say."""


@dataclass(frozen=True, slots=True)
class SendersCall:
    """The sender names (IV-2): who asks is all there is to say."""


Call = SendCall | LookupCall | ReportsCall | BalanceCall | SendersCall


@dataclass(frozen=True, slots=True)
class Accepted:
    """A send or a lookup was taken: what was recorded, the segments in it, and the credits left.

    `json_echo` is the option of that name, for the one form that it is about.
    """

    sending: Sending
    segments: int
    solde: int
    json_echo: bool = False


@dataclass(frozen=True, slots=True)
class ReportsAnswer:
    """Reports by sending: msgfid, then (smsfid, destination, date, statut) of each."""

    accountid: str
    groups: list[tuple[str, list[tuple[str, int, str, int]]]]


@dataclass(frozen=True, slots=True)
class BalanceAnswer:
    """Credits left, the day they end, and what was consumed so far, net of refunds."""

    accountid: str
    credits: int
    expire: str
    cumul: int


@dataclass(frozen=True, slots=True)
class SendersAnswer:
    """The registered sender names."""

    accountid: str
    senders: Iterable[str]


Answer = Accepted | ReportsAnswer | BalanceAnswer | SendersAnswer
