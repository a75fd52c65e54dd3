"""The servers that all contestants share in one run: PostgreSQL with fsync, Valkey, and the sandbox gateway.

Each contestant gets an empty database, a broker's database of its own and an account of its own at the gateway.
"""

import contextlib
import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis
from sqlalchemy import make_url

from tests.benchmarks.usage import Meter
from tests.servers.postgres import postgres
from worker import lifeline
from worker.demo import installation
from worker.embedded import broker_url, client_url, valkey
from worker.processes import Child, Processes

ACCOUNTS = (installation.LOGIN, "naive", "script")  # logins, and passwords alike
SENDER = installation.SENDER
# One final report a message, ready with the reply: nobody waits for anything but his own doings.
GATEWAY = ["--mix", "delivered=1", "--delay-min", "0", "--delay-max", "0"]
READY_WITHIN = 60.0  # seconds
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ground:
    """Where a contestant runs."""

    folder: Path
    processes: Processes
    gateway_url: str
    servers: dict[str, int]
    _postgres_url: str
    _valkey: Path

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator[str]:
        """The URL of an empty database, which is dropped at the end."""
        with psycopg.connect(self._postgres_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
            # The last one's pages are written now, and not in the middle of this one's run.
            connection.execute("CHECKPOINT")
        url = make_url(self._postgres_url).set(database=name).render_as_string(hide_password=False)
        try:
            yield url
        finally:
            with psycopg.connect(self._postgres_url, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def broker(self, number: int) -> str:
        """The URL of one of the broker's databases."""
        return broker_url(self._valkey, number)

    def meter(self, *children: Child) -> Meter:
        """A meter of the servers, of us and of these children of ours."""
        named = {child.name: child.process.pid for child in children}
        return Meter({**self.servers, **named}, also_alone={"producer": os.getpid()})

    def ledger(self, login: str) -> dict[str, Any]:
        """The gateway's own figures: of one account, and duplicates over all of them."""
        accounts = self._ask("accounts")
        return {**next(account for account in accounts if account["login"] == login), **self._ask("summary")}

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.gateway_url}/_sandbox/{what}", timeout=60) as reply:
            return json.load(reply)


@contextlib.contextmanager
def ground(recipients: int) -> Iterator[Ground]:
    """Start the servers; everything is stopped and removed at the end."""
    with (
        lifeline.folder("bench-") as folder,
        contextlib.chdir(folder),  # a `.env` of somebody's is not read there
        postgres(fsync=True) as postgres_url,
        valkey(folder) as valkey_url,
        Processes(folder) as processes,
    ):
        gateway, gateway_url = _gateway(processes, credits_each=10 * recipients)
        servers = {
            "postgres": _postmaster(postgres_url),
            "valkey": _valkey(valkey_url),
            "gateway": gateway.process.pid,
        }
        yield Ground(folder, processes, gateway_url, servers, postgres_url, folder / "valkey.sock")


def _gateway(processes: Processes, *, credits_each: int) -> tuple[Child, str]:
    port_file = processes.folder / "gateway.port"
    words = [*GATEWAY, "--port", "0", "--port-file", str(port_file), "--sender", SENDER, "--credits", str(credits_each)]
    words += [word for login in ACCOUNTS for word in ("--account", f"{login}:{login}")]
    start = "from worker.sandbox.command import sandbox; sandbox()"
    child = processes.start("gateway", [sys.executable, "-c", start, *words], cwd=processes.folder)
    processes.until(port_file.exists, within=READY_WITHIN, what="the sandbox gateway listens")
    return child, f"http://127.0.0.1:{port_file.read_text().strip()}"


def _postmaster(url: str) -> int:
    with psycopg.connect(url) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        parent: int = backend.ppid()
        return parent


def _valkey(url: str) -> int:
    with redis.Redis.from_url(client_url(url)) as client:
        return int(client.info("server")["process_id"])


def database_bytes(url: str) -> int:
    """Of all tables and indexes of a database, as they stand."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind = 'r' AND n.nspname = 'public'"
        ).fetchone()
    return int(found[0]) if found else 0
