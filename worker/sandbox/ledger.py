"""The oracle: every acceptance, one JSON line an SMS or looked-up number, in the order of acceptance.

A line holds seq, at (seconds since 1970), account, msgfid, msgid, sender, kind (send or lookup), destination, smsfid,
text (as the phone shows it), credits, unicode, and options (flash, binaire, mwi … as they were asked for). Nothing is
ever taken out of it. In memory a line is made only when somebody asks; the sendings themselves are the ledger.
"""

import json
import os
from collections.abc import Iterator
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import BinaryIO

from worker.sandbox.sendings import Sending


def lines(sending: Sending) -> Iterator[str]:
    """One line of JSON, with its line feed, for each SMS of a sending."""
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
    prefix, seq = sending.prefix, sending.first
    for destination, price, text in zip(sending.destinations, sending.credits, sending.texts, strict=True):
        yield (
            f'{{"seq": {seq}, {head}, "destination": "{destination}", "smsfid": "{prefix}-{seq:08d}", '
            f'"text": {encode_basestring_ascii(text)}, "credits": {price}}}\n'
        )
        seq += 1


class LedgerFile:
    """The ledger on disk. A sending is with the operating system before `write` returns; with `fsync`, on the disk."""

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._fsync = fsync

    def write(self, sending: Sending) -> None:
        """Appends a sending."""
        left = memoryview("".join(lines(sending)).encode("ascii"))
        while left:
            left = left[self._file.write(left) :]
        if self._fsync:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class Recipients:
    """Who was sent to more than once by one account, over all its sends; lookups do not count."""

    def __init__(self) -> None:
        self._distinct: set[int] = set()
        self._uncounted: list[Sending] = []
        self.total = 0

    def add(self, sending: Sending) -> None:
        """Takes a send in. Counting waits until somebody asks: it is the one thing here that costs 70 bytes an SMS."""
        self.total += len(sending)
        self._uncounted.append(sending)

    @property
    def distinct(self) -> int:
        """How many different numbers got a message."""
        for sending in self._uncounted:
            self._distinct.update(sending.destinations)
        self._uncounted.clear()
        return len(self._distinct)
