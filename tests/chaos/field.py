"""A field: one long-lived installation that is hurt again and again, with a supervisor and all that can hurt it.

Its own PostgreSQL and Valkey (to be killed), a worker with failpoints, a beat, a sandbox whose ledger is forced to
disk, and a proxy between worker and sandbox. Rounds take place in it one after the other: `anew` keeps each from what
the one before has left. Accounts: `main` has all the credits that it could want, `tight` has what a round gives it, and
the gateway of `mortal` is a process, to be killed.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from campaigns.database import Database
from campaigns.migrations import migrate
from campaigns.outages import DatabaseAway
from tests.chaos.failpoints import FOLDER, Failpoints
from tests.chaos.mortal import MortalGateway
from tests.servers.between import before
from tests.servers.postgres import postgres
from tests.servers.proxy import Proxy
from tests.system import flower
from tests.system.installation import LOGIN, Gateway, Installation, installation, quick
from worker import lifeline
from worker.embedded import client_url, valkey

ROOT = Path(__file__).parents[2]

SETTINGS = {
    "CONNECT_TIMEOUT": "0.2",
    "POST_TIMEOUT": "1.5",
    "REPORTS_TIMEOUT": "4",
    "SILENT_AFTER": "6",
    "REPORT_DEADLINE": "25",
    "LOOKUP_DEADLINE": "12",
    "BALANCE_INTERVAL": "4",
    "PYTHONPATH": str(ROOT),
    **flower.KNOWN,
}
"""A lease of twelve seconds. Whose report was lost is given up within 50 s; whose report is only late, because a killed
poller is missed for 40 s, may be too, and is told of all the same.
"""

WORKERS = ("worker", "beat")
STANDING = (*WORKERS, "flower")
"""Who is there in every round."""


@dataclass(frozen=True)
class Passage:
    """Where the worker finds a gateway: behind the proxy."""

    url: str


@dataclass
class Field:
    """One installation with what hurts and what mends it."""

    site: Installation
    failpoints: Failpoints
    between: Proxy
    broker_folder: Path
    mortal: MortalGateway
    flower_port: int
    _stack: ExitStack
    revived: int = 0

    def gateway(self, account: str) -> Gateway:
        return self.site.gateways[account]

    def ledger(self, account: str) -> Path:
        """What was accepted, on disk."""
        return self.site.folder / f"{account}.ledger"

    def readings(self, account: str) -> Path:
        """Which reports were handed out, on disk."""
        return self.site.folder / f"{account}.readings"

    def anew(self) -> None:
        """Whole again, for the next round: nothing armed, nothing away, every process there, and all bells silent."""
        self.failpoints.disarm()
        self.failpoints.double(False)
        self.between.heal()
        for gateway in self.site.gateways.values():
            gateway.sandbox.fault("*", count=0)
            gateway.sandbox.settings(**AS_EVER)
        self.site.until(self._has_database, what="the database is back")
        self.revived += len(self.site.revive())
        for name in STANDING:
            if name not in self.site.children:
                self.start(name)
        self._forget()

    def start(self, name: str, *, hostname: str = "worker") -> None:
        """Start a worker, a beat or Flower; what a worker or beat says tells when it is ready."""
        if name == "flower":
            self.site.start(name, *flower.words(self.flower_port))
            return
        if "beat" in name:
            self.site.start_beat(name)
            return
        words = ["worker", "--concurrency", "2", "--without-mingle", "--without-gossip", "--events"]
        self.site.start(name, *words, "--loglevel", "INFO", "--hostname", f"{hostname}@here")

    def supervise(self) -> None:
        """Start anew whoever has died."""
        self.revived += len(self.site.revive())

    def kill_broker(self) -> None:
        """Kill -9 the broker."""
        with redis.Redis.from_url(client_url(self.site.broker_url)) as client:
            pid = int(client.info("server")["process_id"])
        process = psutil.Process(pid)
        process.kill()
        with suppress(psutil.TimeoutExpired):
            process.wait(30)

    def start_broker(self) -> None:
        """Start it again, with what it had written down."""
        self._stack.enter_context(valkey(self.broker_folder))

    def crash_database(self) -> None:
        """Kill -9 one of the server's processes: it takes all of them down, and recovers from its log."""
        with self.site.database.reading() as connection:
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        os.kill(pid, signal.SIGKILL)

    def cut_connections(self) -> int:
        """End everybody's connection to the database; returns how many there were."""
        with self.site.database.transaction() as connection:
            cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            others = " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            return int(connection.execute(text(cut + others)).scalar_one())

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Rows of its database."""
        with self.site.database.reading() as connection:
            return list(connection.execute(text(statement), values).all())

    def _has_database(self) -> bool:
        try:
            return bool(self.rows("SELECT 1"))
        except (DatabaseAway, DBAPIError):
            return False

    def _forget(self) -> None:
        """Which gateway was away, and who had been woken: or a round would begin in the last one's wait."""
        with self.site.database.transaction() as connection:
            connection.execute(
                text("UPDATE accounts SET failures = 0, doubtful = false, away_until = NULL, away_reason = NULL")
            )
            connection.execute(text("DELETE FROM bells"))


AS_EVER = {
    "mix": {"delivered": 0.9, "undelivered": 0.05, "rejected": 0.05},
    "delays": (0.05, 0.3),
    "latency": 0.03,
    "steps": False,
    "lookup_dead": 0.1,
    "lookup_silent": 0.0,
}
"""What may be changed of a gateway in a round, as it is in every other."""


@contextmanager
def field() -> Iterator[Field]:
    """A field where everything runs; it is removed at the end."""
    with ExitStack() as stack:
        folder = stack.enter_context(lifeline.folder("field-"))
        url = stack.enter_context(postgres())
        _migrate(url)
        broker_folder = stack.enter_context(lifeline.folder("valkey-"))
        broker = stack.enter_context(valkey(broker_folder))
        failpoints = Failpoints(folder / "failpoints")
        failpoints.folder.mkdir()
        site = stack.enter_context(
            installation(
                folder,
                database_url=url,
                broker_url=broker,
                gateways={"main": _options(folder, "main"), "tight": _options(folder, "tight", credits=0)},
                settings={**SETTINGS, FOLDER: str(failpoints.folder)},
                app="tests.chaos.sabotage",
            )
        )
        url, between = stack.enter_context(before(site.gateways["main"].sandbox.url))
        passage: Any = Passage(url)
        mortal: Any = MortalGateway(site.processes, folder, "mortal", AS_EVER)
        mortal.start()
        site.gateways = {
            **site.gateways,
            "main": replace(site.gateways["main"], door=passage),
            "mortal": Gateway("mortal", mortal),
        }
        site.start_worker()
        site.start_beat()
        yield Field(site, failpoints, between, broker_folder, mortal, flower.free_port(), stack)


def _options(folder: Path, account: str, **more: Any) -> Any:
    written = {"ledger": folder / f"{account}.ledger", "readings": folder / f"{account}.readings"}
    return quick(**AS_EVER, **written, ledger_fsync=True, **more)


def _migrate(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()


def lines(path: Path, *, since: int = 0) -> list[dict[str, Any]]:
    """The whole JSON lines of a file after so many bytes."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(since)
        return [json.loads(line) for line in file if line.endswith(b"\n")]


def granted(field: Field, account: str) -> int:
    """Credits that the account was ever given, by the gateway's own books."""
    (books,) = (one for one in field.gateway(account).sandbox.accounts() if one["login"] == LOGIN)
    return int(books["credits"] + books["cumul"])
