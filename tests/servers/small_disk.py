"""A small file system of a test's own, to be filled: a tmpfs that nobody sees but those who enter its namespaces.

It needs no root, but a Linux that lets its users have namespaces of their own (`unshare`, `nsenter`, of util-linux).
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from worker.processes import EndedEarlyError, Processes

READY_WITHIN = 60.0  # seconds
HOLDER = "disk"


class NoSmallDiskError(RuntimeError):
    """This machine does not let us have one; says why."""


@dataclass(frozen=True)
class SmallDisk:
    """Mounted at `path` for those who enter; `holder` keeps it there. `owner` is who all of it runs as, if not we."""

    path: Path
    holder: int
    owner: str | None

    @property
    def enter(self) -> tuple[str, ...]:
        """What stands before a command that is to see it; its own user is root there."""
        return ("nsenter", "-t", str(self.holder), "-U", "-m", "--preserve-credentials", "--")

    @property
    def enter_as_nobody_special(self) -> tuple[str, ...]:
        """The same for a command that refuses root."""
        return (*self.enter, "unshare", "-U", "--map-user=1", "--map-group=1", "--")

    def fill(self) -> None:
        """There is no room left."""
        done = self._run("sh", "-c", 'cat /dev/zero > "$0"', str(self._ballast))
        assert done.returncode, "it has no end"

    def free(self) -> None:
        """There is room again."""
        assert not self._run("rm", str(self._ballast)).returncode

    def take_in(self, folder: Path) -> None:
        """Copy a folder there."""
        assert not self._run("cp", "-r", "--preserve=mode", str(folder), str(self.path)).returncode

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    def _run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        group = None if self.owner is None else pwd.getpwnam(self.owner).pw_gid
        groups: Sequence[int] | None = None if self.owner is None else []
        return subprocess.run(
            [*self.enter, *command], user=self.owner, group=group, extra_groups=groups, capture_output=True
        )


def small_disk(processes: Processes, path: Path, *, megabytes: int, owner: str | None) -> SmallDisk:
    """A new one, of which `processes` is the end. Raises NoSmallDiskError."""
    missing = [name for name in ("unshare", "nsenter") if shutil.which(name) is None]
    if missing:
        raise NoSmallDiskError(f"{', '.join(missing)} not installed: apt-get install util-linux")
    path.mkdir(mode=0o700)
    if owner is not None:
        os.chown(path, pwd.getpwnam(owner).pw_uid, -1)
    mount = f'mount -t tmpfs -o size={megabytes}m,mode=0700 disk "$0" && echo mounted && exec sleep infinity'
    command = ["unshare", "-Um", "--map-root-user", "sh", "-c", mount, str(path)]
    child = processes.start(HOLDER, command, cwd=path.parent, user=owner, farewell=SIGKILL)
    try:
        processes.until(lambda: "mounted" in child.last_lines(), within=READY_WITHIN, what="a small disk is mounted")
    except EndedEarlyError as error:
        processes.stop(HOLDER)
        why = child.last_lines(1) or str(error)
        raise NoSmallDiskError(f"this machine lets nobody mount a disk of his own: {why}") from None
    return SmallDisk(path, child.process.pid, owner)
