"""The status of each message, set from delivery reports in one set-based statement a body.

Rank decides what may overwrite what (`MessageStatus`). Messages are found by number; where the gateway spells a number
otherwise than we did, by its `smsfid`. What ends unbilled gives its credits back (`refunding`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, FromClause, SmallInteger, and_, or_, select, update

from campaigns import pseudonyms, receipts, refunding
from campaigns.database import Record, forbid_scans, now
from campaigns.models import messages
from campaigns.named import Target, by_key
from campaigns.states import UNBILLED, MessageStatus

Told = tuple[int, MessageStatus]
"""The place of the report that counts for a message, and its status."""

LONGEST_NUMBER = 15
"""Digits of an MSISDN (ITU-T E.164); anything longer would not even fit its column."""


class Columns(Protocol):
    """Delivery reports, column by column (see `reports.Reports`)."""

    @property
    def msgfids(self) -> Sequence[str]: ...
    @property
    def smsfids(self) -> Sequence[str]: ...
    @property
    def numbers(self) -> Sequence[str]: ...
    @property
    def statuses(self) -> Sequence[MessageStatus]: ...


@dataclass(frozen=True)
class Brought:
    """What came of it: the messages that were reported on, changed or not, and how many were changed."""

    reported: set[Target]
    changed: int


def apply(connection: Connection, reports: Columns, sendings: Mapping[str, Record]) -> Brought:
    """Bring messages up to what the reports say.

    Args:
        connection: a transaction; its planner is told to forbid scans and hash joins for the rest of it.
        reports: in the order in which they came; the last of a rank wins.
        sendings: msgfid → its attempt (id, campaign_id); reports under other msgfids are left alone.
    """
    named = _named(reports, sendings)
    if not named:
        return Brought(set(), 0)
    forbid_scans(connection)
    latest = _latest(reports, named)
    changed = _update(connection, latest)
    reported = latest
    if changed < len(latest) and (missing := latest.keys() - _select(connection, latest)):
        spelled = by_smsfid(connection, reports, [place for place, target in named if target in missing], sendings)
        changed += _update(connection, _latest(reports, spelled))
        known = [(place, target) for place, target in named if target not in missing]
        reported = _latest(reports, sorted(known + spelled))
    _settle_up(connection, reports, reported, sendings)
    return Brought(set(reported), changed)


def _settle_up(
    connection: Connection, reports: Columns, reported: Mapping[Target, Told], sendings: Mapping[str, Record]
) -> None:
    """Give credits back for what has ended unbilled, and take back what was given for what is delivered after all."""
    attempt_of = {msgfid: sending.id for msgfid, sending in sendings.items()}
    some = not UNBILLED.isdisjoint(reports.statuses)
    unbilled = {target: told for target, told in reported.items() if told[1] in UNBILLED} if some else {}
    # Reported so is not ended so: another end may have come first, and stays.
    ended = _select(connection, unbilled, as_told=True) if unbilled else set()
    of_attempt = {target: attempt_of[reports.msgfids[place]] for target, (place, _) in unbilled.items()}
    otherwise = {target: of_attempt.pop(target) for target in unbilled.keys() - ended}
    refunding.give_back(connection, of_attempt | refunding.of_several(connection, otherwise))
    delivered = (
        (attempt_of[reports.msgfids[place]], target[1])
        for target, (place, status) in reported.items()
        if status == MessageStatus.DELIVERED
    )
    refunding.take_back(connection, {campaign_id for campaign_id, _ in reported}, delivered)


def _named(reports: Columns, sendings: Mapping[str, Record]) -> list[tuple[int, Target]]:
    """Place of each report that is ours, and the message that it names."""
    campaign_of = {msgfid: sending.campaign_id for msgfid, sending in sendings.items()}
    owners = list(map(campaign_of.get, reports.msgfids))
    targets = enumerate(zip(owners, _msisdns(reports.numbers), strict=True))
    if None not in owners:
        return list(targets)  # type: ignore[arg-type]  # all reports of a body are ours, as a rule
    return [(place, (owner, number)) for place, (owner, number) in targets if owner is not None]


def _msisdns(numbers: Sequence[str]) -> list[int]:
    """The numbers; what is no number at all gets a key of its own, and is looked for by its smsfid."""
    together = "".join(numbers)
    # One look at all of them, since usually nothing is wrong with any: half of what to look at each would cost.
    if together.isascii() and together.isdigit() and all(numbers) and max(map(len, numbers)) <= LONGEST_NUMBER:
        found = list(map(int, numbers))
        if all(found):
            return found
    return [msisdn(number) or -1 - place for place, number in enumerate(numbers)]


def msisdn(number: str) -> int | None:
    """A number as reported, if it can be one."""
    return int(number) if number.isdecimal() and len(number) <= LONGEST_NUMBER else None


def _latest(reports: Columns, named: Sequence[tuple[int, Target]]) -> dict[Target, Told]:
    """The report that counts for each message."""
    latest: dict[Target, Told] = {}
    places = [place for place, _ in named]
    told = zip(places, map(reports.statuses.__getitem__, places), strict=True)
    alone = dict(zip([target for _, target in named], told, strict=True))
    if len(alone) == len(named):
        return alone
    for place, target in named:
        status = reports.statuses[place]
        before = latest.get(target)
        if before is None or status.rank >= before[1].rank:
            latest[target] = place, status
    return latest


def _update(connection: Connection, latest: Mapping[Target, Told]) -> int:
    """Set what outranks what is there; returns how many. In the order of the key: two appliers cannot deadlock."""
    if not latest:
        return 0
    m = messages.c
    new, is_named = _named_in(connection, latest)
    in_flight = MessageStatus.WAITING.rank
    rank, new_rank = m.status // 10, new.c.status // 10
    # Nothing that is reported ranks below what is in flight.
    outranks = or_(new_rank > rank, and_(rank == in_flight, new.c.status != m.status))
    return connection.execute(
        update(messages).where(is_named, outranks).values(status=new.c.status, updated_at=now())
    ).rowcount


def _select(connection: Connection, latest: Mapping[Target, Told], *, as_told: bool = False) -> set[Target]:
    """Those messages that there are; with `as_told`, only those whose status is the reported one, and stays so.

    Or their credits would be given back while another body says that they were delivered after all.
    """
    m = messages.c
    asked, is_named = _named_in(connection, latest)
    found = select(m.campaign_id, m.msisdn).where(is_named)
    if as_told:
        found = found.where(m.status == asked.c.status).with_for_update(of=messages, key_share=True)
    return {(row[0], row[1]) for row in connection.execute(found)}


def by_smsfid(
    connection: Connection, reports: Columns, places: Iterable[int], asked: Mapping[str, Record]
) -> list[tuple[int, Target]]:
    """The messages that some reports name by a number that is not ours, by the ids in the receipts of their attempts.

    Those whose number was purged are found by what stands for it, if NUMBERS_KEY tells.

    Args:
        connection: a transaction.
        reports: all of them.
        places: which of them to look for.
        asked: msgfid → its attempt (id, campaign_id).

    Returns:
        Place and message, in the order of the places; those that no receipt names are left out.
    """
    wanted = sorted(places)
    numbers: dict[tuple[str, str | None], int] = {}
    hidden: dict[str, set[int]] = {}
    its_msgfid = {asked[reports.msgfids[place]].id: reports.msgfids[place] for place in wanted}
    for attempt_id, payload, lines in receipts.of(connection, its_msgfid):
        msgfid = its_msgfid[attempt_id]
        if len(payload) == len(lines.smsfids):  # a batch whose dead numbers were dropped has grown shorter
            named = zip(lines.smsfids, payload.numbers, strict=True)
            numbers |= {(msgfid, smsfid): number for smsfid, number in named if smsfid}
        hidden[msgfid] = {number for number in payload.numbers if number < 0}
    found = []
    for place in wanted:
        msgfid, campaign_id = reports.msgfids[place], asked[reports.msgfids[place]].campaign_id
        number = numbers.get((msgfid, reports.smsfids[place]))
        if number is None and hidden.get(msgfid):
            stands_for = hidden_as(campaign_id, reports.numbers[place])
            number = stands_for if stands_for in hidden[msgfid] else None
        if number is not None:
            found.append((place, (campaign_id, number)))
    return found


def hidden_as(campaign_id: int, reported: str) -> int | None:
    """What stands for a reported number in a campaign whose numbers were purged, if that can be told."""
    number = msisdn(reported)
    return None if number is None else pseudonyms.known(campaign_id, number)


def _named_in(connection: Connection, latest: Mapping[Target, Told]) -> tuple[FromClause, ColumnElement[bool]]:
    """These messages and their statuses, by their keys."""
    ordered = sorted(latest)
    campaign_ids, numbers = zip(*ordered, strict=True)
    told = [status for _, status in map(latest.__getitem__, ordered)]
    return by_key(connection, campaign_ids, numbers, status=(SmallInteger, told))
