"""What a part of the installation used: CPU of its whole process tree, and the most memory that one process took."""

import contextlib
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Usage:
    """CPU seconds (user and system), and the peak resident size in bytes of the largest process."""

    cpu: float
    peak: int


class Meter:
    """Watches process trees by name, and processes without their children, from its making on.

    To be read before they end, for the dead cannot be asked.
    """

    def __init__(self, roots: Mapping[str, int], also_alone: Mapping[str, int]) -> None:
        self._trees = {name: psutil.Process(pid) for name, pid in roots.items()}
        self._alone = {name: psutil.Process(pid) for name, pid in also_alone.items()}
        self._before = self._cpu()

    def read(self) -> dict[str, Usage]:
        """By name, what was used since the meter was made."""
        used = {name: seconds - self._before[name] for name, seconds in self._cpu().items()}
        peaks = {name: _peak(root) for name, root in self._trees.items()}
        peaks |= {name: _high_water(process) for name, process in self._alone.items()}
        return {name: Usage(round(used[name], 3), peaks[name]) for name in used}

    def _cpu(self) -> dict[str, float]:
        trees = {name: sum(map(_seconds, _living(root))) for name, root in self._trees.items()}
        return trees | {name: sum(process.cpu_times()[:2]) for name, process in self._alone.items()}


def _seconds(process: psutil.Process) -> float:
    """Its own, and those of the children that it has buried."""
    return float(sum(process.cpu_times()[:4]))


def _living(root: psutil.Process) -> Iterator[psutil.Process]:
    yield root
    for process in root.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.cpu_times()
            yield process


def _peak(root: psutil.Process) -> int:
    return max(_high_water(process) for process in _living(root))


def _high_water(process: psutil.Process) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    resident: int = process.memory_info().rss  # no /proc here: now, and not at its peak
    return resident


def machine() -> dict[str, str | int | float]:
    """What the figures depend on."""
    return {
        "cpu": _cpu_model() or platform.processor() or platform.machine(),
        "cores": psutil.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / MEBIBYTE / 1024, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return ""
