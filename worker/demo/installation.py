"""Everything that a campaign needs, started as real processes in one private folder, and stopped again.

The parts are those of production, but for three: a private Valkey, SQLite and the sandbox gateway. A PostgreSQL or a
Redis that the environment names is used instead, if nothing that is not the demo's is in it: the demo's worker would
send whatever it found there to the sandbox, and call it delivered.
"""

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from signal import SIGQUIT

import redis
from sqlalchemy import create_engine, inspect, text

from worker.embedded import client_url, valkey
from worker.language import _
from worker.processes import Processes

ACCOUNT = "demo"
LOGIN, PASSWORD, SENDER = "demo", "demo", "DEMO"  # the sandbox's, which knows no other
READY_WITHIN = 30.0  # seconds


class NotOursError(RuntimeError):
    """The broker or the database that the environment names is away, or holds somebody else's work."""


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[str]:
    """The URL of an empty broker: a private Valkey, or REDIS_URL, which is emptied again at the end."""
    given = os.environ.get("REDIS_URL")
    if not given:
        with valkey(folder) as url:
            yield url
        return
    with redis.Redis.from_url(client_url(given)) as client:
        try:
            size = client.dbsize()
        except redis.RedisError as error:
            raise NotOursError(
                _("REDIS_URL names a broker that is away ({error}): unset it").format(error=type(error).__name__)
            ) from None
        if size:
            raise NotOursError(_("REDIS_URL names a database that is not empty: unset it, or name another number"))
        try:
            yield given
        finally:
            client.flushdb()


def database_url(folder: Path) -> str:
    """A SQLite file in the folder, or DATABASE_URL, which may hold other demos' campaigns."""
    given = os.environ.get("DATABASE_URL")
    if not given:
        return f"sqlite:///{folder / 'campaigns.db'}"
    engine = create_engine(given)
    try:
        with engine.connect() as connection:
            if inspect(connection).has_table("campaigns") and connection.scalar(
                text("SELECT count(*) FROM campaigns WHERE account <> :demo"), {"demo": ACCOUNT}
            ):
                raise NotOursError(
                    _("DATABASE_URL names a database with campaigns in it: unset it, or name an empty one")
                )
    finally:
        engine.dispose()
    return given


def environment(*, broker_url: str, database_url: str, gateway_url: str, recipients: int) -> dict[str, str]:
    """Ours, with the demo's settings."""
    account = {"base_url": gateway_url, "login": LOGIN, "password": PASSWORD, "sender": SENDER}
    deadline = report_deadline(recipients)
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": broker_url,
        "BROKER_URL": broker_url,
        "ACCOUNTS": json.dumps({ACCOUNT: account}),
        "DEFAULT_REGION": "CI",
        "CREDIT_PRICES": '{"": 1}',
        "POLL_INTERVAL": "1",
        "POLL_MIN_AGE": "0",
        "SILENT_AFTER": str(deadline - 3),
        "REPORT_DEADLINE": str(deadline),
    }
    return {**os.environ, **settings}


def report_deadline(recipients: int) -> int:
    """Seconds that a silent message is waited for: few, but a large demo's reports need time to be read."""
    return 7 + recipients // 10_000


def start_gateway(processes: Processes, *, recipients: int) -> str:
    """Start the sandbox with credits enough; returns its base URL."""
    port_file = processes.folder / "gateway.port"
    port_file.unlink(missing_ok=True)  # a kept folder has that of the last time
    words: list[str | Path] = [
        "--port",
        "0",
        "--port-file",
        port_file,
        "--account",
        f"{LOGIN}:{PASSWORD}",
        "--sender",
        SENDER,
    ]
    words += ["--credits", str(10 * recipients + 1_000), "--delay-min", "0.2", "--delay-max", "1"]
    start = "from worker.sandbox.command import sandbox; sandbox()"
    processes.start("gateway", [sys.executable, "-c", start, *words], cwd=processes.folder)
    processes.until(port_file.exists, within=READY_WITHIN, what=_("the sandbox gateway listens"))
    return f"http://127.0.0.1:{port_file.read_text().strip()}"


FLOWER_LOGIN = "demo:demo"
"""Whoever is on this machine may look at the demo, which has nothing of anybody's."""


def start_workers(processes: Processes, environment: Mapping[str, str]) -> str:
    """Start worker, beat and Flower by Celery's own commands; returns Flower's URL, which answers seconds later."""
    celery: list[str | Path] = [sys.executable, "-m", "celery", "-A", "worker"]
    folder, port = processes.folder, _free_port()
    environment = {**environment, "TMPDIR": str(folder)}  # what a pool keeps there goes with the folder
    worker = [*celery, "worker", "--concurrency", "2", "--events", "--without-mingle", "--without-gossip"]
    worker += ["--loglevel", "WARNING", "--hostname", "demo@%h"]
    beat = [*celery, "beat", "--loglevel", "WARNING", "--schedule", folder / "beat-schedule", "--pidfile", ""]
    flower = [*celery, "flower", "--address=127.0.0.1", f"--port={port}", "--read-only=True", "--logging=warning"]
    flower += [f"--basic-auth={FLOWER_LOGIN}"]
    # Its work is in the database, so nothing is lost by a worker that stops at once; asked by SIGTERM, it may take half
    # a minute.
    processes.start("worker", worker, environment=environment, cwd=folder, farewell=SIGQUIT, grace=1)
    processes.start("beat", beat, environment=environment, cwd=folder, grace=3)
    processes.start("flower", flower, environment=environment, cwd=folder, grace=3)
    return f"http://127.0.0.1:{port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
