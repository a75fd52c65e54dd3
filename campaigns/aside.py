"""Who was left out for the day's cap of messages, and what they would have got: kept, for a retry may text them.

They are excluded like anybody who gets no message (`leaving`); their texts stay in batches of nobody, that cost nothing
and are never claimed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import product

from sqlalchemy import BigInteger, Connection, Integer, and_, select

from campaigns.accounting import payloads_of
from campaigns.database import Record, rows_of
from campaigns.models import batches, exclusions
from campaigns.states import BatchState, Exclusion


def heads_of_nobody(connection: Connection, campaign_id: int) -> Sequence[Record]:
    """The campaign's batches that everybody has left, or that were made to keep who has; without their payloads."""
    b = batches.c
    nobody = select(b.id, b.alphabet, b.merged, b.zone).where(b.campaign_id == campaign_id, b.size == 0)
    return connection.execute(nobody.where(b.state == BatchState.VOIDED).order_by(b.number)).all()


def capped_in(connection: Connection, campaign_id: int, batch_id: int) -> dict[int, int]:
    """Of whose texts are in a batch of nobody, those who were left out for the cap: their rows, by their numbers."""
    payload = payloads_of(connection, [batch_id])[batch_id]
    rows = {row for _, row in capped(connection, [campaign_id], payload.rows)}
    named = zip(payload.numbers, payload.rows, strict=True)
    return {number: row for number, row in named if row in rows and number > 0}  # who was forgotten has none


def capped(connection: Connection, campaign_ids: Sequence[int], rows: Collection[int]) -> set[tuple[int, int]]:
    """Those of some rows that some campaigns have left out for the cap: campaign and row.

    The connection is a transaction whose planner was told to forbid scans and hash joins: each row is found by its key,
    in which the campaign is named as well (as in `named`).
    """
    keys = list(product(campaign_ids, sorted(rows)))
    named = rows_of(
        connection, "named", campaign_id=(BigInteger, [its for its, _ in keys]), row=(Integer, [row for _, row in keys])
    )
    e = exclusions.c
    its_own = and_(e.campaign_id == named.c.campaign_id, e.row == named.c.row, e.reason == Exclusion.CAPPED)
    return {(row[0], row[1]) for row in connection.execute(select(e.campaign_id, e.row).where(its_own))}
