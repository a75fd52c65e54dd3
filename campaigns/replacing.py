"""A batch is put aside as it was, and new ones take its messages.

Its payload stays, for requests made earlier for it (a lookup, one that was sent again) are still matched by it: were it
to shrink, their reports would no longer fit it, and might be taken for those of another. The new ones are numbered
downwards from 0, and so claimed before all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Connection, func, insert, select, update

from campaigns import batches
from campaigns.database import Record
from campaigns.models import batches as batches_table
from campaigns.models import messages
from campaigns.named import by_key
from campaigns.payload import Payload
from campaigns.states import BatchState


@dataclass(frozen=True, repr=False)
class Part:
    """Some messages of a batch, and what is held of its credits for sending them and for their lookups."""

    payload: Payload
    credits: Decimal
    lookup_credits: Decimal


def replace(connection: Connection, batch: Record, parts: Sequence[Part]) -> None:
    """Have new batches take the messages of one.

    Args:
        connection: a transaction that holds the campaign's row, alone, for the new ones have its next numbers; and the
            batch's.
        batch: its row.
        parts: what the new ones hold; together all that is left of it.
    """
    b = batches_table.c
    made = [
        {
            **_like(batch, part.payload),
            "number": number,
            "size": len(part.payload),
            "segments": sum(part.payload.segments),
            "credits": part.credits,
            "lookup_credits": part.lookup_credits,
            "state": BatchState.PENDING,
            "counted_on": batch.counted_on,
        }
        for number, part in enumerate(parts, _lowest(connection, batch.campaign_id) - len(parts))
    ]
    ids = connection.execute(insert(batches_table).returning(b.id, sort_by_parameter_order=True), made).scalars().all()
    batches.empty(connection, batch.id)
    _move(connection, batch, {new_id: part.payload for new_id, part in zip(ids, parts, strict=True)})


def lay_aside(connection: Connection, batch: Record, payload: Payload) -> None:
    """Keep what some who have left a batch would have got, in a batch of nobody; as for `replace`, but for messages."""
    number = _lowest(connection, batch.campaign_id) - 1
    nobody = {"number": number, "size": 0, "segments": 0, "credits": 0, "lookup_credits": 0}
    connection.execute(insert(batches_table).values(**_like(batch, payload), **nobody, state=BatchState.VOIDED))


def _lowest(connection: Connection, campaign_id: int) -> int:
    """The number of the campaign's first batch."""
    b = batches_table.c
    return int(connection.execute(select(func.min(b.number)).where(b.campaign_id == campaign_id)).scalar_one())


def _like(batch: Record, payload: Payload) -> dict[str, Any]:
    """What a new batch has of another, with a payload of its own."""
    its = {
        "campaign_id": batch.campaign_id, "alphabet": batch.alphabet, "merged": batch.merged, "zone": batch.zone,
    }  # fmt: skip
    return {**its, "payload": payload.pack()}


def _move(connection: Connection, batch: Record, new_ones: dict[int, Payload]) -> None:
    """Have its messages belong to them; in the order of their key: whoever else writes them cannot block us."""
    to = sorted((number, new_id) for new_id, payload in new_ones.items() for number in payload.numbers)
    moved, is_named = by_key(
        connection,
        [batch.campaign_id] * len(to),
        [number for number, _ in to],
        new_id=(BigInteger, [new_id for _, new_id in to]),
    )
    its_own = update(messages).where(is_named, messages.c.batch_id == batch.id)
    connection.execute(its_own.values(batch_id=moved.c.new_id))
