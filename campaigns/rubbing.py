"""One person rubbed out of what is stored as it came: raw reports, and audiences.

Both are compressed, and have no index: all of them are looked through, a page at a time. That takes seconds for a
million rows, and nobody waits for it.
"""

from __future__ import annotations

import re
import secrets
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Select, and_, or_, select, tuple_, update

from campaigns import lifecycle
from campaigns.database import Database, Record, among
from campaigns.models import audience_chunks, audiences, campaigns, report_polls
from campaigns.payload import pack, unpack
from campaigns.phone import TAIL, normalizer
from campaigns.settings import domain_settings
from campaigns.states import CampaignState, PollState

_PAGE = 50

_DONE_WITH = (PollState.APPLIED, PollState.BROKEN, PollState.LOST)


def out_of_bodies(database: Database, msisdn: int) -> tuple[int, int]:
    """Put noughts for a number in raw reports, however the gateway spells it.

    Returns:
        Bodies that had it, and those that have it still, for they are to be applied first.
    """
    rubbed, waiting = 0, 0
    for poll in _bodies(database):
        body = zlib.decompress(poll.body)
        if _without(body, str(msisdn)) == body:
            continue
        written = poll.state in _DONE_WITH and _rub_out(database, poll.id, msisdn)
        rubbed, waiting = rubbed + written, waiting + (not written)
    return rubbed, waiting


def _rub_out(database: Database, poll_id: int, msisdn: int) -> bool:
    """Of a body as it is now: others may be rubbed out of it at the same moment, or it may be purged."""
    p = report_polls.c
    with database.transaction() as connection:
        mine = select(p.state, p.body).where(p.id == poll_id).with_for_update()
        poll = connection.execute(mine).one()
        if poll.state not in _DONE_WITH:
            return False
        if poll.body is not None:
            left = zlib.compress(_without(zlib.decompress(poll.body), str(msisdn)), 1)
            connection.execute(update(report_polls).where(p.id == poll_id).values(body=left))
        return True


def _bodies(database: Database) -> Iterator[Record]:
    p, last = report_polls.c, 0
    found = select(p.id, p.state, p.body).where(p.body.is_not(None)).order_by(p.id).limit(_PAGE)
    while page := _read(database, found.where(p.id > last)):
        yield from page
        last = page[-1].id


def _without(body: bytes, number: str) -> bytes:
    """The body with noughts for what is this number, or its end from the national one on."""

    def noughts(found: re.Match[bytes]) -> bytes:
        digits = found[0].lstrip(b"0").decode()
        return b"0" * len(found[0]) if number.endswith(digits) else found[0]

    return re.sub(rb"(?<![0-9])[0-9]*" + number[-TAIL:].encode() + rb"(?![0-9])", noughts, body)


def out_of_audiences(database: Database, msisdn: int) -> tuple[int, list[int]]:
    """Empty the rows of a person, in stored audiences and in those that are not expanded yet: they count as invalid.

    Returns:
        Rows that were emptied, and the campaigns whose workers, or producers, may have read, or sent, such a row just
        before: they are to be looked at again.
    """
    is_his, rubbed, touched = _cell_test(msisdn), 0, set[int]()
    for chunk in _chunks(database):
        if not _may_hold(zlib.decompress(chunk.rows), msisdn):
            continue
        if count := _empty_rows(database, chunk.audience_id, chunk.number, is_his):
            rubbed += count
            touched.add(chunk.audience_id)
    return rubbed, _read_just_now(database, touched)


def _empty_rows(database: Database, audience_id: int, number: int, is_his: Callable[[str], bool]) -> int:
    """Of a chunk as it is now: others may be rubbed out of it at the same moment. Returns how many rows."""
    k = audience_chunks.c
    its = and_(k.audience_id == audience_id, k.number == number)
    with database.transaction() as connection:
        packed = connection.execute(select(k.rows).where(its).with_for_update()).scalar()
        rows = [] if packed is None else unpack(packed)  # expanded since, and dropped
        left = [(row, [""] * len(cells) if any(map(is_his, cells)) else cells) for row, cells in rows]
        count: int = sum(cells != before for (_, cells), (_, before) in zip(left, rows, strict=True))
        if count:
            connection.execute(update(audience_chunks).where(its).values(rows=pack(left)))
    return count


def _chunks(database: Database) -> Iterator[Record]:
    k, last = audience_chunks.c, (0, -1)
    key = (k.audience_id, k.number)
    found = select(*key, k.rows).order_by(*key).limit(_PAGE)
    while page := _read(database, found.where(tuple_(*key) > last)):
        yield from page
        last = (page[-1].audience_id, page[-1].number)


def _may_hold(encoded: bytes, msisdn: int) -> bool:
    """Whether the digits are there in this order, with little between them: a look at all rows at once."""
    digits = [b"%c" % digit for digit in str(msisdn)[-TAIL:].encode()]
    return re.search(rb"[^0-9]{0,4}".join(digits), encoded) is not None


def _cell_test(msisdn: int) -> Callable[[str], bool]:
    normalize, tail = normalizer(domain_settings().default_region), str(msisdn)[-TAIL:]

    def is_his(cell: str) -> bool:
        return tail in "".join(filter(str.isdecimal, cell)) and normalize(cell) == msisdn

    return is_his


def _read_just_now(database: Database, audience_ids: set[int]) -> list[int]:
    """Campaigns that go through these audiences now; whoever compares an audience by its digest finds another one."""
    if not audience_ids:
        return []
    a, c = audiences.c, campaigns.c
    at_it = or_(c.state.in_([CampaignState.RECEIVING, CampaignState.EXPANDING]), lifecycle.is_due())
    with database.transaction() as connection:
        changed = update(audiences).where(among(connection, a.id, audience_ids), a.digest.is_not(None))
        connection.execute(changed.values(digest=secrets.token_hex(32)))
        now = select(c.id).where(among(connection, c.audience_id, audience_ids), c.completed_at.is_(None), at_it)
        return list(connection.execute(now.order_by(c.id)).scalars())


def _read(database: Database, found: Select[Any]) -> Sequence[Record]:
    with database.reading() as connection:
        return connection.execute(found).all()
