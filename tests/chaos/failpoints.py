"""Where a process is to be hurt, told from outside: a file names the point, the passing and the deed.

The runner arms it, a sabotaged process reads it at each point that it passes (`sabotage`). It strikes once, whichever
of several processes comes to the passing that is meant. Nothing of this is in the product.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

DEEDS = ("kill", "kill_all", "stop", "stop_all")
"""kill -9 or SIGSTOP: the process that passes, or the worker with all its processes."""

FOLDER = "SABOTAGE"
"""The environment variable that says where the files are; without it nothing happens at any point."""


@dataclass(frozen=True)
class Plan:
    """What is to happen at which passing (from 1) of which point."""

    point: str
    deed: str
    passing: int = 1


@dataclass(frozen=True)
class Struck:
    """What has happened: to which process, and when (seconds since 1970)."""

    pid: int
    group: int
    at: float


@dataclass(frozen=True)
class Failpoints:
    """The files in a folder; for both sides."""

    folder: Path

    def arm(self, plan: Plan) -> None:
        """Have the plan carried out once, from now on."""
        self.disarm()
        draft = self.folder / "draft"
        draft.write_text(json.dumps(asdict(plan)))
        draft.replace(self.folder / "plan")

    def disarm(self) -> None:
        """Nothing happens any more, and nothing has."""
        with self._alone():
            for name in ("plan", "passed", "struck"):
                (self.folder / name).unlink(missing_ok=True)

    def struck(self) -> Struck | None:
        """What has happened, if it has."""
        try:
            return Struck(**json.loads((self.folder / "struck").read_text()))
        except FileNotFoundError:
            return None

    def double(self, doubling: bool) -> None:
        """Whether each task is sent twice from now on."""
        path = self.folder / "doubling"
        path.write_text("") if doubling else path.unlink(missing_ok=True)

    def doubled(self) -> int:
        """How many tasks were, since that was last said."""
        try:
            return (self.folder / "doubling").stat().st_size
        except FileNotFoundError:
            return 0

    def doubles(self) -> bool:
        """Whether this task is to be sent twice; counts it."""
        try:
            descriptor = os.open(self.folder / "doubling", os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:
            return False
        os.write(descriptor, b".")
        os.close(descriptor)
        return True

    def reach(self, point: str) -> None:
        """A point is passed: whoever is meant does not come back from here, or not soon."""
        plan = self._plan()
        if plan is None or plan.point != point:
            return
        with self._alone():
            if self._plan() != plan or self._passed() != plan.passing:
                return
            struck = Struck(os.getpid(), os.getpgrp(), time.time())
            draft = self.folder / "striking"
            draft.write_text(json.dumps(asdict(struck)))
            draft.replace(self.folder / "struck")
            (self.folder / "plan").unlink()
        _do(plan.deed)

    def _plan(self) -> Plan | None:
        try:
            return Plan(**json.loads((self.folder / "plan").read_text()))
        except FileNotFoundError:
            return None

    def _passed(self) -> int:
        with (self.folder / "passed").open("ab") as file:
            file.write(b".")
            return file.tell()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _do(deed: str) -> None:
    how = signal.SIGKILL if deed.startswith("kill") else signal.SIGSTOP
    if deed.endswith("_all"):
        os.killpg(os.getpgrp(), how)
    else:
        os.kill(os.getpid(), how)
    while how == signal.SIGKILL:  # the signal comes in a moment, and nothing may be done in it
        time.sleep(1)


def of_this_process() -> Failpoints | None:
    """The failpoints that the environment names."""
    folder = os.environ.get(FOLDER)
    return Failpoints(Path(folder)) if folder else None
