"""Named child processes that run together: started in order, logged, watched, and stopped in reverse.

Used by what runs a whole installation for a while: the demo, the embedded broker, the system tests. That nothing
outlives us is seen to by `worker.lifeline`. In production a real supervisor does this.
"""

import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from worker import lifeline
from worker.interruption import uninterrupted
from worker.language import _

T = TypeVar("T")

POLL = 0.02  # seconds
TAIL = 4096  # bytes of a log that an error shows at most


class EndedEarlyError(RuntimeError):
    """A process ended by itself, though it was still needed."""


class NotReadyError(RuntimeError):
    """What was waited for did not come about in time."""


@dataclass(frozen=True)
class Child:
    """A process under its name. `farewell` is what it is asked to end with, `grace` how many seconds it may take."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    farewell: signal.Signals
    grace: float

    def last_lines(self, count: int = 10) -> str:
        """The end of its log, for an error message."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - TAIL))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-count:])


class Processes:
    """Child processes with their logs in `folder`. Leaving the context stops them, the last one first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop_all()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | int | None = None,
        farewell: signal.Signals = signal.SIGTERM,
        when_orphaned: signal.Signals = signal.SIGKILL,
        grace: float = 10.0,
    ) -> Child:
        """Start a process under a name that no running one has; what it writes goes to `<name>.log`, appended.

        `environment` replaces ours where it is given. Raises OSError if the command cannot be run.
        """
        if name in self._children:
            raise ValueError(f"{name} is running already")
        path = self.folder / f"{name}.log"
        with uninterrupted(), path.open("ab") as log:
            process = lifeline.start(
                command,
                when_orphaned=when_orphaned,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=environment,
                user=user,
                group=None if user is None else _group_of(user),
                extra_groups=None if user is None else [],
            )
            child = Child(name, process, path, farewell, grace)
            self._children[name] = child
        return child

    def check(self) -> None:
        """Raise EndedEarlyError, with the last lines of its log, if a process has ended by itself."""
        for child in self._children.values():
            status = child.process.poll()
            if status is not None:
                said = _("{name} ended by itself with status {status}:\n{log}")
                raise EndedEarlyError(said.format(name=child.name, status=status, log=child.last_lines()))

    def until(self, condition: Callable[[], T], *, within: float, what: str) -> T:
        """Wait until the condition holds, for `within` seconds at most, and return what it gave.

        Raises EndedEarlyError as `check` does, or NotReadyError with the end of every log.
        """
        end = time.monotonic() + within
        while not (result := condition()):
            self.check()
            if time.monotonic() > end:
                logs = "\n".join(f"--- {child.name}\n{child.last_lines()}" for child in self._children.values())
                said = _("{what}: not within {seconds} s\n{logs}")
                raise NotReadyError(said.format(what=what, seconds=f"{within:g}", logs=logs))
            time.sleep(POLL)
        return result

    def stop(self, name: str) -> int:
        """Stop one process and all that it started; returns its exit status."""
        child = self._children[name]
        status = lifeline.end(child.process, farewell=child.farewell, grace=child.grace)
        del self._children[name]
        return status

    def stop_all(self) -> None:
        """Stop every process, the last one first."""
        with uninterrupted():
            for name in reversed(list(self._children)):
                self.stop(name)


def _group_of(user: str | int) -> int:
    return (pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)).pw_gid
