"""How a test waits for what another process does."""

import subprocess
import time
from collections.abc import Callable

PATIENCE = 120.0
"""Seconds. What is waited for comes much sooner; on a machine that does ten other things, it still comes."""


def alive(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for yet does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in ("", "Z")


def eventually(condition: Callable[[], bool], *, within: float = 30) -> bool:
    """Whether the condition comes to hold within so many seconds."""
    until = time.monotonic() + within
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
