"""Ctrl-C, SIGTERM and a closed terminal, turned into one orderly end.

By itself Python raises KeyboardInterrupt wherever it happens to be: between the start of a child and the line that
notes it, or in the middle of cleaning up after the first Ctrl-C. Here the first signal raises SystemExit, but not
inside an `uninterrupted` block, and those after it change nothing.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_blocks = 0  # how many `uninterrupted` blocks the main thread is in
_received: int | None = None
_farewell = ""
_raised = False


@contextlib.contextmanager
def ends_in_order(farewell: str = "") -> Iterator[None]:
    """Around a whole command, in the main thread: raises SystemExit(128 + n) for the first signal n, and only once.

    `farewell` is said on stderr at once: whoever pressed Ctrl-C and sees nothing presses it again.
    """
    global _received, _raised, _farewell
    _received, _raised, _farewell = None, False, farewell
    before = {number: signal.signal(number, _note) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """A block that a signal does not cut in two; what came meanwhile is raised at its end."""
    global _blocks
    if threading.current_thread() is not threading.main_thread():  # signals are handled in the main one only
        yield
        return
    _blocks += 1
    try:
        yield
    finally:
        _blocks -= 1
        _raise_once()


def _note(number: int, _frame: FrameType | None) -> None:
    global _received
    if _received is None and _farewell:
        os.write(sys.stderr.fileno(), f"\n{_farewell}\n".encode(sys.stderr.encoding, sys.stderr.errors or "replace"))
    _received = _received or number
    _raise_once()


def _raise_once() -> None:
    global _raised
    if _received is not None and not _blocks and not _raised:
        _raised = True
        raise SystemExit(128 + _received)
