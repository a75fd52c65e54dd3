"""A refused batch is cut in halves, and these again, until the row to blame is alone: one bad row costs one row.

Only for a request that cannot be read (-1), or written: there a single row, some character in its values, spoils the
document for all others. Every other code is about the account, the text, or all numbers alike: each half would be
refused for the same reason. Lookups are not cut: they hold digits, and no row of them can spoil anything. And never a
request in doubt: its halves might be sent to whoever has it already. One that was in doubt and sent again may be cut:
were its first request to be proven late, that would not stop its halves, but then its rows could be read.

The refused batch is put aside as it was, with its payload, for requests made earlier for it (a lookup, one that was
sent again) are still matched by it; two new ones take its messages. They are numbered downwards from 0, and so claimed
before all others, the newest first: after some twenty requests it is known whether one row is to blame or every one.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Connection, func, insert, select, update

from campaigns import batches
from campaigns.claims import Claim
from campaigns.database import Database, Record
from campaigns.models import batches as batches_table
from campaigns.models import campaigns, messages
from campaigns.named import by_key
from campaigns.outages import insisting
from campaigns.payload import Payload
from campaigns.prices import Prices
from campaigns.states import AttemptState, BatchState, CampaignState

_EXACT = Decimal("0.0001")  # as the column has it


@insisting
def refuse(database: Database, claim: Claim, detail: str, *, code: int | None, prices: Prices) -> None:
    """Nothing of it was sent: cut the batch in halves, to be claimed next; one of a single message is refused for good.

    Args:
        database: where.
        claim: whose request it was; if the batch is not its own any more, nothing is done.
        detail: why, in words.
        code: the gateway's; None if the request could not even be written.
        prices: to share the batch's estimate out between its halves; their sum stays what it was.
    """
    with database.transaction() as connection:
        # The campaign before its batches, as whoever cancels it does; and alone, for the halves have its next numbers.
        state = connection.execute(
            select(campaigns.c.state).where(campaigns.c.id == claim.campaign_id).with_for_update(key_share=True)
        ).scalar_one()
        known: dict[str, Any] = {"code": code, "detail": detail}
        mine = claim.attempt_id, claim.batch_id, claim.kind, AttemptState.REFUSED
        if len(claim.payload) == 1:
            batches.settle(connection, *mine, **known)
        elif state == CampaignState.CANCELLED:
            batches.settle(connection, *mine, back=BatchState.VOIDED, **known)
        elif batches.settle(connection, *mine, back=BatchState.HALVED, **known):
            _halve(connection, claim.batch_id, claim.payload, prices)


def _halve(connection: Connection, batch_id: int, payload: Payload, prices: Prices) -> None:
    b = batches_table.c
    batch = connection.execute(select(batches_table).where(b.id == batch_id)).one()
    halves = payload.halves()
    first = connection.execute(select(func.min(b.number)).where(b.campaign_id == batch.campaign_id)).scalar_one()
    numbers = [first - 2, first - 1]
    of_credits = shares(batch.credits, [prices.total(half.numbers, half.segments) for half in halves])
    of_lookups = shares(batch.lookup_credits, [Decimal(len(half)) for half in halves])
    made = [
        {
            "campaign_id": batch.campaign_id,
            "number": number,
            "alphabet": batch.alphabet,
            "merged": batch.merged,
            "size": len(half),
            "segments": sum(half.segments),
            "credits": share,
            "lookup_credits": lookup_share,
            "state": BatchState.PENDING,
            "payload": half.pack(),
        }
        for number, half, share, lookup_share in zip(numbers, halves, of_credits, of_lookups, strict=True)
    ]
    ids = connection.execute(insert(batches_table).returning(b.id, sort_by_parameter_order=True), made).scalars().all()
    batches.empty(connection, batch_id)
    _move(connection, batch, dict(zip(ids, halves, strict=True)))


def _move(connection: Connection, batch: Record, halves: dict[int, Payload]) -> None:
    """Have its messages belong to its halves; in the order of their key: whoever else writes them cannot block us."""
    to = sorted((number, half_id) for half_id, half in halves.items() for number in half.numbers)
    halved, is_named = by_key(
        connection,
        [batch.campaign_id] * len(to),
        [number for number, _ in to],
        half_id=(BigInteger, [half_id for _, half_id in to]),
    )
    its_own = update(messages).where(is_named, messages.c.batch_id == batch.id)
    connection.execute(its_own.values(batch_id=halved.c.half_id))


def shares(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Of an amount, the shares of two by their weights; whatever the rounding, they add up to it."""
    weight = sum(weights, Decimal(0))
    first = (total * weights[0] / weight).quantize(_EXACT) if weight else Decimal(0)
    return [first, total - first]
