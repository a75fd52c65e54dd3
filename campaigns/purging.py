"""A purge on its way: the batches of campaigns, and the rows that were left out of them, some thousands at a time.

Each slice is one transaction with the place to go on from, so it may be broken off anywhere; whoever comes second finds
the rows of `purges` taken, and goes away. Which campaigns are in it, and since when, is the affair of `retention`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import BigInteger, Connection, Text, and_, bindparam, delete, select, update

from campaigns import erasing, prefixes, pseudonyms
from campaigns.database import Record, among, rows_of
from campaigns.models import batches, campaigns, exclusions, messages, purges
from campaigns.named import by_key
from campaigns.phone import normalizer
from campaigns.pseudonyms import Hide
from campaigns.settings import domain_settings
from campaigns.states import Purged

CAMPAIGNS_AT_ONCE = 100
"""Campaigns that are purged side by side: many are of one recipient."""

MESSAGES_AT_ONCE = 2_000
"""About so many messages, or rows that were left out, are written in one transaction."""

_HEADS_AT_ONCE = 100

_LAST = 2**31 - 1
"""Stands for the last batch, or row, of a campaign that has no more of them."""

_Hides = Mapping[int, Hide]
"""Campaign → how its numbers are hidden."""


def go_on(connection: Connection) -> bool:
    """Write some thousands of messages of the campaigns that are at it; those that have no more are done.

    Args:
        connection: a transaction, whose planner scans and sorts no table.

    Returns:
        Whether there was one.
    """
    p, c = purges.c, campaigns.c
    at_it = select(p.campaign_id, p.secret, p.batch, p.row, c.purged, c.numbers_key).where(c.id == p.campaign_id)
    first = at_it.order_by(p.campaign_id).limit(CAMPAIGNS_AT_ONCE)
    some = connection.execute(first.with_for_update(of=campaigns, key_share=True, skip_locked=True)).all()
    if not some:
        return False
    hides = {
        purge.campaign_id: pseudonyms.hide_with(purge.campaign_id, purge.secret, begun_with=purge.numbers_key)
        for purge in some
    }
    of_numbers = [purge for purge in some if purge.purged == Purged.NUMBERS]
    went_on = (
        _batches(connection, some, hides)
        or _left_out(connection, of_numbers, hides)
        or _strays(connection, of_numbers, hides)
    )
    if not went_on:
        connection.execute(delete(purges).where(among(connection, p.campaign_id, hides)))
    return True


# --- Batches --------------------------------------------------------------------------------------------------------


def _batches(connection: Connection, some: Sequence[Record], hides: _Hides) -> bool:
    """The next batches of these campaigns, each with all that names somebody in it."""
    found, done = _next_batches(connection, [purge for purge in some if purge.batch != _LAST])
    purged = {purge.campaign_id: purge.purged for purge in some}
    anonymous = [batch for batch in found if purged[batch.campaign_id] == Purged.NUMBERS]
    if anonymous:
        keep_prefixes(connection, sorted(erasing.named_in(anonymous)))
        erasing.people(connection, anonymous, lambda campaign_id, number: hides[campaign_id](number))
    erasing.texts(connection, [batch for batch in found if purged[batch.campaign_id] == Purged.TEXT])
    _note(connection, "batch", done)
    return bool(done)


def _next_batches(connection: Connection, some: Iterable[Record]) -> tuple[Sequence[Record], dict[int, int]]:
    """Batches with some thousands of messages in all, and which is the last one of each campaign then."""
    b, room = batches.c, MESSAGES_AT_ONCE
    columns = select(b.id, b.number, b.size).order_by(b.number).limit(_HEADS_AT_ONCE)
    ids: list[int] = []
    done: dict[int, int] = {}
    for purge in some:
        if room <= 0:
            break
        its = columns.where(b.campaign_id == purge.campaign_id)
        heads = connection.execute(its if purge.batch is None else its.where(b.number > purge.batch)).all()
        done[purge.campaign_id] = _LAST
        for place, head in enumerate(heads, 1):
            ids.append(head.id)
            room -= head.size or MESSAGES_AT_ONCE // 10  # one that was put aside with its payload does not say
            if room <= 0 or place == _HEADS_AT_ONCE:
                done[purge.campaign_id] = head.number
                break
    found = select(b.id, b.campaign_id, b.payload).where(among(connection, b.id, ids)).order_by(b.id)
    return connection.execute(found).all() if ids else (), done


def keep_prefixes(connection: Connection, targets: Sequence[tuple[int, int]]) -> None:
    """Keep with their campaigns how the numbers of messages (campaign, number) begin that go now; in order."""
    if not targets:
        return
    _, is_named = by_key(connection, [its for its, _ in targets], [number for _, number in targets])
    counts, c = prefixes.counted(connection, is_named), campaigns.c
    before = connection.execute(select(c.id, c.prefixes).where(among(connection, c.id, counts))).all()
    summed = [{"its_id": its, "summed": prefixes.summed(known or {}, counts[its])} for its, known in before]
    if summed:
        kept = update(campaigns).where(c.id == bindparam("its_id"))
        connection.execute(kept.values(prefixes=bindparam("summed", type_=c.prefixes.type)), summed)


# --- Rows that were left out ----------------------------------------------------------------------------------------


def _left_out(connection: Connection, some: Iterable[Record], hides: _Hides) -> bool:
    """The next rows of these campaigns that were left out: who is in them."""
    normalize = normalizer(domain_settings().default_region)
    key = pseudonyms.fingerprint()
    room, done = MESSAGES_AT_ONCE, {}
    hidden: list[tuple[int, int, str]] = []
    for purge in some:
        if purge.row == _LAST or room <= 0:
            continue
        rows = _next_rows(connection, purge, room)
        done[purge.campaign_id] = rows[-1].row if len(rows) == room else _LAST
        room -= len(rows)
        keyed = key is not None and purge.numbers_key == key  # else nobody could find them: nothing stands for them
        for row in rows:
            number = normalize(row.number) if keyed else None
            stands = "" if number is None else str(hides[purge.campaign_id](number))
            hidden.append((purge.campaign_id, row.row, stands))
    _hide_rows(connection, hidden)
    _note(connection, "row", done)
    return bool(done)


def _next_rows(connection: Connection, purge: Record, most: int) -> Sequence[Record]:
    e = exclusions.c
    found = select(e.row, e.number).where(e.campaign_id == purge.campaign_id).order_by(e.row).limit(most)
    return connection.execute(found if purge.row is None else found.where(e.row > purge.row)).all()


def _hide_rows(connection: Connection, some: Sequence[tuple[int, int, str]]) -> None:
    """Campaign, row, and what stands for the number."""
    if not some:
        return
    campaign_ids, rows, stands = zip(*some, strict=True)
    e = exclusions.c
    named = rows_of(
        connection, "named", campaign_id=(BigInteger, campaign_ids), row=(BigInteger, rows), stands=(Text, stands)
    )
    mine = and_(e.campaign_id == named.c.campaign_id, e.row == named.c.row)
    connection.execute(update(exclusions).where(mine).values(number=named.c.stands))


# --- What is left, and how far it is --------------------------------------------------------------------------------


def _strays(connection: Connection, some: Iterable[Record], hides: _Hides) -> bool:
    """Messages that no payload names: of one that could not be read."""
    m = messages.c
    for purge in some:
        its = select(m.msisdn).where(m.campaign_id == purge.campaign_id, m.msisdn > 0)
        numbers = connection.execute(its.order_by(m.msisdn).limit(MESSAGES_AT_ONCE)).scalars().all()
        if numbers:
            hide = hides[purge.campaign_id]
            keep_prefixes(connection, [(purge.campaign_id, number) for number in numbers])
            erasing.rename(connection, {(purge.campaign_id, number): hide(number) for number in numbers})
            return True
    return False


def _note(connection: Connection, column: str, done: Mapping[int, int]) -> None:
    """How far each campaign is."""
    if done:
        mine = update(purges).where(purges.c.campaign_id == bindparam("its_id")).values({column: bindparam("place")})
        connection.execute(mine, [{"its_id": its, "place": place} for its, place in done.items()])
