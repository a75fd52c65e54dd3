"""Campaign → batches of messages: numbers read, texts made, duplicates found, everybody else excluded with a reason.

It streams: a slice is some thousands of rows, read from chunks and written in one transaction together with the place
to go on from, so that a crash repeats nothing and memory does not grow. While the database takes one slice in, the rows
of the next may be looked at. What becomes of a row is `campaigns.sorting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import BigInteger, Connection, insert, select, update

from campaigns import chunks, events, lifecycle, openings, unwanted
from campaigns.ahead import Ahead
from campaigns.clocks import Hours
from campaigns.database import Database, Record, copy_in, forbid_scans, rows_of
from campaigns.models import batches, campaigns, messages
from campaigns.payload import Payload
from campaigns.prices import Prices
from campaigns.settings import DomainSettings
from campaigns.sorting import Excluded, Looked, Sorted, Sorter
from campaigns.spec import Spec
from campaigns.states import BatchState, CampaignState

CHUNKS_A_SLICE = 10


class Priced(Protocol):
    """What tells of messages, as a Sorter does, what they cost, whether they are looked up, and when they may leave."""

    @property
    def prices(self) -> Prices: ...
    @property
    def to_check(self) -> bool: ...
    @property
    def hours(self) -> Hours | None: ...


def store(connection: Connection, campaign_id: int, priced: Priced, found: Sorted, *, after: int = 0) -> None:
    """Write batches, messages and exclusions.

    Args:
        connection: a transaction that holds the campaign's row.
        campaign_id: whose they are.
        priced: what they cost, whether they are looked up first, and when they may leave: who sorted them knows.
        found: what becomes of some rows.
        after: how many batches the campaign has already.
    """
    if found.payloads:
        made = [
            _batch(campaign_id, number, priced, *kind, payload)
            for number, (kind, payload) in enumerate(found.payloads, start=after + 1)
        ]
        if priced.hours is not None:
            openings.reckon_first(connection, campaign_id, priced.hours, {str(batch["zone"]) for batch in made})
        ids = connection.execute(insert(batches).returning(batches.c.id, sort_by_parameter_order=True), made)
        copy_in(
            connection,
            "messages",
            ("campaign_id", "msisdn", "batch_id"),
            [
                (campaign_id, msisdn, batch_id)
                for batch_id, (_, payload) in zip(ids.scalars(), found.payloads, strict=True)
                for msisdn in payload.numbers
            ],
        )
    exclude(connection, campaign_id, found.excluded)


def _batch(
    campaign_id: int, number: int, priced: Priced, alphabet: str, merged: bool, payload: Payload
) -> dict[str, object]:
    return {
        "campaign_id": campaign_id,
        "number": number,
        "alphabet": alphabet,
        "merged": merged,
        "size": len(payload),
        "segments": sum(payload.segments),
        "credits": priced.prices.total(payload.numbers, payload.segments),
        "lookup_credits": len(payload) * priced.prices.lookup if priced.to_check else 0,
        "state": BatchState.UNCHECKED if priced.to_check else BatchState.PENDING,
        "zone": priced.hours and priced.hours.place(payload.numbers[0]),
        "payload": payload.pack(),
    }


def exclude(connection: Connection, campaign_id: int, excluded: Sequence[Excluded]) -> None:
    """Write down who gets no message, and why."""
    rows = [(campaign_id, row, _storable(number), reason.value) for row, number, reason in excluded]
    copy_in(connection, "exclusions", ("campaign_id", "row", "number", "reason"), rows)


def _storable(text: str) -> str:
    """Without halves of surrogate pairs, which PostgreSQL takes for no text (nor NUL, which no cell holds)."""
    return text if text.isprintable() else text.encode(errors="ignore").decode()


def nobody(_numbers: list[int]) -> set[int]:
    """None of the numbers is known: the campaign has no message yet."""
    return set()


def _known(connection: Connection, campaign_id: int, numbers: list[int]) -> set[int]:
    forbid_scans(connection)
    asked = rows_of(connection, "asked", msisdn=(BigInteger, numbers))
    message = select(messages.c.msisdn).where(
        messages.c.campaign_id == campaign_id, messages.c.msisdn == asked.c.msisdn
    )
    # The offset keeps PostgreSQL from making a join of it: where its statistics are older than the campaign, it takes
    # this for a campaign of one message, and compares each of its messages with each number: minutes for a slice.
    found = select(asked.c.msisdn).where(message.offset(0).correlate(asked).exists())
    return set(connection.execute(found).scalars())


# --- Slices ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Slice:
    """Rows that were looked at, and may be written while their campaign is where it was.

    Attributes:
        sorter: who looked at them.
        audience_id: whose rows they are.
        first: the number of their first chunk.
        end: the number of the chunk after them.
        looked: the rows; none after the last ones.
    """

    sorter: Sorter
    audience_id: int
    first: int
    end: int
    looked: Looked


def expand(database: Database, campaign_id: int, settings: DomainSettings, *, seconds: float) -> bool:
    """Expand slice after slice for about so long; returns whether there is more to do."""
    with Ahead[Slice](seconds) as ahead:
        while expand_slice(database, campaign_id, settings, ahead):
            if not ahead.begun:
                return True
    return False


def expand_slice(
    database: Database, campaign_id: int, settings: DomainSettings, ahead: Ahead[Slice] | None = None
) -> bool:
    """Expand some thousands of rows, or finish; may be called by several at once, and again after a crash.

    Args:
        database: where.
        campaign_id: of a campaign that is due; of any other, there is nothing to do.
        settings: default region and prices.
        ahead: looks at the rows of the next slice while this one is written.

    Returns:
        Whether there is more to do.
    """
    ready = (ahead and ahead.take()) or _first_look(database, campaign_id, settings)
    with database.transaction() as connection:
        campaign = _lock(connection, campaign_id)
        if campaign is None:
            return False
        if campaign.audience_id is None:  # expanded inside its submit, and only waited for its time
            lifecycle.expanded(connection, campaign_id)
            return False
        if ready is None or (ready.audience_id, ready.first) != (campaign.audience_id, campaign.next_chunk):
            return True  # somebody else has gone on with it meanwhile
        if not ready.looked.rows:
            chunks.drop(connection, campaign.audience_id)
            lifecycle.expanded(connection, campaign_id)
            return False
        if ahead is not None:
            ahead.begin(partial(_look, database, ready.sorter, ready.audience_id, ready.end))
        _write(connection, campaign, ready)
        return True


def _first_look(database: Database, campaign_id: int, settings: DomainSettings) -> Slice | None:
    """At the rows that come next; None if the campaign is not due, or has no audience any more."""
    c = campaigns.c
    found = select(c.spec, c.audience_id, c.next_chunk).where(c.id == campaign_id, lifecycle.is_due())
    with database.reading() as connection:
        campaign = connection.execute(found).first()
        if campaign is None or campaign.audience_id is None:
            return None
        try:
            shape, _, _ = chunks.shape(connection, campaign.audience_id)
        except chunks.UnknownAudienceError:  # dropped since the statement before, with its campaign's end
            return None
    sorter = Sorter(Spec.model_validate(campaign.spec), shape, settings)
    return _look(database, sorter, campaign.audience_id, campaign.next_chunk)


def _look(database: Database, sorter: Sorter, audience_id: int, first: int) -> Slice:
    """At some thousands of rows, from a chunk on. Nobody changes the chunks of a complete audience, but who
    empties the rows of a person (`rubbing`): what was read before is told to be on its way."""
    with database.reading() as connection:
        some = chunks.read(connection, audience_id, first=first, most=CHUNKS_A_SLICE)
    looked = sorter.look([row for chunk in some for row in chunk])
    return Slice(sorter, audience_id, first, first + len(some), looked)


def _write(connection: Connection, campaign: Record, ready: Slice) -> None:
    """All that becomes of the rows, and the place to go on from."""
    # Without a batch there is no message yet that a row could repeat.
    known = partial(_known, connection, campaign.id) if campaign.batches else nobody
    seen = unwanted.seen(connection, campaign.account)
    opted_out = partial(unwanted.among, connection, campaign.account) if seen else None
    found = ready.sorter.sort(ready.looked, known, opted_out)
    store(connection, campaign.id, ready.sorter, found, after=campaign.batches)
    if campaign.state != CampaignState.EXPANDING:
        events.tell(events.MOVED, campaign=campaign.id, state=CampaignState.EXPANDING.value)
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign.id)
        .values(
            state=CampaignState.EXPANDING,
            next_chunk=ready.end,
            expanded=campaign.expanded + len(ready.looked.rows),
            batches=campaign.batches + len(found.payloads),
            # The first slice's: who opts out while the others are expanded is looked for at each claim.
            opt_outs_seen=campaign.opt_outs_seen if campaign.expanded else seen,
        )
    )


def _lock(connection: Connection, campaign_id: int) -> Record | None:
    # Skipping a locked row lets the second of two doubled tasks go away instead of waiting to repeat the work.
    found = select(campaigns).where(campaigns.c.id == campaign_id, lifecycle.is_due())
    return connection.execute(found.with_for_update(skip_locked=True)).first()
