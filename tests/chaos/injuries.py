"""What can be done to a field, as makers of scenarios: a line of the table calls one of these."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.chaos.rounds import Round, Scenario
from tests.servers.ways import SERVER, Line, Toward, Verdict, Way
from tests.system.test_clocks import SHIFTED

STALLS = frozenset({"stalled"})
PAST_THE_LEASE = 15.0  # seconds
TWO_PRODUCERS = ("producer", "other")
LOOKED_UP = {"lookup": {"unknown": "send"}}

Deed = Callable[[Round], object]


def _struck(this: Round) -> int:
    return int(this.struck() is not None)


def _hurt(this: Round) -> int:
    return this.hurt


def _heal(this: Round) -> None:
    this.where.between.heal()


def slowly(this: Round) -> None:
    """So that there is a middle of the sending."""
    this.gateway.sandbox.settings(latency=this.dice.uniform(0.1, 0.3))


def spread(this: Round) -> None:
    """So that reports come in several readings."""
    slowly(this)
    this.gateway.sandbox.settings(delays=(0.05, 2.5))


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
        this.arm(point, this.dice.choice(list(deeds)), this.dice.randint(1, passings))

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


def repeated(deed: Deed, times: int, every: float) -> Deed:
    """A deed done several times."""

    def do(this: Round) -> None:
        for _ in range(times):
            deed(this)
            this.wait(every)

    return do


def flush(this: Round) -> None:
    """FLUSHALL."""
    this.where.site.flush()
    this.hurt += 1


def broker_dies(this: Round, *, away: float = 0.0) -> None:
    """The broker is killed -9, and is back after a while."""
    this.where.kill_broker()
    this.wait(away)
    this.where.start_broker()
    this.hurt += 1


def connections_cut(this: Round) -> None:
    """Every connection to the database is ended."""
    this.hurt += this.where.cut_connections()


def database_crashes(this: Round) -> None:
    """The database is killed -9, and recovers."""
    this.until(lambda: _crashed(this), what="the database crashes", within=20)
    this.hurt += 1


def _crashed(this: Round) -> bool:
    this.where.crash_database()
    return True


def process_dies(name: str, this: Round) -> None:
    """A process and all that it started are killed -9."""
    this.signal(name, signal.SIGKILL)
    this.hurt += 1


def gateway_dies(this: Round, *, away: float = 0.0) -> None:
    """The process of the gateway is killed -9, and started again after a while, with what is on its disk."""
    this.where.mortal.kill()
    this.hurt += 1
    this.wait(away)
    this.where.mortal.start()


def all_die(this: Round) -> None:
    """Everything at once, but the gateway."""
    for name in ("worker", "beat"):
        process_dies(name, this)
    broker_dies(this)
    database_crashes(this)


def one_more(name: str, *, hostname: str = "worker") -> Deed:
    """One process more of a kind that there should be one of."""

    def start(this: Round) -> None:
        log = this.where.site.log(name)
        this.where.start(name, hostname=hostname)
        says = f"{hostname}@here ready." if "worker" in name else "is starting."
        this.until(lambda: says in this.where.site.log(name)[len(log) :], what=f"{name} is ready", within=30)
        this.hurt += 1

    return start


def elsewhere_in_time(this: Round) -> None:
    """The one worker is of a host whose clock is an hour wrong."""
    site = this.where.site
    site.kill("worker")
    right = site.settings
    shift = {"SHIFT_SECONDS": str(this.dice.choice([-3600, 3600])), "PYTHONPATH": f"{SHIFTED}:{right['PYTHONPATH']}"}
    site.settings = {**right, **shift}
    try:
        one_more("shifted_worker", hostname="shifted")(this)
    finally:
        site.settings = right


def doubled(this: Round) -> None:
    """Each task is sent twice from now on."""
    slowly(this)
    this.where.failpoints.double(True)


def cancelled(this: Round) -> None:
    """A person cancels what is being sent."""
    this.where.site.cancel(this.campaign_ids[0])
    this.hurt += 1


def lost_and_killed(this: Round) -> None:
    """A reply is lost, so that there is something to adopt."""
    this.gateway.sandbox.fault("drop_reply", count=1)


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


def top_up(this: Round, amount: int = 1_000) -> None:
    """Grant credits."""
    this.gateway.top_up(amount)


def resume(this: Round) -> None:
    """A person resumes whatever is paused."""
    for account in this.seen.values():
        if account.paused_at is not None:
            this.where.site.resume(account.id)


def two_compete(this: Round) -> None:
    """Two campaigns of 8 to 14 batches at once, with credits for either of them and never for both."""
    granted = this.gateway.sandbox.accounts()[0]["credits"]
    this.gateway.top_up(max(1, 15 * this.batch_size - granted))
    this.submit()
    this.submit()


def grant_what_is_missing(this: Round) -> None:
    """As many credits as the one that waits needs: what was left over would be enough for both in the next round."""
    waiting = "SELECT shortfall FROM campaigns WHERE id = ANY(:ids) AND shortfall IS NOT NULL"
    (missing,) = this.where.rows(waiting, ids=this.campaign_ids)
    top_up(this, int(missing.shortfall))


def one_waits(this: Round) -> int:
    """Whether a campaign waits for credits."""
    return sum(end == "awaiting_credits" for end in this.ends())


def twice_at_once(this: Round) -> None:
    """Two producers submit the same with one key at the same moment."""
    key = f"twice-{this.dice.random()}"
    path = this.as_file(this.people())
    for name in TWO_PRODUCERS:
        this.produce(name, path, key)
    statuses: dict[str, int] = {}
    this.until(lambda: _all_through(this, statuses), what="both are through")
    assert set(statuses.values()) == {0}
    this.campaign_ids += this.find(key)
    this.hurt += 1


def _all_through(this: Round, statuses: dict[str, int]) -> bool:
    for name in TWO_PRODUCERS:
        if name not in statuses and (status := this.produced(name)) is not None:
            statuses[name] = status
    return len(statuses) == len(TWO_PRODUCERS)


def producer_dies(this: Round) -> None:
    """A producer is killed while it hands over, and submits again with its key until it is taken."""
    key = f"again-{this.dice.random()}"
    path = this.as_file(this.people())
    this.arm("taking_in", "kill")
    this.produce("producer", path, key)
    this.until(this.struck, what="the producer dies", within=30)
    this.until(lambda: this.produced("producer") is not None, what="it is dead")
    this.left["again"] = (path, key)


def submit_again(this: Round) -> None:
    """The producer's own supervisor: it starts it until it says that all is well."""
    path, key = this.left["again"]

    def taken() -> bool:
        if "producer" not in this.left:
            this.produce("producer", path, key)
        return this.produced("producer") == 0

    this.until(taken, what="it is taken", within=110)
    this.campaign_ids += this.find(key)


away = partial(broker_dies, away=5.0)
gateway_away = partial(gateway_dies, away=4.0)
