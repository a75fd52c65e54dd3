"""An installation of a part's own: database, broker, gateway, worker, beat and producer, and whoever waits for it all.

Workers and beat are started by Celery's own commands, with the settings of production but for those named here.
"""

import contextlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import Celery
from sqlalchemy import text

from campaigns.database import Database
from campaigns.migrations import migrate
from campaigns.progress import progress
from tests.benchmarks.gateway import StandIn
from tests.benchmarks.ground import ROOT, Ground
from tests.benchmarks.usage import Usage, bury
from worker.demo import installation
from worker.processes import Child, Processes

LOOK_EVERY = 0.2  # seconds; whoever looks takes time away from what he measures
PATIENCE = 90.0  # seconds without any movement
READY_WITHIN = 60.0  # seconds
SETTINGS = {"POLL_INTERVAL": "1", "SILENT_AFTER": "900", "REPORT_DEADLINE": "3600", "BALANCE_INTERVAL": "60"}

_STANDING = """
    SELECT (SELECT count(*) FROM campaigns WHERE completed_at IS NULL) AS unfinished,
           (SELECT coalesce(sum(expanded), 0) FROM campaigns) AS expanded,
           (SELECT coalesce(sum(batches), 0) FROM campaigns) AS batches,
           (SELECT count(*) FROM attempts WHERE settled_at IS NOT NULL) AS sent,
           (SELECT coalesce(sum(reports), 0) FROM report_polls) AS reports
"""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Submission:
    """What the producer wrote of one submit: see `producer`."""

    id: int
    at: float
    seconds: float
    number: str
    cpu: float
    peak: int

    @property
    def usage(self) -> Usage:
        """The producer's own, up to this campaign."""
        return Usage(self.cpu, self.peak)


