"""What a sandbox can be told, checked at once: who may use it, what becomes of messages, where it listens.

`CHANGEABLE` names what may still be changed while it runs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from worker.language import _
from worker.sandbox.faults import Fault
from worker.sandbox.outcomes import ENDS

DEFAULT_MIX = {"delivered": 0.93, "undelivered": 0.04, "network_error": 0.01, "rejected": 0.005, "silent": 0.015}

# Settings of the whole gateway. The others belong to an account, and can be changed there.
CHANGEABLE = frozenset({
    "mix", "delays", "steps", "lookup_dead", "lookup_silent", "price", "lookup_price", "refunds", "once_per_sms",
    "msgid_understood", "reports_per_reply", "empty_statut", "json_echo", "latency",
})  # fmt: skip
CHANGEABLE_OF_ACCOUNT = frozenset({"active", "enterprise", "may_send", "senders"})

# Settings come as JSON too, where anything can stand for anything.
_FLAGS = ("active", "enterprise", "may_send", "steps", "refunds", "once_per_sms", "msgid_understood", "json_echo")
_WHOLE = ("credits", "price", "lookup_price", "reports_per_reply", "empty_statut")
_NUMBERS = ("lookup_dead", "lookup_silent", "latency")

DEAREST = 1_000_000_000  # what any text costs at this price is kept in 64 bits
LATEST = 100 * 24 * 3600.0  # in ticks, it is kept in 32 bits


@dataclass(frozen=True, kw_only=True)
class SandboxOptions:
    """Everything has a default that suits a test. Raises ValueError naming every fault.

    accounts: login → password. credits, senders, country, active, enterprise (may look numbers up) and may_send are
        what each account starts with.
    mix: how messages end, by weight: delivered, undelivered, network_error, rejected, not_sent, no_credit, silent.
    delays: seconds from acceptance to the end, at least and at most; (0, 0) makes reports ready with the reply.
    steps: report the way there too (50, 65, 55, 61), not the end alone.
    lookup_dead, lookup_silent: the share of numbers that a lookup finds unreachable, or never answers for.
    price, lookup_price: credits for a segment, and for a number looked up.
    refunds: give the credits of unbilled ends (49, 54, 62) back, when they happen.
    once_per_sms: the harsher reading of "read once": an SMS once reported is never reported again.
    msgid_understood: the `msgfid` filter of getdlrs takes the client's own msgid as well.
    reports_per_reply: getdlrs hands out this many at most; the rest is for the next call.
    empty_statut: what getdlrs answers when there is nothing, -15 or 0.
    json_echo: the harsher reading of the `msgid` in a JSON reply to a send: the client's own, and no id of the sending.
    latency: seconds before the reply to each send (it is accepted before, not after).
    faults: what goes wrong from the start: see faults.py.
    ledger, ledger_fsync: append acceptances to this file as JSON lines, flushed (and forced to disk) before the reply.
    readings: append what each reading of reports was given to this file, as JSON lines: see readings.py.
    state: a file to remember everything in over a restart: see memory.py.
    max_body: bytes a request may have.
    tls_certificate, tls_key: files (PEM) to serve https with instead of http.
    port, port_file: 0 picks a free port; whichever it is, it is written to the file.
    """

    accounts: Mapping[str, str] = field(default_factory=lambda: {"demo": "demo"}, repr=False)
    credits: int = 1_000_000
    senders: tuple[str, ...] = ("DEMO",)
    country: str = "225"
    active: bool = True
    enterprise: bool = True
    may_send: bool = True
    seed: int = 1
    mix: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MIX))
    delays: tuple[float, float] = (0.5, 2.0)
    steps: bool = False
    lookup_dead: float = 0.1
    lookup_silent: float = 0.0
    price: int = 1
    lookup_price: int = 1
    refunds: bool = True
    once_per_sms: bool = False
    msgid_understood: bool = False
    reports_per_reply: int = 10_000
    empty_statut: int = -15
    json_echo: bool = False
    latency: float = 0.0
    faults: tuple[Fault, ...] = ()
    host: str = "127.0.0.1"
    port: int = 0
    port_file: Path | None = None
    ledger: Path | None = None
    ledger_fsync: bool = False
    readings: Path | None = None
    state: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    max_body: int = 16 * 1024 * 1024

    def __post_init__(self) -> None:
        faults = list(self._strangers()) or [fault for wrong, fault in self._checks() if wrong]
        if faults:
            raise ValueError("; ".join(faults))

    def _strangers(self) -> Iterator[str]:
        """What is nothing of its kind, so that it cannot even be compared."""
        yield from (
            _("{name} is true or false").format(name=name)
            for name in _FLAGS
            if not isinstance(getattr(self, name), bool)
        )
        yield from (
            _("{name} is a whole number").format(name=name) for name in _WHOLE if not is_whole(getattr(self, name))
        )
        yield from (
            _("{name} is a number").format(name=name) for name in _NUMBERS if not is_number(getattr(self, name))
        )
        if not isinstance(self.mix, Mapping) or not all(map(is_number, self.mix.values())):
            yield _("the mix is a weight for each name")
        if not isinstance(self.delays, list | tuple) or len(self.delays) != 2 or not all(map(is_number, self.delays)):
            yield _("delays are two numbers of seconds, the smaller first")
        if not isinstance(self.senders, list | tuple) or not all(isinstance(s, str) and s for s in self.senders):
            yield _("senders are a list of names")

    def _checks(self) -> list[tuple[bool, str]]:
        return [
            (not self.accounts, _("at least one account is needed")),
            (not all(self.accounts) or not all(self.accounts.values()), _("a login and a password cannot be empty")),
            (self.credits < 0, _("credits cannot be negative")),
            (not (self.country.isascii() and self.country.isdigit()), _("the country is its dialling code, as in 225")),
            (bool(set(self.mix) - set(ENDS)), _("the mix knows {names}").format(names=", ".join(ENDS))),
            (any(w < 0 for w in self.mix.values()) or sum(self.mix.values()) <= 0, _("the mix needs positive weights")),
            (not 0 <= self.delays[0] <= self.delays[1] <= LATEST,
             _("delays are two numbers of seconds, the smaller first, and {most} at most").format(most=int(LATEST))),
            (self.lookup_dead < 0 or self.lookup_silent < 0 or self.lookup_dead + self.lookup_silent > 1,
             _("the shares of a lookup lie between 0 and 1")),
            (not (0 <= self.price <= DEAREST and 0 <= self.lookup_price <= DEAREST),
             _("a price lies between 0 and {most}").format(most=DEAREST)),
            (self.reports_per_reply < 1, _("a reply must have room for one report")),
            (self.empty_statut not in (0, -15), _("an empty getdlrs answers 0 or -15")),
            (self.latency < 0, _("latency cannot be negative")),
            (self.tls_key is not None and self.tls_certificate is None, _("a TLS key needs its certificate")),
        ]  # fmt: skip


def is_whole(value: Any) -> bool:
    """Whether it is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a number that can be reckoned with."""
    return is_whole(value) or (isinstance(value, float) and isfinite(value))
