"""Who must not be sent to leaves a batch that waits to be sent: it is rewritten, in a transaction of its own.

It has the campaign's row alone: whoever claims shares it, and new batches may take its next numbers. Why somebody has
to leave is the affair of `withdrawals` and `caps`; how somebody does, of `dropping`.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from campaigns import batches, replacing
from campaigns.database import Database, Record
from campaigns.dropping import drop
from campaigns.models import attempts, campaigns
from campaigns.models import batches as batches_table
from campaigns.payload import Payload
from campaigns.prices import Prices
from campaigns.replacing import Part
from campaigns.settings import domain_settings
from campaigns.states import NOTHING_SENT, AttemptKind, BatchState, Exclusion

WhoLeaves = Callable[[Connection, str, Payload], set[int]]
"""Of an account and a payload, the numbers of those who must not be sent to."""


def leave_out(database: Database, batch_id: int, who: WhoLeaves, reason: Exclusion, *, keep: bool = False) -> None:
    """Take some out of a batch that waits to be sent; one that loses everybody is voided.

    Args:
        database: where.
        batch_id: the batch; if it waits no more, nothing is done.
        who: has to leave.
        reason: why.
        keep: their texts, for they may be texted another time (`retrying`).
    """
    b, c = batches_table.c, campaigns.c
    its_campaign = select(b.campaign_id).where(b.id == batch_id).scalar_subquery()
    with database.transaction() as connection:
        # The campaign before its batch, as whoever claims and cancels does.
        found = select(c.account).where(c.id == its_campaign).with_for_update(key_share=True)
        account = connection.execute(found).scalar_one()
        batch = connection.execute(select(batches_table).where(b.id == batch_id).with_for_update()).one()
        if batch.state not in (BatchState.PENDING, BatchState.UNCHECKED):
            return
        payload = Payload.unpack(batch.payload)
        gone = who(connection, account, payload)
        if gone:
            left = drop(connection, batch, payload, gone, reason)
            kept = payload.without(set(left.numbers)) if keep else None
            _rewrite(connection, batch, left, kept)


def _rewrite(connection: Connection, batch: Record, left: Payload, kept: Payload | None) -> None:
    settings = domain_settings()
    estimate = Prices(settings.credit_prices, settings.lookup_price).total(left.numbers, left.segments)
    held = min(estimate, batch.credits)  # no more than is held for it
    sent_before = _may_have_been_sent(connection, batch.id)
    if not sent_before and (len(left) or kept is None):
        batches.clean(connection, batch.id, left, held, state=BatchState(batch.state))
        if kept is not None:
            replacing.lay_aside(connection, batch, kept)
        return
    # What is heard of the earlier request is matched by the payload: that one stays as it was sent. And who has left a
    # batch that nobody is in any more is kept in it.
    if len(left):
        replacing.replace(connection, batch, [Part(left, held, batch.lookup_credits)])
    batches.put_aside(connection, batch.id, replaced=len(left) > 0)


def _may_have_been_sent(connection: Connection, batch_id: int) -> bool:
    a = attempts.c
    earlier = select(a.id).where(a.batch_id == batch_id, a.kind == AttemptKind.SEND, a.state.not_in(NOTHING_SENT))
    return connection.execute(earlier.limit(1)).first() is not None
