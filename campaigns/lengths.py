"""How long the texts of a campaign are: messages by their number of segments and their alphabet, and what they cost.

A batch has as many segments as messages where each has one, and most have: these are summed up by the database. Of the
others the payloads are read, some at a time: exact, and in memory that does not grow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select

from campaigns.accounting import groups, payloads_of
from campaigns.database import Record, among, forbid_scans
from campaigns.models import attempts, batches
from campaigns.payload import Payload
from campaigns.receipts import lines_of
from campaigns.states import POSTED, AttemptKind

BATCHES_AT_ONCE = 500


@dataclass(frozen=True)
class Length:
    """Messages of one alphabet whose texts have so many segments.

    Attributes:
        alphabet: `gsm7` or `ucs2`.
        segments: of each text.
        messages: how many, sent or not.
        credits: what the gateway took for them, by its own word, whatever came back. Not in it is what it took for a
            request whose batch has lost numbers since: nobody can tell for which of them.
    """

    alphabet: str
    segments: int
    messages: int
    credits: Decimal


_Class = tuple[str, int]


def of_campaign(connection: Connection, campaign_id: int) -> tuple[Length, ...]:
    """The campaign's messages, all of them: the cheap alphabet first, the shorter texts first.

    The planner is told to forbid scans for the rest of the transaction.
    """
    messages: Counter[_Class] = Counter()
    credits_: dict[_Class, Decimal] = {}
    for alphabet, size, posted in connection.execute(_of_one_segment(campaign_id)):
        messages[alphabet, 1] = int(size)
        credits_[alphabet, 1] = posted or Decimal(0)
    for some in groups(_longer(connection, campaign_id)):
        payloads = payloads_of(connection, [batch.id for batch in some])
        alphabets = {batch.id: batch.alphabet for batch in some}
        for batch_id, payload in payloads.items():
            for segments, count in Counter(payload.segments).items():
                messages[alphabets[batch_id], segments] += count
        for request in _taken(connection, alphabets):
            for segments, price in _prices(request, payloads[request.batch_id]):
                its = alphabets[request.batch_id], segments
                credits_[its] = credits_.get(its, Decimal(0)) + price
    return tuple(Length(*its, messages[its], credits_.get(its, Decimal(0))) for its in sorted(messages))


def _of_one_segment(campaign_id: int) -> Select[Any]:
    """Batches whose messages have a segment each, by their alphabet, and what was taken for them."""
    b, a = batches.c, attempts.c
    taken = (
        select(a.batch_id, func.sum(a.credits).label("credits"))
        .where(a.campaign_id == campaign_id, a.kind == AttemptKind.SEND, a.state.in_(POSTED))
        .group_by(a.batch_id)
        .subquery()
    )
    summed = select(b.alphabet, func.sum(b.size), func.sum(taken.c.credits))
    found = summed.select_from(batches.outerjoin(taken, taken.c.batch_id == b.id))
    return found.where(b.campaign_id == campaign_id, b.size > 0, b.segments == b.size).group_by(b.alphabet)


def _longer(connection: Connection, campaign_id: int) -> Iterator[Record]:
    """The other batches that have messages, page by page, without their payloads."""
    forbid_scans(connection)
    b = batches.c
    columns = select(b.id, b.number, b.size, b.alphabet).where(b.campaign_id == campaign_id, b.segments > b.size)
    found = columns.order_by(b.number).limit(BATCHES_AT_ONCE)
    page = connection.execute(found).all()
    while page:
        yield from page
        page = connection.execute(found.where(b.number > page[-1].number)).all()


def _taken(connection: Connection, batch_ids: dict[int, str]) -> Iterator[Record]:
    """The requests to send some batches that the gateway took."""
    a = attempts.c
    columns = select(a.batch_id, a.kind, a.size, a.receipt, a.estimated)
    sent = columns.where(among(connection, a.batch_id, batch_ids), a.kind == AttemptKind.SEND, a.state.in_(POSTED))
    yield from connection.execute(sent)


def _prices(request: Record, payload: Payload) -> Iterator[tuple[int, Decimal]]:
    """What was taken for texts of so many segments; nothing where the batch is not what it was."""
    prices = lines_of(request, payload).credits
    if len(prices) != len(payload):
        return
    for (segments, price), count in Counter(zip(payload.segments, prices, strict=True)).items():
        yield segments, price * count
