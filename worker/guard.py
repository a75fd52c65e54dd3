"""The guard: a small process that outlives its parent by a moment, to end what the parent can no longer end.

Run by its path by `worker.lifeline`, without the site packages, so it imports nothing but the standard library. It is
told on its standard input, one line each: `group <id> <signal>`, `folder <path>`, `gone <id or path>`, by tabs.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable

GRACE = 1.0  # seconds between the first signal and SIGKILL


def watch(lines: Iterable[bytes]) -> None:
    """Note what is said until the parent falls silent; then end what it left."""
    groups: dict[int, int] = {}
    folders: set[str] = set()
    for line in lines:
        what, value, *rest = line.decode().rstrip("\n").split("\t")
        if what == "group":
            groups[int(value)] = int(rest[0])
        elif what == "folder":
            folders.add(value)
        elif value.isdigit():
            groups.pop(int(value), None)
        else:
            folders.discard(value)
    _end(groups)
    for path in folders:
        shutil.rmtree(path, ignore_errors=True)


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; whether there was one."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS refuses where only a zombie is left
        return False
    return True


def _end(groups: dict[int, int]) -> None:
    for group, farewell in groups.items():
        signal_group(group, farewell)
    until = time.monotonic() + GRACE
    while any(signal_group(group, 0) for group in groups) and time.monotonic() < until:
        time.sleep(0.02)
    for group in groups:
        signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    for unwanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(unwanted, signal.SIG_IGN)
    watch(sys.stdin.buffer)
