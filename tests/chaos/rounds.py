"""What a round is made of: the scenario, what its deeds have at hand, and what it came to. `playing` plays it."""

from __future__ import annotations

import csv
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from campaigns.outages import DatabaseAway
from campaigns.progress import Progress
from campaigns.states import CampaignState
from tests.chaos.failpoints import Plan, Struck
from tests.chaos.field import Field, granted
from tests.chaos.oracle import Verdict
from tests.system.canaries import CANARY
from tests.system.installation import Gateway, people

LONGEST = 120.0  # seconds, from the submit to the end


@dataclass
class Round:
    """What a scenario's deeds have at hand.

    hurt: how often a deed of the runner itself has struck. campaign_ids, audience: what was submitted. left: places
    for whatever deeds leave for later ones.
    """

    where: Field
    dice: random.Random
    account: str
    spec: Mapping[str, Any]
    began: float = field(default_factory=time.monotonic)
    hurt: int = 0
    campaign_ids: list[int] = field(default_factory=list)
    audience: list[dict[str, str]] = field(default_factory=list)
    excess: Decimal = Decimal(0)
    seen: dict[int, Progress] = field(default_factory=dict)
    left: dict[str, Any] = field(default_factory=dict)
    _next_look: float = 0.0

    @property
    def gateway(self) -> Gateway:
        return self.where.gateway(self.account)

    def people(self) -> list[dict[str, str]]:
        """An audience: some batches of people, one of them twice, and a row that nobody can be texted by."""
        count = self.dice.randint(8, 14) * self.batch_size
        good = [{**one, "nom": f"{CANARY} {place}"} for place, one in enumerate(people(count))]
        return [*good, good[0], {"tel": "n/a", "nom": "Awa"}]

    @property
    def batch_size(self) -> int:
        size: int = self.left.setdefault("batch_size", self.dice.choice([10, 15, 20, 25]))
        return size

    def submit(self, **spec: Any) -> int:
        """Submit a campaign of people of its own; returns its id."""
        audience = self.people()
        self.audience += audience
        asked = {"batch_size": self.batch_size, **self.spec, **spec}
        made = self.where.site.submit(self.account, audience, **asked)
        self.campaign_ids.append(made)
        return made

    def as_file(self, audience: list[dict[str, str]]) -> Path:
        """The audience as a producer's file."""
        path = self.where.site.folder / "audience.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["tel", "nom"])
            writer.writeheader()
            writer.writerows(audience)
        self.audience += audience
        return path

    def produce(self, name: str, path: Path, key: str) -> None:
        """Start a producer in a process of its own, in the background."""
        words = [path, self.account, key, str(self.batch_size)]
        command = [sys.executable, "-m", "tests.chaos.producer", *words]
        folder, environment = self.where.site.folder, self.where.site.environment()
        self.left[name] = self.where.site.processes.start(name, command, environment=environment, cwd=folder)

    def produced(self, name: str) -> int | None:
        """The exit status of a producer that has ended."""
        child = self.left.get(name)
        if child is None or child.process.poll() is None:
            return None
        del self.left[name]
        return self.where.site.processes.stop(name)

    def find(self, key: str) -> list[int]:
        """The campaigns that were made under a key, those that gave it back not counted."""
        return [row.id for row in self.where.rows("SELECT id FROM campaigns WHERE key = :key", key=key)]

    def arm(self, point: str, deed: str, passing: int = 1) -> None:
        """Have a process hurt at a point."""
        self.where.failpoints.arm(Plan(point, deed, passing))

    def struck(self) -> Struck | None:
        """What a failpoint did."""
        return self.where.failpoints.struck()

    def faults(self, *names: str) -> int:
        """How often faults of the sandbox struck in this round."""
        struck = self.gateway.sandbox.summary()["faults"]
        before = self.left["faults"]
        return sum(struck.get(name, 0) - before.get(name, 0) for name in names)

    def signal(self, name: str, how: signal.Signals) -> None:
        """A signal to a process and all that it started."""
        os.killpg(self.where.site.children[name].process.pid, how)

    def accepted(self) -> int:
        """How many messages of this round the gateway has accepted."""
        return self.gateway.count() - int(self.left["recipients"])

    def all_reported(self) -> bool:
        """Whether as many reports were handed out as there are messages and lookups: there is no end without one."""
        now = self.gateway.sandbox.summary()
        new = {name: now[name] - self.left[name] for name in ("recipients", "lookups", "reports_read")}
        return bool(new["reports_read"] >= new["recipients"] + new["lookups"])

    def until(self, condition: Callable[[], Any], *, what: str, within: float = LONGEST) -> Any:
        """Wait until it holds, and meanwhile be the supervisor and the accountant."""
        end = time.monotonic() + within
        while True:
            self._look()
            try:
                if held := condition():
                    return held
            except (DatabaseAway, DBAPIError, OSError):
                pass  # it is away, which may be what this round is about
            if time.monotonic() > end:
                raise TimeoutError(f"{what}: not within {within:g} s; {self.told()}")
            time.sleep(0.02)

    def wait(self, seconds: float) -> None:
        """Let time pass, as the supervisor."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, what="time", within=seconds + 10)

    def told(self) -> str:
        """Where the campaigns stand, without a word of theirs."""
        unread = "" if self.all_reported() else "; not every report was handed out"
        campaigns = [
            f"campaign {each.id} {each.state}, {dict(each.batches)}, {dict(each.by_status)}, {each.reason}"
            for each in self.seen.values()
        ]
        return "; ".join(campaigns) + unread

    def _look(self) -> None:
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + 0.15
        self.where.supervise()
        try:
            self.seen = {one: self.where.site.progress(one) for one in self.campaign_ids}
            self._reckon()
        except (DatabaseAway, DBAPIError):
            return

    def _reckon(self) -> None:
        """Whether more is promised now than the account ever had."""
        if self.account != "tight":
            return
        every = self.where.rows("SELECT id FROM campaigns WHERE account = :account", account=self.account)
        own = [self.where.site.progress(row.id) for row in every]
        promised = sum((one.credits_held + one.credits_posted - one.credits_refunded for one in own), Decimal(0))
        self.excess = max(self.excess, promised - granted(self.where, self.account))

    def fingerprint(self) -> Any:
        """What changes with any progress."""
        return [(dict(each.batches), dict(each.by_status)) for each in self.seen.values()]

    def ends(self) -> list[str | None]:
        """The end that each campaign has come to."""
        return [end_of(each) for each in self.seen.values()]


def end_of(account: Progress) -> str | None:
    """Completed, cancelled, failed; or where it stopped; None while it goes on."""
    if account.finished or account.state == CampaignState.FAILED:
        return str(account.state)
    if account.paused_at is not None:
        return "paused"
    if account.state in (CampaignState.AWAITING_CREDITS, CampaignState.STALLED):
        return str(account.state)
    open_ones = [status for status in ("pending", "sending", "in_flight") if account.by_status.get(status)]
    return "stalled" if account.state == CampaignState.CANCELLED and not open_ones else None


@dataclass(frozen=True)
class Scenario:
    """How it hurts, when it is over, how it is mended, and what is expected.

    kind: what is hurt. says: in a sentence. before: done before the submit; during: in the middle of the sending.
    injured: how often it has been hurt, which must come to something. lasts: seconds from then until `mend`. ends:
    where its campaigns may stop, besides being completed. spec: of its campaigns. account: whose they are. point,
    fault: the failpoint or the sandbox's fault that it is about, if it is.
    """

    kind: str
    says: str
    injured: Callable[[Round], int]
    before: Callable[[Round], object] | None = None
    submit: Callable[[Round], object] = Round.submit
    during: Callable[[Round], object] | None = None
    lasts: float = 0.0
    mend: Callable[[Round], object] | None = None
    ends: frozenset[str] = frozenset()
    spec: Mapping[str, Any] = field(default_factory=dict)
    account: str = "main"
    point: str = ""
    fault: str = ""

    @property
    def submits_itself(self) -> bool:
        """Whether it submits otherwise than others do."""
        return self.submit is not Round.submit


@dataclass
class Outcome:
    """What a round came to; `progressed` and `ended` are seconds from the mending (H).

    missed: how often it was played before and did not hurt: a moment that did not come shows nothing.
    """

    name: str
    seed: int
    faults: int = 0
    missed: int = 0
    hurt: bool = True
    progressed: float = 0.0
    ended: float = 0.0
    took: float = 0.0
    campaigns: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def violations(self) -> list[str]:
        """What must not be."""
        return self.verdict.violations

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Outcome:
        return cls(**{**told, "verdict": Verdict(**told["verdict"])})
