"""Recipients leave a batch that was not sent: their messages go, and they are excluded with the reason.

Why they do is the affair of `lookups` and `withdrawals`; what becomes of the batch then, of `batches`.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete

from campaigns.database import Record
from campaigns.expansion import exclude
from campaigns.models import messages
from campaigns.named import among_keys
from campaigns.payload import Payload
from campaigns.states import Exclusion


def drop(connection: Connection, batch: Record, payload: Payload, gone: set[int], reason: Exclusion) -> Payload:
    """Account for those who leave.

    Args:
        connection: a transaction that holds the batch's row.
        batch: its row.
        payload: what is in it.
        gone: the numbers of those who leave.
        reason: why.

    Returns:
        What is left.
    """
    if not gone:
        return payload
    named = among_keys(connection, [batch.campaign_id] * len(gone), sorted(gone))
    connection.execute(delete(messages).where(named))
    rows = [
        (row, str(number), reason) for row, number in zip(payload.rows, payload.numbers, strict=True) if number in gone
    ]
    exclude(connection, batch.campaign_id, rows)
    return payload.without(gone)
