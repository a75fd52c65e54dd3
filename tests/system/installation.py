"""A whole installation for the tests of the system: a real database, broker, worker and beat, and gateways beside them.

Each account has a gateway of its own, on a thread of the test's process, behind a door; so that one scenario's bad day
is no other's, though one worker serves them all. Every scenario ends with `settled`: the gateway's ledger decides.
"""

import itertools
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import redis
from celery import Celery
from sqlalchemy import text

import campaigns
from campaigns.bells import Bell
from campaigns.database import Database
from campaigns.progress import Progress
from tests.servers.waiting import PATIENCE, eventually
from tests.system.door import Door, door
from worker.embedded import client_url
from worker.processes import Child, Processes
from worker.sandbox.codes import NOTHING_TO_READ
from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import RunningSandbox, running

T = TypeVar("T")

LOGIN, PASSWORD, SENDER = "login-7c1e", "password-93af", "CLINIQUE"

QUICK: Mapping[str, Any] = {
    "mix": {"delivered": 0.9, "undelivered": 0.05, "rejected": 0.05},
    "delays": (0.05, 0.3),
    "accounts": {LOGIN: PASSWORD},
    "senders": (SENDER,),
}
"""A gateway's options unless a scenario has others: one that answers soon."""

FAST: Mapping[str, str] = {
    "POLL_INTERVAL": "0.3",
    "BALANCE_INTERVAL": "10",
    "SILENT_AFTER": "60",
    "REPORT_DEADLINE": "60",
    "CONNECT_TIMEOUT": "1",
    "POST_TIMEOUT": "10",
}
"""Settings of the worker unless a scenario has others: seconds, where in production there are minutes. A gateway is a
thread of the test's process: what it may take to answer is more than a busy machine has them both stand still."""

TIMEOUT_STOP = float(FAST["POST_TIMEOUT"]) + 45
"""Seconds that a worker may take to end, as an operator is told to allow."""

LOOK_EVERY = 0.1  # seconds

QUEUES = {"campaigns.send": "sending", "campaigns.poll": "tracking"}
"""A client without our code has to name them: its own default is Celery's, which nobody here reads."""

_numbers = itertools.count(1)


def people(count: int) -> list[dict[str, str]]:
    """Recipients whom no other campaign of this process has, and whose end no number decides beforehand."""
    return [{"tel": f"07{next(_numbers):07d}0", "nom": f"Awa {place}"} for place in range(count)]


@dataclass(frozen=True)
class Gateway:
    """What a scenario has of the gateway of one account."""

    account: str
    sandbox: RunningSandbox
    door: Door | None = None
    exclusive: bool = False

    @property
    def url(self) -> str:
        """Where the worker finds it."""
        return self.door.url if self.door else self.sandbox.url

    def sent(self) -> Counter[str]:
        """Number → how often it was sent to, by the ledger."""
        return Counter(line["destination"] for line in self.sandbox.ledger() if line["kind"] == "send")

    def count(self) -> int:
        """How many messages it has accepted in all."""
        return int(self.sandbox.summary()["recipients"])

    def looked_up(self) -> Counter[str]:
        """Number → how often it was looked up, by the ledger."""
        return Counter(line["destination"] for line in self.sandbox.ledger() if line["kind"] == "lookup")

    def top_up(self, amount: int) -> None:
        """Grant credits."""
        self.sandbox.top_up(LOGIN, amount)

    @contextmanager
    def reports_held(self) -> Iterator[None]:
        """Whoever asks for reports while the block lasts hears that there are none yet."""
        self.sandbox.fault("refuse", operation="reports", share=1.0, code=NOTHING_TO_READ)
        try:
            yield
        finally:
            self.sandbox.fault("refuse", operation="reports", count=0)


