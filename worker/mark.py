"""The mark: a small file of this host that says how far a database was when a worker here last sent through it.

A database that was set back, because a backup of it was restored, does not know what has left since, and would have it
sent again. So each claim raises the mark before its request is made, and a database that does not know the request of
the mark does not know all that was sent: nothing of it leaves. A request is known by its id and its msgid: ids alone
are given out again after a backup, and skipped by a standby that takes over. A host that has no mark cannot tell (and
then it is for a person to say so: `campaigns restored`).

A claim costs some microseconds: the file is neither synced nor closed, for it need not outlive a power cut by itself.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from campaigns import lineage
from campaigns.database import Database
from campaigns.lineage import Lineage
from campaigns.turns import Turn
from worker.language import N_

log = logging.getLogger(__name__)

_ANY = sys.maxsize
"""Whatever is claimed is to be looked at."""

_LENGTH = 80
"""Bytes: two decimal numbers and a msgid with blanks around them, and a line's end."""

BEHIND = N_("this host has seen request {seen:d}, which it does not know")
OLDER = N_("this host has seen it after a restored backup was seen to, and it knows nothing of that")


@dataclass(frozen=True)
class Seen:
    """What a mark says: of which generation the database was, and the highest request that was seen of it."""

    generation: int = 0
    attempt_id: int = 0
    msgid: str = ""


@dataclass(frozen=True)
class SetBack:
    """What a host can tell by its mark: that the database was set back, how, and which generation it has seen at last.

    Whoever has seen to the backup since has begun a later one.
    """

    how: str
    generation: int


class Mark:
    """The mark of one database on this host; one that cannot be kept says so once, and knows nothing.

    Args:
        folder: where it is; without one none is kept.
        its: what the database says of itself.

    Attributes:
        generation: the database's, as this process knows it.
    """

    def __init__(self, folder: Path | None, its: Lineage | None = None) -> None:
        self._handle: int | None = None
        self.generation = its.generation if its else 0
        if folder is None or its is None:
            return
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._handle = os.open(path(folder, its.identity), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            why = "no mark is kept in %s (%s): a restored backup of the database would not be noticed by this host"
            log.warning(why, folder, error.strerror)

    def __del__(self) -> None:
        if self._handle is not None:
            with suppress(OSError):
                os.close(self._handle)

    def seen(self) -> Seen:
        """What it says; nothing, if it is new or damaged."""
        with _Locked(self._handle, fcntl.LOCK_SH):  # or half of it may be of before: a false alarm stops everything
            return self._read()

    def highest(self) -> int:
        """The highest request that was seen: since a restored backup was seen to, if one was."""
        its = self.seen()
        return its.attempt_id if its.generation == self.generation else 0 if its.generation < self.generation else _ANY

    def rise(self, attempt_id: int, msgid: str) -> None:
        """This request is about to be made; what others on this host have seen beyond it stays."""
        with _Locked(self._handle):
            its, now = self._read(), Seen(self.generation, attempt_id, msgid)
            if (now.generation, now.attempt_id) > (its.generation, its.attempt_id):
                self._write(now)

    def _read(self) -> Seen:
        if self._handle is None:
            return Seen()
        try:
            return _parsed(os.pread(self._handle, _LENGTH, 0))
        except OSError:
            return Seen()

    def _write(self, seen: Seen) -> None:
        if self._handle is not None:
            with suppress(OSError):  # a disk that is full: what was seen before is what it knows
                line = f"{seen.generation:>16d} {seen.attempt_id:>20d} {seen.msgid:<41s}\n"
                os.pwrite(self._handle, line.encode(), 0)


@dataclass
class _Locked:
    """Ours alone for two system calls: of two processes that rise it, the lower one must not be the last."""

    handle: int | None
    how: int = fcntl.LOCK_EX
    held: bool = field(default=False, init=False)

    def __enter__(self) -> None:
        if self.handle is not None:
            with suppress(OSError):
                fcntl.flock(self.handle, self.how)
                self.held = True

    def __exit__(self, *_: object) -> None:
        if self.held and self.handle is not None:
            fcntl.flock(self.handle, fcntl.LOCK_UN)


def path(folder: Path, identity: str) -> Path:
    """Where the mark of a database is."""
    return folder / f"database-{identity}.mark"


def of_this_host(folder: Path, its: Lineage) -> Mark:
    """This host's mark, if it has one: who only looks, perhaps as another user, makes none that workers cannot open."""
    return Mark(folder if path(folder, its.identity).exists() else None, its)


def _parsed(line: bytes) -> Seen:
    try:
        generation, attempt_id, msgid = line.decode("ascii").split()
        return Seen(int(generation), int(attempt_id), msgid)
    except ValueError:
        return Seen()


def is_doubtful(seen: Seen, turn: Turn) -> bool:
    """Whether it is to be looked at if the database was set back, by what a lane was told as its turn began."""
    return turn.generation < seen.generation or (turn.generation == seen.generation and not turn.knows)


def behind(database: Database, mark: Mark) -> SetBack | None:
    """How this host can tell that the database was set back; None if it cannot.

    The mark is read before the database: whatever it says was committed by then.
    """
    seen, its = mark.seen(), lineage.read(database)
    if its.generation < seen.generation:
        return SetBack(OLDER, seen.generation)
    if its.generation > seen.generation or lineage.knows_of(database, seen.attempt_id, seen.msgid):
        return None  # of a later one: somebody has seen to it since
    return SetBack(BEHIND.format(seen=seen.attempt_id), seen.generation)


def look(database: Database, folder: Path) -> str | None:
    """As a worker starts: whether the database was set back, in a sentence; nothing is claimed then."""
    its = lineage.read(database)
    mark = Mark(folder, its)
    found = behind(database, mark)
    newest, msgid = lineage.newest_attempt(database)
    if found is None:
        if newest:
            mark.rise(newest, msgid)
        return its.set_back if its.set_back_at else None
    lineage.declare_set_back(database, found.how, newest_attempt=newest, generation=found.generation)
    return found.how
