"""A file that is only ever appended to, whole lines at a time: what the ledger and the memory are kept in.

What has been appended is with the operating system. Where that fails nobody may be told that anything was accepted, and
nothing may follow on half a line: the file is left as it was, and is never written to again.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


class Unwritten(Exception):
    """What was done could not be written down. Whoever asked must not hear that it was done, and the sandbox must end:
    what it knows and what it would know after a restart are two things from here on."""


class AppendedFile:
    """Lines on disk; with `fsync`, forced there each time. Raises OSError where it cannot be opened."""

    def __init__(self, path: Path, *, fsync: bool = False, mode: int = 0o666) -> None:
        self._path = path
        self._fsync = fsync
        self._broken = ""
        self._file: BinaryIO = open(  # noqa: SIM115 - closed by `close`
            path, "ab", buffering=0, opener=lambda name, flags: os.open(name, flags, mode)
        )

    def fileno(self) -> int:
        """The open file."""
        return self._file.fileno()

    def append(self, lines: bytes) -> None:
        """Raises Unwritten."""
        if not self._broken:
            self._try(lines)
        if self._broken:
            raise Unwritten(self._broken)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _try(self, lines: bytes) -> None:
        whole, left = os.fstat(self._file.fileno()).st_size, memoryview(lines)
        try:
            while left:
                left = left[self._file.write(left) :]
            if self._fsync:
                os.fsync(self._file.fileno())
        except OSError as wrong:
            self._broken = f"{self._path}: {wrong.strerror}"
            with suppress(OSError):
                self._file.truncate(whole)
