"""What the gateway said of each row of a request that it took: its id, and what it cost.

One that was taken without a reply, as its reports have proven, has no receipt: its rows cost their estimates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import accumulate, pairwise

from sqlalchemy import BigInteger, Connection, select

from campaigns.database import Record, rows_of
from campaigns.models import attempts, batches
from campaigns.payload import Payload, ReceiptLines
from campaigns.states import AttemptKind

EXACT = Decimal("0.0001")
"""As the columns have credits."""


def of(connection: Connection, attempt_ids: Iterable[int]) -> Iterator[tuple[int, Payload, ReceiptLines]]:
    """Payload and receipt of attempts."""
    a, b = attempts.c, batches.c
    wanted = rows_of(connection, "wanted", id=(BigInteger, sorted(attempt_ids)))
    columns = select(a.id, a.kind, a.size, b.payload, a.receipt, a.estimated)
    for row in connection.execute(columns.where(a.id == wanted.c.id, b.id == a.batch_id)):
        payload = Payload.unpack(row.payload)
        yield row.id, payload, lines_of(row, payload)


def lines_of(attempt: Record, payload: Payload) -> ReceiptLines:
    """What an attempt's receipt says; an adopted one has none, and is priced by its segments or its numbers.

    Args:
        attempt: kind, size, receipt and estimated of one that the gateway took.
        payload: of its batch; an empty one, which could not be read when it was purged, tells of nobody.
    """
    if attempt.receipt is not None:
        return ReceiptLines.unpack(attempt.receipt)
    counts = payload.segments if attempt.kind == AttemptKind.SEND else [1] * attempt.size
    return ReceiptLines([None] * len(counts), _shares(attempt.estimated, counts))


def _shares(total: Decimal, counts: Sequence[int]) -> list[Decimal]:
    """An amount by some counts, as the column has it; whatever the rounding, they add up to it."""
    whole = sum(counts) or 1
    reached = [(total * count / whole).quantize(EXACT) for count in accumulate(counts, initial=0)]
    return [after - before for before, after in pairwise(reached)]