@dataclass
class Installation:
    """Processes and servers of one installation, and what a producer and a person may do with it."""

    folder: Path
    database: Database
    broker_url: str
    processes: Processes
    gateways: Mapping[str, Gateway]
    settings: Mapping[str, str] = field(default_factory=dict)
    app: str = "worker"
    children: dict[str, Child] = field(default_factory=dict)
    start_took: float = 0.0
    _commands: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of its processes."""
        accounts = {
            gateway.account: {
                "base_url": gateway.url,
                "login": LOGIN,
                "password": PASSWORD,
                "sender": SENDER,
                "exclusive": gateway.exclusive,
            }
            for gateway in self.gateways.values()
        }
        url = self.database.url.render_as_string(hide_password=False)
        named = {"DATABASE_URL": url, "BROKER_URL": self.broker_url, "ACCOUNTS": json.dumps(accounts)}
        # What a process has said must be in its log when it is killed: we wait for some of it, and search all of it.
        return {**os.environ, "PYTHONUNBUFFERED": "1", **FAST, **named, **self.settings, **more}

    def start_worker(self, name: str = "worker", *, processes: int = 2) -> None:
        """Start a worker by Celery's own command, and wait until it works."""
        words = ["worker", "--concurrency", str(processes), "--without-mingle", "--without-gossip", "--events"]
        before, began = len(self.log(name)), time.monotonic()
        self.start(name, *words, "--loglevel", "INFO", "--hostname", f"{name}@here")
        self.until(lambda: f"{name}@here ready." in self.log(name)[before:], what="the worker is ready")
        self.start_took = max(self.start_took, time.monotonic() - began)

    def start_beat(self, name: str = "beat") -> None:
        """Start the beat."""
        self.start(name, "beat", "--schedule", str(self.folder / f"{name}.schedule"), "--pidfile", "")

    def start(self, name: str, *words: str) -> None:
        """Start one of Celery's commands on the app."""
        command = [sys.executable, "-m", "celery", "-A", self.app, *words]
        self._commands[name] = words
        # Killed at the end: a worker that is asked to stop takes seconds, and how it stops is a scenario of its own.
        self.children[name] = self.processes.start(
            name, command, environment=self.environment(), cwd=self.folder, farewell=signal.SIGKILL
        )

    @property
    def a_minute(self) -> float:
        """Seconds: the minute that we promise, and twice what it takes to start a worker on this machine."""
        return 60 + 2 * self.start_took

    def revive(self) -> list[str]:
        """Start anew what has ended by itself, as a supervisor with Restart=always does; returns what had."""
        ended = [name for name, child in self.children.items() if child.process.poll() is not None]
        for name in ended:
            self.processes.stop(name)
            self.start(name, *self._commands[name])
        return ended

    def kill(self, name: str) -> None:
        """Kill -9 a process and all that it started, at one stroke."""
        os.killpg(self.children[name].process.pid, signal.SIGKILL)
        self.processes.stop(name)
        del self.children[name]

    @contextmanager
    def asleep(self, name: str) -> Iterator[None]:
        """A process and all that it started stand still while the block lasts: what is looked at is of one moment."""
        group = self.children[name].process.pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):  # it was killed in its sleep
                os.killpg(group, signal.SIGCONT)

    def terminate(self, name: str, *, within: float) -> int:
        """Ask a process to stop, as an operator does; gives its exit status."""
        self.children[name].process.terminate()
        status = self.children.pop(name).process.wait(within)
        self.processes.stop(name)
        return status

    def log(self, name: str) -> str:
        """What a process has written, and those before it under the same name."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""  # it may be in the middle of a letter

    def ring(self, bell: Bell, serial: int, after: float) -> None:
        """Wake a worker, as a producer with a Celery client does."""
        self.client.send_task(
            bell.task,
            [*bell.args, serial],
            queue=QUEUES.get(bell.task, "campaigns"),
            countdown=after or None,
            expires=after + 10,
        )

    @cached_property
    def client(self) -> Celery:
        """A Celery client that knows none of our code."""
        return Celery(broker=self.broker_url, set_as_current=False)

    def flush(self) -> None:
        """FLUSHALL: every queue is empty."""
        with redis.Redis.from_url(client_url(self.broker_url)) as client:
            client.flushall()

    def submit(self, account: str, audience: Any, **spec: Any) -> int:
        """Submit a campaign; returns its id."""
        asked = {"name": "Rappel", "template": "Bonjour {{ nom }}", "account": account, **spec}
        return campaigns.submit(asked, audience, ring=self.ring, database=self.database).id

    def begun(self, account: str, *, batches: int, size: int) -> int:
        """A campaign in the middle of its sending, where it stays as long as its gateway is so slow; returns its id."""
        gateway = self.gateways[account]
        gateway.sandbox.settings(latency=0.1)
        before = gateway.count()
        made = self.submit(account, people(batches * size), batch_size=size)
        self.until(lambda: gateway.count() >= before + 5 * size)
        gateway.sandbox.settings(latency=1.0)
        return made

    def progress(self, campaign_id: int) -> Progress:
        """The account of a campaign now."""
        return campaigns.progress(campaign_id, database=self.database)

    def pause(self, campaign_id: int) -> None:
        """As a person does."""
        campaigns.pause(campaign_id, database=self.database)

    def resume(self, campaign_id: int) -> None:
        """As a person does."""
        campaigns.resume(campaign_id, ring=self.ring, database=self.database)

    def cancel(self, campaign_id: int) -> None:
        """As a person does."""
        campaigns.cancel(campaign_id, database=self.database)

    def until(self, condition: Callable[[], T], *, within: float = PATIENCE, what: str = "what was waited for") -> T:
        """Wait until the condition holds; fails with every log if it does not, or if a process has ended."""
        next_look = 0.0

        def look() -> T | None:
            nonlocal next_look
            if time.monotonic() < next_look:  # looking costs the workers their processor
                return None
            held = condition()
            next_look = time.monotonic() + LOOK_EVERY
            return held

        held = self.processes.until(look, within=within, what=what)
        assert held is not None
        return held

    def seen(self, campaign_id: int, condition: Callable[[Progress], bool], *, within: float = PATIENCE) -> Progress:
        """The campaign's account once the condition holds of it."""
        last: list[Progress] = []

        def holds() -> bool:
            last[:] = [self.progress(campaign_id)]
            return condition(last[0])

        try:
            self.until(holds, within=within)
        except Exception as error:
            error.add_note(f"the account was: {last}")
            raise
        return last[0]

    def ended(self, campaign_id: int, *, within: float = PATIENCE) -> Progress:
        """The campaign's account once every message has its final status."""
        return self.seen(campaign_id, lambda progress: progress.finished, within=within)

    def rounds(self, account: str, count: int = 8) -> None:
        """Let beat and worker read reports a few times: time in which something could happen that must not."""
        sandbox = self.gateways[account].sandbox
        before = sandbox.summary()["requests"].get("reports", 0)
        self.until(lambda: sandbox.summary()["requests"].get("reports", 0) >= before + count, what="rounds of the beat")

    def settled(self, account: str, *campaign_ids: int) -> None:
        """Hold our books against the gateway's: every row in one place, nobody twice, the same money.

        Rows are those of the campaigns that are named, money is that of all campaigns of the account: it must be the
        same within seconds, for the gateway gives credits back before anybody has read why.
        """
        gateway = self.gateways[account]
        twice = [number for number, count in gateway.sent().items() if count > 1]
        assert not twice, f"{len(twice)} numbers were accepted twice"
        accounts = [self.progress(campaign_id) for campaign_id in campaign_ids]
        assert all(each.adds_up for each in accounts), accounts

        def theirs() -> tuple[int, int]:
            summary = gateway.sandbox.summary()
            return summary["credits"], summary["refunded"]

        eventually(lambda: _ledger(self, account) == theirs())
        assert _ledger(self, account) == theirs(), f"{accounts}; at the gateway: {gateway.sandbox.summary()}"