class Site:
    """A running installation."""

    def __init__(self, processes: Processes, gateway: StandIn, database: Database, environment: dict[str, str]) -> None:
        self.gateway, self.database, self.processes = gateway, database, processes
        self.url = environment["DATABASE_URL"]
        self.children: list[Child] = []
        self.environment = environment

    def start(self, *hosts: str, processes: int = 2, **settings: str) -> None:
        """Start beat, and a worker on each of the named hosts (one if none is named); returns when all answer."""
        environment = {**self.environment, **settings}
        folder, celery = self.processes.folder, [sys.executable, "-m", "celery", "-A", "worker"]
        for host in hosts or ("bench",):
            words = ["worker", "--concurrency", str(processes), "--loglevel", "WARNING", "--hostname", f"worker@{host}"]
            self._start(
                "worker" if not hosts else f"worker on {host}", [*celery, *words, "--without-gossip"], environment
            )
        beat = ["beat", "--loglevel", "WARNING", "--schedule", str(folder / "schedule"), "--pidfile", ""]
        self._start("beat", [*celery, *beat], environment)
        client = Celery(broker=environment["BROKER_URL"], set_as_current=False)
        self.processes.until(
            lambda: len(client.control.ping(timeout=0.3, limit=len(hosts) or 1)) >= (len(hosts) or 1),
            within=READY_WITHIN,
            what="every worker answers",
        )
        client.close()

    def _start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        # Killed at the end: a worker that is asked to stop takes seconds, and its figures have been read.
        child = self.processes.start(
            name, command, environment=environment, cwd=self.processes.folder, farewell=signal.SIGKILL
        )
        self.children.append(child)

    def stop(self) -> None:
        """Kill workers and beat."""
        for child in reversed(self.children):
            bury(child.process.pid)
            self.processes.stop(child.name)
        self.children.clear()

    def producer(self, **asked: Any) -> Child:
        """Start a producer with these options of its command; see `submitted`, and stop it."""
        words = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
        command = [sys.executable, "-m", "tests.benchmarks.producer", "--output", str(self._output), *words]
        self._output.unlink(missing_ok=True)
        return self.processes.start("producer", command, environment=self.environment, cwd=self.processes.folder)

    def submit(self, **asked: Any) -> list[Submission]:
        """Have a producer submit with these options; returns when it is through."""
        child = self.producer(**asked)
        status = child.process.wait()
        self.processes.stop(child.name)
        if status:
            raise RuntimeError(f"the producer failed:\n{child.last_lines()}")
        return self.submitted()

    def submitted(self) -> list[Submission]:
        """What the last producer has submitted so far."""
        if not self._output.exists():
            return []
        lines = self._output.read_text().splitlines(keepends=True)
        return [Submission(**json.loads(line)) for line in lines if line.endswith("\n")]

    def until(self, condition: Callable[[Any], bool], what: str, say: Say) -> None:
        """Wait until it holds of how everything stands; raises RuntimeError if nothing moves for long.

        It is handed `unfinished` campaigns, rows `expanded`, `batches` made and `sent`, and `reports` taken in.
        """
        before, changed = None, time.monotonic()
        while not condition(now := self.select(_STANDING)[0]):
            if now != before:
                before, changed = now, time.monotonic()
            say(f"{what}: {now.expanded:,} rows, {now.sent:,} of {now.batches:,} batches, {now.reports:,} reports")
            self.processes.check()
            if time.monotonic() - changed > PATIENCE:
                raise RuntimeError(f"{what}: nothing moved for {PATIENCE:g} s")
            time.sleep(LOOK_EVERY)

    def completed(self, what: str, say: Say) -> None:
        """Wait until every campaign is over."""
        self.until(lambda now: now.unfinished == 0, what, say)

    def select(self, statement: str, **values: Any) -> list[Any]:
        """Rows of the database."""
        with self.database.reading() as connection:
            return list(connection.execute(text(statement), values).all())

    def checks(self, *campaign_ids: int) -> dict[str, bool]:
        """What must hold when these campaigns, and no others, are completed: our books against the gateway's."""
        accounts = [progress(campaign_id, database=self.database) for campaign_id in campaign_ids]
        theirs = self.gateway.account()
        return {
            "every row read is a message or is excluded": all(
                a.adds_up and a.recipients == a.messages for a in accounts
            ),
            "every message was delivered": all(a.by_status.get("delivered") == a.messages for a in accounts),
            "the gateway took each once": theirs["duplicates"] == 0,
            "the gateway charged what we posted": theirs["charged"] - theirs["refunded"]
            == sum(account.credits_spent for account in accounts),
            "no request is in doubt": not any(account.in_doubt_attempts for account in accounts),
        }

    def accounts(self, gateway_url: str) -> str:
        """The setting ACCOUNTS with another gateway in it."""
        accounts = json.loads(self.environment["ACCOUNTS"])
        return json.dumps({name: {**account, "base_url": gateway_url} for name, account in accounts.items()})

    @property
    def _output(self) -> Path:
        return self.processes.folder / "producer.jsonl"


@contextlib.contextmanager
def site(
    ground: Ground, name: str, *words: str, recipients: int, credits_each: int | None = None, **settings: str
) -> Iterator[Site]:
    """An installation with no worker yet.

    Args:
        ground: the servers.
        name: of its database.
        words: options of the gateway's command.
        recipients: for how many its gateway's account has credits, unless `credits_each` says how many it has.
        settings: of its workers, in place of ours.
    """
    credits_there = 10 * recipients if credits_each is None else credits_each
    with (
        ground.database(name) as database_url,
        ground.gateway(*words, credits_each=credits_there) as gateway,
        contextlib.closing(Database(database_url)) as database,
        tempfile.TemporaryDirectory(prefix=f"{name}-", dir=ground.folder) as folder,
        Processes(Path(folder)) as processes,
    ):
        migrate(database)
        environment = installation.environment(
            broker_url=ground.broker(), database_url=database_url, gateway_url=gateway.url, recipients=recipients
        )
        environment |= {**SETTINGS, **settings, "PYTHONPATH": str(ROOT)}
        place = Site(processes, gateway, database, environment)
        try:
            yield place
        finally:
            for child in place.children:
                bury(child.process.pid)
