"""The oracle: every acceptance, one JSON line an SMS or looked-up number, in the order of acceptance.

A line holds seq, at (seconds since 1970), account, msgfid, msgid, sender, kind (send or lookup), destination, smsfid,
text (as the phone shows it), credits, unicode, and options (flash, binaire, mwi … as they were asked for). Nothing is
ever taken out of it. In memory a line is made only when somebody asks; the sendings themselves are the ledger.
"""

import json
import os
import re
from collections.abc import Iterator
from itertools import islice
from json.encoder import encode_basestring_ascii
from pathlib import Path

from worker.sandbox.appending import AppendedFile
from worker.sandbox.archive import Archive
from worker.sandbox.sendings import Sending

_HEAD = b'{"seq": '
_IDS = re.compile(_HEAD + rb'(\d+), .*?"msgfid": "([0-9a-f-]+)"')


def lines(sending: Sending, *, since: int = 0) -> Iterator[str]:
    """One line of JSON, with its line feed, for each SMS of a sending after running number `since`."""
    return islice(_lines(sending), max(0, since - sending.first + 1), None)


def _lines(sending: Sending) -> Iterator[str]:
    head = json.dumps(
        {
            "at": round(sending.at, 3),
            "account": sending.account,
            "msgfid": sending.msgfid,
            "msgid": sending.msgid,
            "sender": sending.sender,
            "kind": sending.kind,
            "unicode": sending.unicode,
            "options": sending.options,
        }
    )[1:-1]
    start = _HEAD.decode()
    taken = zip(sending.destinations, sending.smsfids, sending.credits, sending.texts, strict=True)
    for seq, (destination, smsfid, price, text) in enumerate(taken, sending.first):
        yield (
            f'{start}{seq}, {head}, "destination": "{destination}", "smsfid": "{smsfid}", '
            f'"text": {encode_basestring_ascii(text)}, "credits": {price}}}\n'
        )


class LedgerFile:
    """The ledger on disk. A sending is with the operating system before `write` returns; with `fsync`, on the disk."""

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self._path = path
        self._file = AppendedFile(path, fsync=fsync)

    def write(self, sending: Sending, *, since: int = 0) -> None:
        """Appends a sending, or what of it comes after running number `since`. Raises Unwritten."""
        self._file.append("".join(lines(sending, since=since)).encode("ascii"))

    def catch_up(self, archive: Archive) -> None:
        """Appends what the file lacks of what was remembered: its writer may have died on the way. Raises Unwritten."""
        if not self._path.is_file():
            return  # a pipe or a terminal, which would be waited for
        whole, since, half = 0, 0, b""
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    half = line
                    break
                whole += len(line)
                found = _IDS.match(line)
                if found and archive.by_msgfid(found[2].decode("ascii")):
                    since = int(found[1])
        if half and _HEAD.startswith(half[: len(_HEAD)]):
            os.truncate(self._path, whole)
        for sending in archive.since(since):
            self.write(sending, since=since)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class Recipients:
    """Who was sent to more than once by one account, over all its sends, and who the same text; lookups do not count.

    Numbers are counted when somebody asks, and texts looked at only if a number came twice by then. Either costs 70
    bytes an SMS, and the texts of a million a third of a second.
    """

    def __init__(self) -> None:
        self._distinct: set[int] = set()
        self._uncounted: list[Sending] = []
        self._messages: set[int] = set()
        self._unread: list[Sending] = []
        self.total = 0

    def add(self, sending: Sending) -> None:
        """Takes a send in."""
        self.total += len(sending)
        self._uncounted.append(sending)
        self._unread.append(sending)

    @property
    def distinct(self) -> int:
        """How many different numbers got a message."""
        for sending in self._uncounted:
            self._distinct.update(sending.destinations)
        self._uncounted.clear()
        return len(self._distinct)

    @property
    def repeats(self) -> int:
        """How many SMS brought a number a text that it already had. Two texts are one where their hashes are."""
        if self.distinct == self.total:
            return 0
        for sending in self._unread:
            self._messages.update(map(hash, zip(sending.destinations, sending.texts, strict=True)))
        self._unread.clear()
        return self.total - len(self._messages)
