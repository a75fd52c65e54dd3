"""The servers that all parts share in one run: PostgreSQL with fsync, and Valkey.

Each part, and each contestant, gets an empty database, an empty broker and a gateway of its own: nobody inherits what
another one has left in memory.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import redis
from sqlalchemy import make_url

from tests.benchmarks.gateway import StandIn, stand_in
from tests.benchmarks.usage import Meter
from tests.servers.postgres import postgres
from worker import lifeline
from worker.embedded import broker_url, client_url, valkey
from worker.processes import Child, Processes

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ground:
    """Where everything runs."""

    folder: Path
    servers: dict[str, int]
    versions: dict[str, str]
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

    def broker(self) -> str:
        """The broker's URL; it is emptied."""
        url = broker_url(self._valkey)
        with redis.Redis.from_url(client_url(url)) as client:
            client.flushall()
        return url

    @contextlib.contextmanager
    def gateway(self, *words: str, credits_each: int) -> Iterator[StandIn]:
        """A gateway with these words of its command."""
        with Processes(self.folder) as processes, stand_in(processes, *words, credits_each=credits_each) as gateway:
            yield gateway

    def meter(self, gateway: StandIn, *children: Child) -> Meter:
        """A meter of the servers, of a gateway, of us and of these children of ours."""
        named = {child.name: child.process.pid for child in children}
        return Meter({**self.servers, "gateway": gateway.pid, **named})


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    """Start the servers; everything is stopped and removed at the end."""
    with (
        lifeline.folder("bench-") as folder,
        contextlib.chdir(folder),  # a `.env` of somebody's is not read there
        postgres(fsync=True) as postgres_url,
        valkey(folder) as valkey_url,
    ):
        server, postmaster = _postgres(postgres_url)
        with redis.Redis.from_url(client_url(valkey_url)) as client:
            known = client.info("server")
        yield Ground(
            folder,
            {"postgres": postmaster, "valkey": int(known["process_id"])},
            {"postgresql": server, "valkey": str(known.get("valkey_version", known["redis_version"]))},
            postgres_url,
            folder / "valkey.sock",
        )


def _postgres(url: str) -> tuple[str, int]:
    """The server's version, and its first process."""
    with psycopg.connect(url) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        version = connection.execute("SHOW server_version").fetchone()
        return str(version[0] if version else ""), backend.ppid()


def database_bytes(url: str) -> int:
    """Of all tables and indexes of a database, as they stand."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind = 'r' AND n.nspname = 'public'"
        ).fetchone()
    return int(found[0]) if found else 0


def log_bytes(url: str) -> int:
    """How much PostgreSQL has written to its log (WAL) since its beginning."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").fetchone()
    return int(found[0]) if found else 0
