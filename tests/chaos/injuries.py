"""The kinds of injuries, as makers of scenarios: a line of the table calls one of these."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.deeds import Deed, slowly
from tests.chaos.rounds import Round, Scenario
from tests.servers.ways import SERVER, Line, Toward, Verdict, Way

STALLS = frozenset({"stalled"})
PAST_THE_LEASE = 15.0  # seconds
LOOKED_UP = {"lookup": {"unknown": "send"}}


def _struck(this: Round) -> int:
    return int(this.struck() is not None)


def _hurt(this: Round) -> int:
    return this.hurt


def _heal(this: Round) -> None:
    this.where.between.heal()


def killed(
    point: str,
    says: str,
    *,
    passings: int = 1,
    deeds: Iterable[str] = ("kill", "kill_all"),
    also: Deed | None = None,
    **more: Any,
) -> Scenario:
    """A process, or the whole worker, is killed -9 where it passes a point for the n-th time: n is drawn."""

    def before(this: Round) -> None:
        if also:
            also(this)
        this.left["deed"] = this.dice.choice(list(deeds))
        this.arm(point, this.left["deed"], this.dice.randint(1, passings))

    return Scenario("kills", says, _struck, before=before, point=point, **more)


def stopped(
    point: str, says: str, *, passings: int = 3, deeds: Iterable[str] = ("stop", "stop_all"), **more: Any
) -> Scenario:
    """It is stopped there by SIGSTOP for longer than its lease, and goes on as if nothing had been."""

    def before(this: Round) -> None:
        this.left["deed"] = this.dice.choice(list(deeds))
        this.arm(point, this.left["deed"], this.dice.randint(1, passings))

    def mend(this: Round) -> None:
        struck = this.struck()
        assert struck is not None
        if this.left["deed"] == "stop_all":
            os.killpg(struck.group, signal.SIGCONT)
        else:
            os.kill(struck.pid, signal.SIGCONT)

    return Scenario("time", says, _struck, before=before, lasts=PAST_THE_LEASE, mend=mend, point=point, **more)


def stands_still(name: str, says: str) -> Scenario:
    """A whole process group is stopped in the middle of the sending, and goes on after the lease."""

    def during(this: Round) -> None:
        this.signal(name, signal.SIGSTOP)
        this.hurt += 1

    def mend(this: Round) -> None:
        this.signal(name, signal.SIGCONT)

    return Scenario("time", says, _hurt, slowly, during=during, lasts=PAST_THE_LEASE, mend=mend, ends=STALLS)


@dataclass(eq=False)
class Strikes(Way):
    """What is done once each to requests of one kind, `times` of them in all; all else passes.

    to: bytes of the request's head. how: `body` cuts in the middle of what the client sends after its head, `reply` in
    the middle of what comes back, `silence` lets nothing come back.
    """

    to: bytes
    how: str
    times: int = 1
    reset: bool = False
    struck: int = 0
    meant: set[Line] = field(default_factory=set)

    def of(self, line: Line, toward: Toward, piece: bytes) -> Verdict:
        if toward is SERVER:
            return self._asked(line, piece)
        if line not in self.meant:
            return Verdict(piece)
        if self.how == "silence":
            return Verdict(b"")
        return Verdict(piece[: len(piece) // 2], cut=True, reset=self.reset)

    def _asked(self, line: Line, piece: bytes) -> Verdict:
        begins = self.to in piece
        if begins and self.struck < self.times and line not in self.meant:
            self.struck += 1
            self.meant.add(line)
        if self.how != "body" or line not in self.meant:
            return Verdict(piece)
        head = piece.find(b"\r\n\r\n") + 4 if begins else 0
        body = len(piece) - head
        return Verdict(piece[: head + body // 2], cut=True, reset=self.reset) if body else Verdict(piece)


def network(says: str, to: bytes, how: str, *, reset: bool = False, lasts: float = 0.5, **more: Any) -> Scenario:
    """The proxy spoils what goes to the gateway, or what comes back."""

    def before(this: Round) -> None:
        this.left["way"] = Strikes(to, how, this.dice.randint(1, 2), reset)
        this.where.between.all(this.left["way"])

    def injured(this: Round) -> int:
        return int(this.left["way"].struck)

    return Scenario("network", says, injured, before=before, lasts=lasts, mend=_heal, **more)


def connections(says: str, begin: Deed, *, lasts: float, **more: Any) -> Scenario:
    """Something is done to all connections to the gateway in the middle of the sending, and healed."""

    def during(this: Round) -> None:
        begin(this)
        this.hurt += 1

    return Scenario("network", says, _hurt, slowly, during=during, lasts=lasts, mend=_heal, ends=STALLS, **more)


def gateway(fault: str, says: str, *, most: int = 2, also: Deed | None = None, **more: Any) -> Scenario:
    """A fault of the sandbox strikes so often."""
    how = {name: more.pop(name) for name in ("operation", "seconds", "code") if name in more}

    def before(this: Round) -> None:
        if also:
            also(this)
        this.gateway.sandbox.fault(fault, count=this.dice.randint(1, most), **how)

    return Scenario("gateway", says, lambda this: this.faults(fault), before=before, fault=fault, **more)


def during(kind: str, says: str, deed: Deed, **more: Any) -> Scenario:
    """The runner does something by itself in the middle of the sending; the deed says by `hurt` that it did."""
    return Scenario(kind, says, _hurt, slowly, during=deed, **more)


def refused_with(code: int, says: str, mend: Deed, *, end: str, count: int = 1) -> Scenario:
    """The gateway refuses sends with a code, and a person does what it asks for."""

    def stopped_here(this: Round) -> int:
        return this.faults("refuse") if end in this.ends() else 0

    def before(this: Round) -> None:
        slowly(this)
        this.gateway.sandbox.fault("refuse", operation="send", count=count, code=code)

    def mended(this: Round) -> None:
        this.gateway.sandbox.fault("refuse", count=0)
        mend(this)

    return Scenario("gateway", says, stopped_here, before=before, mend=mended, fault="refuse")
