"""Who opts out after a campaign was expanded leaves its batch before it is claimed.

A claim looks only where a list has grown since the expansion began (see `unwanted`). If somebody is found it takes
nothing: the batch is rewritten in a transaction of its own, which has the campaign's row alone, and the claim is tried
anew, and looks again. So what is claimed holds nobody whose opt-out was committed before the claim's last look; one
that comes later finds the batch in the air.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from campaigns import batches, replacing, unwanted
from campaigns.database import Database, Record
from campaigns.dropping import drop
from campaigns.models import attempts, campaigns
from campaigns.models import batches as batches_table
from campaigns.payload import Payload
from campaigns.prices import Prices
from campaigns.replacing import Part
from campaigns.settings import domain_settings
from campaigns.states import AttemptKind, AttemptState, BatchState, Exclusion

_NOTHING_LEFT = [AttemptState.REFUSED, AttemptState.NOT_SENT]
"""Proof that nobody was texted: nothing will ever be heard of such a request."""


class WithdrawnError(Exception):
    """Somebody in the batch has opted out: it must be rewritten before it is claimed."""

    def __init__(self, batch_id: int) -> None:
        super().__init__(f"batch {batch_id} holds somebody who has opted out")
        self.batch_id = batch_id


def check(connection: Connection, account: str, batch_id: int, payload: Payload) -> None:
    """Raises WithdrawnError if somebody in a batch wants no texts; OptOutKeyError if that cannot be told."""
    if unwanted.among(connection, account, payload.numbers):
        raise WithdrawnError(batch_id)


def leave_out(database: Database, batch_id: int) -> None:
    """Take out of a batch that waits to be sent who has opted out; one that loses everybody is voided."""
    b, c = batches_table.c, campaigns.c
    its_campaign = select(b.campaign_id).where(b.id == batch_id).scalar_subquery()
    with database.transaction() as connection:
        # The campaign before its batch, as whoever claims and cancels does.
        found = select(c.account).where(c.id == its_campaign).with_for_update(key_share=True)
        account = connection.execute(found).scalar_one()
        batch = connection.execute(select(batches_table).where(b.id == batch_id).with_for_update()).one()
        if batch.state != BatchState.PENDING:
            return
        payload = Payload.unpack(batch.payload)
        gone = unwanted.among(connection, account, payload.numbers)
        if gone:
            _rewrite(connection, batch, drop(connection, batch, payload, gone, Exclusion.OPTED_OUT))


def _rewrite(connection: Connection, batch: Record, left: Payload) -> None:
    settings = domain_settings()
    estimate = Prices(settings.credit_prices, settings.lookup_price).total(left.numbers, left.segments)
    held = min(estimate, batch.credits)  # no more than is held for it
    if not _may_have_been_sent(connection, batch.id):
        batches.clean(connection, batch.id, left, held)
        return
    # What is heard of the earlier request is matched by the payload: that one stays as it was sent.
    if len(left):
        replacing.replace(connection, batch, [Part(left, held, batch.lookup_credits)])
    batches.put_aside(connection, batch.id, replaced=len(left) > 0)


def _may_have_been_sent(connection: Connection, batch_id: int) -> bool:
    a = attempts.c
    earlier = select(a.id).where(a.batch_id == batch_id, a.kind == AttemptKind.SEND, a.state.not_in(_NOTHING_LEFT))
    return connection.execute(earlier.limit(1)).first() is not None
