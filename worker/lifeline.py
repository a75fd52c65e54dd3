"""Child processes and folders that cannot outlive us, even when we are killed with -9.

Each child leads a session of its own, so that Ctrl-C reaches us alone and a whole group can be ended at once. A small
process beside us, `worker.guard`, holds the reading end of a pipe. When we are gone, however that came about, the pipe
closes, and the guard ends the groups and removes the folders that we had not given back. That works on every Unix,
reaches grandchildren, and does not depend on which thread started what, as the kernel's own parent-death signal does.

Names, logs and the order of stopping are left to `worker.processes`.
"""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from worker import guard
from worker.guard import signal_group
from worker.interruption import uninterrupted


def start(
    command: Sequence[str | Path], *, when_orphaned: signal.Signals = signal.SIGKILL, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own; `options` are those of `subprocess.Popen`.

    `when_orphaned` is what the guard sends first: a database likes to be asked, a worker need not be.
    Give the child back with `end`, once.
    """
    with uninterrupted():  # or a child would run of which nobody knows
        process = subprocess.Popen(command, start_new_session=True, **options)  # noqa: S603 - our own commands
        _guard().note("group", process.pid, int(when_orphaned))
    return process


def end(process: subprocess.Popen[bytes], *, farewell: signal.Signals = signal.SIGTERM, grace: float = 10.0) -> int:
    """Ask the child to end, wait up to `grace` seconds, kill what is left of its group, and give its exit status."""
    if process.poll() is None:
        process.send_signal(farewell)  # to the leader alone: a pool's children would die in the middle of their work
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    signal_group(process.pid, signal.SIGKILL)
    status = process.wait()
    _guard().note("gone", process.pid)
    return status


@contextlib.contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """A private folder that is removed at the end, and also when we are killed before it."""
    with uninterrupted():
        path = Path(tempfile.mkdtemp(prefix=prefix))
        _guard().note("folder", path)
    try:
        yield path
    finally:
        with uninterrupted():
            shutil.rmtree(path, ignore_errors=True)
            _guard().note("gone", path)


class _Pipe:
    """Our end of the pipe to our guard."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        # Nothing of ours is inherited: somebody who reads our output must see it end when we do.
        command = [sys.executable, "-I", "-S", guard.__file__]
        self._process = subprocess.Popen(  # noqa: S603 - a file of ours
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        self._process.returncode = 0  # it ends after us, so there is nobody to wait for it, and nothing to warn about
        atexit.register(self._fall_silent)

    def note(self, what: str, *values: object) -> None:
        """Tell the guard. One that was killed cannot be told; what is stopped in order does not need it."""
        pipe = self._process.stdin
        if pipe is None or self.owner != os.getpid():
            return
        with contextlib.suppress(BrokenPipeError, ValueError):  # ValueError: it is closed, for we are ending
            pipe.write("\t".join(map(str, (what, *values))).encode() + b"\n")
            pipe.flush()

    def _fall_silent(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()


_current: _Pipe | None = None
_one_guard = threading.Lock()


def _guard() -> _Pipe:
    """This process's guard; a fork needs one of its own, because its parent's pipe says nothing of its own end."""
    global _current
    with _one_guard:
        if _current is None or _current.owner != os.getpid():
            _current = _Pipe()
        return _current
