"""The spool: a private folder of this host, with a file for each body of delivery reports that waits for the database.

A file is whole or it is none: written under another name, synced, renamed. It holds numbers: nobody else may read it.
When a body goes there, and comes back, is in `worker.keeping`.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from time import time
from typing import BinaryIO
from urllib.parse import quote

log = logging.getLogger(__name__)

WRITTEN_WITHIN = 60.0
"""Seconds; a file that is not whole by then never will be."""

ENDING = ".reports"
_FIRST_LINE = b"delivery reports, to be stored: 1\n"

_SAID: set[str] = set()
"""Files that this process has complained of."""


@dataclass(frozen=True, repr=False)
class Arrived:
    """A body, and all that the journal wants to know of it (see `journal.store`)."""

    account: str
    poll_id: int
    body: bytes
    msgfid: str | None
    cut: bool
    at: float


def write(folder: Path, its: Arrived) -> Path | None:
    """The file, once it will be there after a power cut; None if the disk does not take it."""
    name = f"{quote(its.account, safe='')[:80]}.{its.poll_id}.{token_hex(4)}{ENDING}"
    path, unfinished = folder / name, folder / f".{name}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            _lock(file)
            file.write(_FIRST_LINE + _head(its) + b"\n" + zlib.compress(its.body, 1))
            file.flush()
            os.fsync(file.fileno())
            unfinished.replace(path)
        _sync(folder)
        _sync(folder.parent)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        why = error.strerror
    else:
        log.warning("reports of the account %s wait in the file %s: the database does not take them", its.account, path)
        return path
    log.error("reports of the account %s fit neither the database nor a file: %s", its.account, why)
    return None


def _head(its: Arrived) -> bytes:
    known = {"account": its.account, "poll_id": its.poll_id, "msgfid": its.msgfid, "cut": its.cut, "at": its.at}
    return json.dumps(known).encode()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def files(folder: Path) -> list[Path]:
    """The files of the folder, if there is one."""
    try:
        return sorted(path for path in folder.iterdir() if path.name.endswith(ENDING))
    except FileNotFoundError:
        return []
    except OSError as error:
        say(folder, f"cannot be looked into: {error.strerror}")
        return []


@contextmanager
def opened(path: Path) -> Iterator[Arrived | None]:
    """What is in a file, which is ours alone meanwhile; None if another has it, or it is gone, or cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        say(path, f"cannot be read: {error.strerror}")
        yield None
        return
    with os.fdopen(handle, "rb") as file:
        there = _lock(file) and os.fstat(handle).st_nlink
        its = _read(file) if there else None
        if there and its is None and _is_old(path):
            say(path, "is none of ours, or damaged")
        yield its


def _lock(file: BinaryIO) -> bool:
    """False if somebody else has it. Where nothing can be locked everybody has it: storing twice does no harm."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _read(file: BinaryIO) -> Arrived | None:
    try:
        if file.readline(len(_FIRST_LINE)) != _FIRST_LINE:
            return None
        head = json.loads(file.readline())
        return Arrived(
            account=str(head["account"]),
            poll_id=int(head["poll_id"]),
            body=zlib.decompress(file.read()),
            msgfid=None if head["msgfid"] is None else str(head["msgfid"]),
            cut=bool(head["cut"]),
            at=float(head["at"]),
        )
    except (OSError, ValueError, LookupError, TypeError, zlib.error):
        return None


def say(path: Path, what: str) -> None:
    """Name a file that stays, once a process."""
    if str(path) not in _SAID:
        _SAID.add(str(path))
        log.warning("%s %s: it is left alone", path, what)


@dataclass(frozen=True)
class Waiting:
    """A file of the spool; no account if it cannot be read."""

    path: Path
    account: str | None
    since: float


def waiting(folder: Path) -> list[Waiting]:
    """What is in the folder; a file that somebody is writing or storing just now is left out."""
    found = []
    for path in files(folder):
        with suppress(FileNotFoundError), opened(path) as its:
            if its is not None:
                found.append(Waiting(path, its.account, its.at))
            elif _is_old(path):
                found.append(Waiting(path, None, path.stat().st_mtime))
    return found


def _is_old(path: Path) -> bool:
    """It would be whole by now if somebody was writing it."""
    return time() - path.lstat().st_mtime > WRITTEN_WITHIN