@contextmanager
def installation(
    folder: Path,
    *,
    database_url: str,
    broker_url: str,
    gateways: Mapping[str, SandboxOptions],
    exclusive: str = "",
    doors: Collection[str] = (),
    settings: Mapping[str, str] | None = None,
    app: str = "worker",
) -> Iterator[Installation]:
    """An installation with its gateways, and no worker yet. `gateways` by their account; `doors`: who has one."""
    with ExitStack() as stack:
        made = {}
        for account, options in gateways.items():
            sandbox = stack.enter_context(running(options))
            passage = stack.enter_context(door(sandbox.url)) if account in doors else None
            made[account] = Gateway(account, sandbox, passage, account == exclusive)
        database = Database(database_url)
        stack.callback(database.close)
        processes = stack.enter_context(Processes(folder))
        yield Installation(folder, database, broker_url, processes, made, settings or {}, app)


def quick(**options: Any) -> SandboxOptions:
    """The options of a gateway that answers soon, and those of the scenario."""
    return SandboxOptions(**{**QUICK, **options})


def select(site: Installation, statement: str, **values: Any) -> list[Any]:
    """Rows of the installation's database: to look at what no account shows."""
    with site.database.reading() as connection:
        return list(connection.execute(text(statement), values).all())


def every(site: Installation, account: str) -> list[int]:
    """The ids of all campaigns of an account."""
    return [row.id for row in select(site, "SELECT id FROM campaigns WHERE account = :account", account=account)]


def whom(site: Installation, campaign_id: int) -> set[str]:
    """The numbers that a campaign has messages for."""
    found = select(site, "SELECT msisdn FROM messages WHERE campaign_id = :id", id=campaign_id)
    return {str(row.msisdn) for row in found}


def _ledger(site: Installation, account: str) -> tuple[int, int]:
    taken = "SELECT sum(credits) FROM attempts WHERE account = :account"
    back = "SELECT sum(credits) FROM refunds WHERE campaign_id IN (SELECT id FROM campaigns WHERE account = :account)"
    (posted,), (refunded,) = (*select(site, taken, account=account), *select(site, back, account=account))
    return int(posted or 0), int(refunded or 0)
