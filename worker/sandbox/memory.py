"""What a sandbox still knows after a restart: each deed that changed it, a line of JSON, done again at the next start.

Deeds are acceptances, readings of reports, top-ups and changes of settings. All else that a gateway knows follows from
them, because fate is a seeded draw: a deed done again at its old moment has the ids, ends and refunds that it had. A
line is with the operating system before its reply leaves; what a crash left of half a line is cut off, since nobody was
answered for it, and what it left out of the files of the ledger and the readings is put there. One sandbox at a time
has the file. A million messages take half a minute to remember. The file holds numbers and texts, but no password.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from worker.sandbox.appending import AppendedFile
from worker.sandbox.calls import Answer, Call, LookupCall, ReportsAnswer, ReportsCall, SendCall
from worker.sandbox.clock import Clock, Moment
from worker.sandbox.codes import Refused
from worker.sandbox.deeds import Forgetful
from worker.sandbox.gateway import Gateway
from worker.sandbox.ledger import LedgerFile
from worker.sandbox.options import CHANGEABLE, SandboxOptions
from worker.sandbox.readings import ReadingsFile

# What a gateway began with, and what everything since has depended on.
_FIXED = ("credits", "senders", "country", "active", "enterprise", "may_send", "seed")
_BEGAN, _TOPPED_UP, _SET = "began", "topped_up", "set"
_CALLS = {call.__name__: call for call in (SendCall, LookupCall, ReportsCall)}


class Memory(Forgetful):
    """The deeds in one file, which is only ever appended to."""

    def __init__(self, path: Path) -> None:
        """Raises ValueError where another sandbox has the file; OSError."""
        self._file = AppendedFile(path, mode=0o600)
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise ValueError(f"{path} is in use by another sandbox: stop that one, or name another file") from None

    def note_call(self, moment: Moment, login: str, call: Call) -> None:
        """A call was carried out; one that only looks is no deed."""
        if isinstance(call, SendCall | LookupCall | ReportsCall):
            what = {field.name: getattr(call, field.name) for field in fields(call)}
            self._note(type(call).__name__, moment, {"login": login, "call": what})

    def note_top_up(self, moment: Moment, login: str, amount: int) -> None:
        """Credits were granted."""
        self._note(_TOPPED_UP, moment, {"login": login, "amount": amount})

    def note_settings(self, moment: Moment, login: str, changes: Mapping[str, Any]) -> None:
        """Settings were changed, of one account or of all."""
        self._note(_SET, moment, {"login": login, "changes": changes})

    def note_beginning(self, moment: Moment, options: SandboxOptions) -> None:
        """There is a gateway now."""
        self._note(_BEGAN, moment, {"fixed": _fixed(options), "settings": _settings(options)})

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _note(self, deed: str, moment: Moment, what: Mapping[str, Any]) -> None:
        line = json.dumps({"deed": deed, "at": moment.at, "tick": moment.tick, **what}) + "\n"
        self._file.append(line.encode("ascii"))


def remembering(options: SandboxOptions) -> Gateway:
    """The gateway of these options: a new one, or that of the file `options.state`, brought back to where it was.

    Raises ValueError for a file that is no such memory, that of a gateway which began otherwise, or another sandbox's;
    OSError, and Unwritten.
    """
    path = options.state
    if path is None:
        return Gateway(options)
    memory = Memory(path)
    try:
        return _opened(options, path, memory)
    except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError, Refused):
        memory.close()
        raise ValueError(f"{path} is no memory of a sandbox: name another file") from None
    except BaseException:
        memory.close()
        raise


def _opened(options: SandboxOptions, path: Path, memory: Memory) -> Gateway:
    if path.stat().st_size:
        gateway = _recalled(options, path)
    else:
        gateway = Gateway(options)
        memory.note_beginning(Moment(gateway.clock.began, 0), options)
    gateway.memory = memory
    now = _settings(options)
    changes = {name: now[name] for name, value in _settings(gateway.options).items() if value != now[name]}
    if changes:
        gateway.change("", **changes)
    return gateway


def _recalled(options: SandboxOptions, path: Path) -> Gateway:
    """What the file tells of, done again."""
    with path.open("rb") as file:
        beginning = json.loads(file.readline())
        _check(options, beginning, path)
        clock, last = Clock(), Moment(beginning["at"], 0)
        with clock.held(last):
            gateway = Gateway(replace(options, ledger=None, **beginning["settings"]), clock=clock)
        whole = file.tell()
        read: list[tuple[float, str, ReportsAnswer]] = []
        for line in file:
            if not line.endswith(b"\n"):
                break
            deed = json.loads(line)
            last = Moment(deed["at"], deed["tick"])
            with clock.held(last):
                answer = _do(gateway, deed)
            if options.readings and isinstance(answer, ReportsAnswer):
                read.append((last.at, deed["login"], answer))
            whole += len(line)
    os.truncate(path, whole)
    clock.resume(beginning["at"], last)
    if options.ledger:
        gateway.ledger = LedgerFile(options.ledger, fsync=options.ledger_fsync)
        gateway.ledger.catch_up(gateway.archive)
    if options.readings:
        with closing(ReadingsFile(options.readings)) as readings:
            readings.catch_up(read)
    return gateway


def _check(options: SandboxOptions, beginning: dict[str, Any], path: Path) -> None:
    if beginning["deed"] != _BEGAN:
        raise KeyError(_BEGAN)
    ours, theirs = _fixed(options), beginning["fixed"]
    other = [name for name in ours if ours[name] != theirs[name]]
    if other:
        raise ValueError(f"{path} is the memory of a gateway with other {', '.join(other)}: name another file")


def _do(gateway: Gateway, deed: dict[str, Any]) -> Answer | None:
    what = deed["deed"]
    if what == _TOPPED_UP:
        gateway.top_up(deed["login"], deed["amount"])
    elif what == _SET:
        gateway.change(deed["login"], **deed["changes"])
    else:
        return gateway.carry_out(deed["login"], _CALLS[what](**deed["call"]))
    return None


def _fixed(options: SandboxOptions) -> dict[str, Any]:
    """As JSON has it: a tuple is a list there."""
    fixed = {name: getattr(options, name) for name in _FIXED} | {"logins": list(options.accounts)}
    return dict(json.loads(json.dumps(fixed)))


def _settings(options: SandboxOptions) -> dict[str, Any]:
    settings = {name: getattr(options, name) for name in sorted(CHANGEABLE)}
    return dict(json.loads(json.dumps(settings, default=dict)))
