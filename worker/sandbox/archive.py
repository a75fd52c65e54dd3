"""All sendings in the order of acceptance, found again by any of their ids."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from worker.sandbox.sendings import Sending, running_number


class Archive:
    """Sendings are known by their index, from 0."""

    def __init__(self) -> None:
        self.sendings: list[Sending] = []
        self._firsts: list[int] = []
        self._next = 1
        self._by_msgid: dict[tuple[str, str], list[int]] = defaultdict(list)

    def __getitem__(self, index: int) -> Sending:
        return self.sendings[index]

    def __len__(self) -> int:
        return len(self.sendings)

    def add(self, **fields: Any) -> tuple[int, Sending]:
        """Records an acceptance, given the fields of a `Sending` but its numbers. Returns its index and itself."""
        index = len(self.sendings)
        sending = Sending(number=index + 1, first=self._next, **fields)
        self.sendings.append(sending)
        self._firsts.append(self._next)
        self._next += len(sending)
        self._by_msgid[sending.account, sending.msgid].append(index)
        return index, sending

    def asked_for(self, account: str, *, msgfid: str, smsfid: str, msgid_understood: bool) -> list[int]:
        """The sendings of an account that a filter of getdlrs (III) means; none where it means nothing of theirs."""
        found = self.by_msgfid(msgfid) if msgfid else self._by_smsfid(smsfid)
        if not found and msgid_understood:
            found = self._by_msgid.get((account, msgfid), [])
        return [index for index in found if self.sendings[index].account == account]

    def by_msgfid(self, msgfid: str) -> list[int]:
        """The sending with this id, if there is one."""
        number = running_number(msgfid)
        if number is None or not 0 < number <= len(self.sendings) or self.sendings[number - 1].msgfid != msgfid:
            return []
        return [number - 1]

    def find(self, wanted: str, *, accounts: Iterable[str]) -> list[tuple[int, int]]:
        """The sendings of these accounts that any id means: a msgfid, an smsfid or a msgid; the newest first.

        Each with the position of the SMS that is meant: the first, unless it is an smsfid.
        """
        found = self.by_msgfid(wanted)
        if not found:
            for index in self._by_smsfid(wanted):
                position = self.sendings[index].position(wanted)
                if position is not None:
                    return [(index, position)]
            found = sorted(index for account in accounts for index in self._by_msgid.get((account, wanted), ()))
        return [(index, 0) for index in reversed(found)]

    def since(self, seq: int) -> list[Sending]:
        """Sendings with any SMS whose running number is greater than `seq`."""
        return self.sendings[max(0, bisect_right(self._firsts, seq + 1) - 1) :]

    def newest(self, count: int, *, before: int = 0) -> range:
        """Indexes of the last `count` sendings, the newest first; with `before`, of those whose first SMS has a smaller
        running number."""
        end = bisect_left(self._firsts, before) if before else len(self.sendings)
        return range(end - 1, max(end - count, 0) - 1, -1)

    def _by_smsfid(self, smsfid: str) -> list[int]:
        number = running_number(smsfid)
        index = bisect_right(self._firsts, number) - 1 if number is not None else -1
        return [index] if index >= 0 else []
