"""What a part of the installation used: CPU of its whole process tree, and the most memory that one process took."""

import contextlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Usage:
    """CPU seconds (user and system), and the peak resident size in bytes of the largest process."""

    cpu: float
    peak: int


class Meter:
    """Watches process trees by name, from its making on; to be read before they end, for the dead cannot be asked."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._trees = {name: psutil.Process(pid) for name, pid in roots.items()}
        self._before = self._cpu()

    def read(self) -> dict[str, Usage]:
        """By name, what was used since the meter was made."""
        used = {name: seconds - self._before[name] for name, seconds in self._cpu().items()}
        return {name: Usage(round(used[name], 3), _peak(root)) for name, root in self._trees.items()}

    def _cpu(self) -> dict[str, float]:
        return {name: _seconds(root) for name, root in self._trees.items()}


_BURIED = [0.0]
"""CPU seconds of the children of those whom we kill: nobody tells us when they end, for they are not our children."""


def bury(pid: int) -> None:
    """Just before a process is killed: what its children used is ours, too."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                _BURIED[0] += sum(child.cpu_times()[:4])


class Neighbours:
    """What everybody else on this machine used of it, from its making on: the noise in our figures."""

    def __init__(self) -> None:
        self._before = self._read()

    def share(self) -> float:
        """Of all its processors' time, the part that neither we nor what we started had, and that was not idle."""
        passed, others = (now - before for now, before in zip(self._read(), self._before, strict=True))
        return max(0.0, others / passed) if passed else 0.0

    @staticmethod
    def _read() -> tuple[float, float]:
        times = psutil.cpu_times()
        passed = sum(times) - getattr(times, "guest", 0) - getattr(times, "guest_nice", 0)  # they are in `user` as well
        idle = times.idle + getattr(times, "iowait", 0)
        return passed, passed - idle - _seconds(psutil.Process()) - _BURIED[0]


def _seconds(root: psutil.Process) -> float:
    """CPU of a tree: of whoever lives, and of the children that they have buried."""
    used = 0.0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            used += sum(process.cpu_times()[:4])
    return used


def _peak(root: psutil.Process) -> int:
    """Of the largest process of a tree that lives."""
    return max(map(_high_water, [root, *root.children(recursive=True)]))


def _high_water(process: psutil.Process) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(psutil.NoSuchProcess):  # no /proc here: now, and not at its peak
        return int(process.memory_info().rss)
    return 0


def machine() -> dict[str, str | int | float]:
    """What the figures depend on."""
    return {
        "cpu": _cpu_model() or platform.processor() or platform.machine(),
        "cores": psutil.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / MEBIBYTE / 1024, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        **{package: version(package) for package in ("celery", "sqlalchemy", "psycopg", "lxml")},
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return ""
