"""What is done in a round, by its runner: deeds upon the field, as a person, a host or bad luck would do them.

Which of them hurt, and how it is known that they did, is said in `injuries` and `scenarios`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial

from tests.chaos.rounds import Round
from tests.system.test_clocks import SHIFTED

TWO_PRODUCERS = ("producer", "other")

Deed = Callable[[Round], object]


def slowly(this: Round) -> None:
    """So that there is a middle of the sending."""
    this.gateway.sandbox.settings(latency=this.dice.uniform(0.1, 0.3))


def spread(this: Round) -> None:
    """So that reports come in several readings."""
    slowly(this)
    this.gateway.sandbox.settings(delays=(0.05, 2.5))


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
    this.until(lambda: _crashed(this), what="the database crashes", within=60)
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
        this.until(lambda: says in this.where.site.log(name)[len(log) :], what=f"{name} is ready", within=60)
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
    this.until(this.struck, what="the producer dies", within=60)
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
