"""A refused batch is cut in halves, and these again, until the row to blame is alone: one bad row costs one row.

Only for a request that cannot be read (-1), or written: there a single row, some character in its values, spoils the
document for all others. Every other code is about the account, the text, or all numbers alike: each half would be
refused for the same reason. Lookups are not cut: they hold digits, and no row of them can spoil anything. And never a
request in doubt: its halves might be sent to whoever has it already. One that was in doubt and sent again may be cut:
were its first request to be proven late, that would not stop its halves, but then its rows could be read.

The refused batch is put aside, and two new ones take its messages (`replacing`). They are claimed before all others,
the newest first: after some twenty requests it is known whether one row is to blame or every one.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from campaigns import replacing, settling
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import batches as batches_table
from campaigns.models import campaigns
from campaigns.outages import insisting
from campaigns.payload import Payload
from campaigns.prices import Prices
from campaigns.replacing import Part
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
        mine = connection, claim, AttemptState.REFUSED
        if len(claim.payload) == 1:
            settling.settle(*mine, **known)
        elif state == CampaignState.CANCELLED:
            settling.settle(*mine, back=BatchState.VOIDED, **known)
        elif settling.settle(*mine, back=BatchState.HALVED, **known):
            _halve(connection, claim.batch_id, claim.payload, prices)


def _halve(connection: Connection, batch_id: int, payload: Payload, prices: Prices) -> None:
    batch = connection.execute(select(batches_table).where(batches_table.c.id == batch_id)).one()
    halves = payload.halves()
    of_credits = shares(batch.credits, [prices.total(half.numbers, half.segments) for half in halves])
    of_lookups = shares(batch.lookup_credits, [Decimal(len(half)) for half in halves])
    replacing.replace(connection, batch, list(map(Part, halves, of_credits, of_lookups)))


def shares(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Of an amount, the shares of two by their weights; whatever the rounding, they add up to it."""
    weight = sum(weights, Decimal(0))
    first = (total * weights[0] / weight).quantize(_EXACT) if weight else Decimal(0)
    return [first, total - first]
