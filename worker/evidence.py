"""What parked bodies say of the doubts that stand.

A doubt may stand for days, and a shared account may park a body every few seconds: so a process reads each of them
once, and keeps of it only what may prove a doubt. What proves one is decided in `campaigns.doubts`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakKeyDictionary

from campaigns import doubts, journal
from campaigns.database import Database, Record
from campaigns.doubts import Evidence
from campaigns.reports import Reports

Read = Callable[[int], Reports]


@dataclass(frozen=True)
class _Said:
    """What one body says: the numbers by unknown msgfid, none where they are of no batch in doubt."""

    numbers: dict[str, frozenset[int] | None]
    alone: bool  # it names one msgfid, and nothing else


@dataclass
class _Kept:
    in_doubt: dict[int, frozenset[int]]
    said: dict[int, _Said] = field(default_factory=dict)
    seen: dict[str, datetime] = field(default_factory=dict)  # to look for it reads the whole journal


_KEPT: WeakKeyDictionary[Database, dict[str, _Kept]] = WeakKeyDictionary()
"""By account, what this process has read since the doubts were others."""


def gather(database: Database, account: str, parked: Sequence[Record], read: Read) -> list[Evidence]:
    """The evidence for the account's doubts in its parked polls.

    Args:
        database: where.
        account: whose.
        parked: all its polls (id, msgfid, unknown) that wait.
        read: a poll's id → what its body says; called once for each, until another request falls in doubt.

    Returns:
        For each msgfid whose every report is of a batch in doubt; others prove nothing.
    """
    of_database = _KEPT.setdefault(database, {})
    if not parked:
        of_database.pop(account, None)
        return []
    kept, ids = of_database.get(account, _Kept({})), doubts.in_doubt(database, account)
    if kept.in_doubt.keys() != ids:
        kept = _Kept(doubts.numbers_of(database, ids))
    kept.said = {poll.id: kept.said.get(poll.id) or _read(poll, kept, read) for poll in parked} if ids else {}
    of_database[account] = kept
    numbers, asked_for = _together([(poll, kept.said[poll.id]) for poll in parked] if ids else [])
    # A sending that was seen before the attempt began is another program's, though its first reports are long closed.
    first = _first_seen(database, account, kept, parked, numbers.keys()) if numbers else {}
    return [Evidence(msgfid, numbers[msgfid], seen, asked_for.get(msgfid)) for msgfid, seen in first.items()]


def _read(poll: Record, kept: _Kept, read: Read) -> _Said:
    its = read(poll.id)
    found = its.numbers_by(set(poll.unknown))
    may_matter = {
        # Kept as nothing, and not left out: another body may have more of the same sending.
        msgfid: numbers if any(numbers <= batch for batch in kept.in_doubt.values()) else None
        for msgfid, numbers in found.items()
    }
    return _Said(may_matter, alone=len(set(its.msgfids)) == 1)


def _together(said: Sequence[tuple[Record, _Said]]) -> tuple[dict[str, frozenset[int]], dict[str, str]]:
    """By msgfid: the numbers, if each report is of a batch in doubt; and what was asked for, if that was the answer."""
    numbers: dict[str, frozenset[int]] = {}
    asked_for: dict[str, str] = {}
    of_others: set[str] = set()
    for poll, its in said:
        for msgfid in its.numbers.keys() & set(poll.unknown):  # some of them may be known meanwhile
            mine = its.numbers[msgfid]
            if mine is None:
                of_others.add(msgfid)
                continue
            numbers[msgfid] = mine | numbers.get(msgfid, frozenset())
            if poll.msgfid is not None and its.alone:
                asked_for[msgfid] = poll.msgfid
    return {msgfid: mine for msgfid, mine in numbers.items() if msgfid not in of_others}, asked_for


def _first_seen(
    database: Database, account: str, kept: _Kept, parked: Sequence[Record], msgfids: Collection[str]
) -> dict[str, datetime]:
    """When a report under each of these first came; a body that waited in a file may be stored later and be older."""
    unsought = [msgfid for msgfid in msgfids if msgfid not in kept.seen]
    kept.seen |= journal.first_seen(database, account, unsought) if unsought else {}
    for poll in parked:
        for msgfid in kept.seen.keys() & set(poll.unknown):
            kept.seen[msgfid] = min(kept.seen[msgfid], poll.stored_at)
    return {msgfid: kept.seen[msgfid] for msgfid in msgfids if msgfid in kept.seen}
