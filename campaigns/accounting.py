"""Each row of a campaign's account: what became of everybody in its audience, one after the other, of one moment.

Batch by batch through payloads and receipts, and never a query a recipient: memory does not grow with the audience.
They are counted by `progress`, and the two always agree; how they are written to a file is `tables`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Connection, select

from campaigns import chunks
from campaigns.database import Database, Record, among, default, forbid_scans, forbid_sorting, let_rest, rows_of
from campaigns.language import _
from campaigns.lifecycle import UnknownCampaignError
from campaigns.models import attempts, batches, campaigns, exclusions, messages, refunds
from campaigns.named import by_key
from campaigns.payload import Payload, ReceiptLines
from campaigns.progress import word
from campaigns.receipts import lines_of
from campaigns.states import POSTED, AttemptKind, AttemptState, BatchState, MessageStatus, Purged

NOT_EXPANDED = "not_expanded"
"""Stands for the status of a row that is neither a message nor excluded yet."""

AT_ONCE = 5_000
"""Messages, or excluded rows, that are read together: the largest batch."""

_HEADS_AT_ONCE = 500
_CHUNKS_AT_ONCE = 5

_HAVE_LEFT = (*POSTED, AttemptState.OPEN, AttemptState.IN_DOUBT, AttemptState.WRITTEN_OFF)
"""Requests that were made, for all that is known."""


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One row of the account.

    Attributes:
        row: its number in the audience, as the person who made the file counts.
        number: the MSISDN as digits; of a row without a message, the cell as it came; nothing once it was purged.
        status: a message's, as `progress` names it; the reason of an exclusion; or NOT_EXPANDED.
        changed_at: when it came to be so, where that is kept.
        batch: the number of its batch within the campaign; 0, -1, -2 … are halves of a refused one.
        sent_at: when its request was begun.
        segments: of its text.
        credits: what the gateway took for it, by each request of its batch that it took; none as long as it took
            nothing. What lookups cost is not in it, nor a request that was proven after its batch had been put aside
            for smaller ones: the account has both.
        refunded: what of that came back.
        msgfid: the gateway's id of the sending.
        smsfid: the gateway's id of the message.
    """

    row: int
    number: str
    status: str
    changed_at: datetime | None = None
    batch: int | None = None
    sent_at: datetime | None = None
    segments: int | None = None
    credits: Decimal | None = None
    refunded: Decimal | None = None
    msgfid: str | None = None
    smsfid: str | None = None


def entries(campaign_id: int, *, database: Database | None = None) -> Generator[Entry]:
    """Everybody in the campaign's audience: its batches in their order, then who was left out, then who waits.

    They sum up to the campaign's `progress` of the same moment: that of the first one, where the campaign goes on
    meanwhile. Only if it was cancelled before it was expanded, the rows that were not are gone with its audience.

    Raises UnknownCampaignError, with the first entry.
    """
    with (database or default()).snapshot() as connection:
        campaign = connection.execute(select(campaigns).where(campaigns.c.id == campaign_id)).first()
        if campaign is None:
            raise UnknownCampaignError(
                _("no campaign has the id {id}: `campaigns list` names them").format(id=campaign_id)
            )
        let_rest(connection)
        forbid_scans(connection)
        forbid_sorting(connection)
        for some in groups(heads(connection, campaign_id)):
            yield from of_batches(connection, some)
        yield from _excluded(connection, campaign)
        if campaign.recipients > campaign.expanded and campaign.audience_id is not None:
            yield from _waiting(connection, campaign)


def heads(connection: Connection, campaign_id: int) -> Iterator[Record]:
    """The campaign's batches that have messages, without their payloads, page by page."""
    b = batches.c
    columns = select(b.id, b.campaign_id, b.number, b.size, b.state, b.attempt_id, b.alphabet, b.merged, b.zone)
    found = columns.where(b.campaign_id == campaign_id).order_by(b.number).limit(_HEADS_AT_ONCE)
    page = connection.execute(found).all()
    while page:
        yield from (head for head in page if head.size)  # a halved one has none: they are in its halves
        page = connection.execute(found.where(b.number > page[-1].number)).all()


def groups(found: Iterable[Record]) -> Iterator[list[Record]]:
    """Batches that are read together: a rated campaign has thousands of small ones."""
    group: list[Record] = []
    size = 0
    for head in found:
        if group and size + head.size > AT_ONCE:
            yield group
            group, size = [], 0
        group.append(head)
        size += head.size
    if group:
        yield group


def of_batches(connection: Connection, some: Sequence[Record]) -> Iterator[Entry]:
    """The messages of some batches, one after the other; the arguments are those of `by_batch`."""
    for _head, found in by_batch(connection, some):
        yield from found


def by_batch(connection: Connection, some: Sequence[Record]) -> Iterator[tuple[Record, Iterator[Entry]]]:
    """Some batches, each with its messages.

    Args:
        connection: a snapshot; its planner is told to forbid scans and hash joins for the rest of it.
        some: id, campaign_id, number, state and attempt_id of each batch; one or many campaigns'.
    """
    payloads = payloads_of(connection, [head.id for head in some])
    told = _messages(connection, some, payloads)
    requests = _requests(connection, payloads)
    back = _refunds(connection, requests)
    its_requests: dict[int, list[Record]] = {head.id: [] for head in some}
    for request in requests:
        its_requests[request.batch_id].append(request)
    for head in some:
        yield head, _of_batch(head, payloads[head.id], told, its_requests[head.id], back)


def payloads_of(connection: Connection, batch_ids: Iterable[int]) -> dict[int, Payload]:
    """What is in some batches, by their ids."""
    b = batches.c
    found = connection.execute(select(b.id, b.payload).where(among(connection, b.id, batch_ids)))
    return {row.id: Payload.unpack(row.payload) for row in found}


_Told = dict[tuple[int, int], tuple[int, datetime | None]]
"""Campaign and MSISDN → a message's own status, and when it was set."""


def _messages(connection: Connection, some: Iterable[Record], payloads: Mapping[int, Payload]) -> _Told:
    keys = [(head.campaign_id, number) for head in some for number in payloads[head.id].numbers]
    _, is_named = by_key(connection, [its for its, _ in keys], [number for _, number in keys])
    m = messages.c
    found = connection.execute(select(m.campaign_id, m.msisdn, m.status, m.updated_at).where(is_named))
    return {(row[0], row[1]): (row[2], row[3]) for row in found}


def _requests(connection: Connection, payloads: Mapping[int, Payload]) -> list[Record]:
    """The requests that were made to send some batches."""
    a = attempts.c
    columns = select(
        a.id, a.batch_id, a.kind, a.state, a.size, a.started_at, a.settled_at, a.msgfid, a.receipt, a.estimated
    )
    made = columns.where(among(connection, a.batch_id, payloads), a.kind == AttemptKind.SEND, a.state.in_(_HAVE_LEFT))
    return list(connection.execute(made).all())


_Back = Mapping[tuple[int, int], Decimal]
"""Attempt and MSISDN → what came back."""


def _refunds(connection: Connection, requests: Iterable[Record]) -> _Back:
    asked = sorted(request.id for request in requests if request.state in POSTED)
    if not asked:
        return {}
    r, named = refunds.c, rows_of(connection, "asked", id=(BigInteger, asked))
    found = connection.execute(select(r.attempt_id, r.msisdn, r.credits).where(r.attempt_id == named.c.id))
    return {(row[0], row[1]): row[2] for row in found}


def _of_batch(head: Record, payload: Payload, told: _Told, requests: Sequence[Record], back: _Back) -> Iterator[Entry]:
    state = BatchState(head.state)
    request = next((request for request in requests if request.id == head.attempt_id), None)
    settled_at = request.settled_at if request else None
    sent_at = request.started_at if request else None
    msgfid = request.msgfid if request else None
    smsfids = _smsfids(request, payload)
    prices, returned = _money(requests, payload, back)
    words: dict[int, str] = {status: word(status, state) for status in MessageStatus}
    columns = zip(payload.rows, payload.numbers, payload.segments, smsfids, prices, returned, strict=True)
    for row, number, segments, smsfid, price, refund in columns:
        found = told.get((head.campaign_id, number))
        if found is None:  # whoever counts will see that it does not add up
            continue
        status, changed_at = found
        yield Entry(
            row, str(number) if number > 0 else "", words[status], changed_at or settled_at, head.number, sent_at,
            segments, price, refund, msgfid, smsfid or None,
        )  # fmt: skip


def _smsfids(request: Record | None, payload: Payload) -> Sequence[str | None]:
    """The gateway's ids of the messages; none where no receipt came, or where it is of more than these."""
    if request is not None and request.receipt is not None:
        smsfids = ReceiptLines.unpack(request.receipt).smsfids
        if len(smsfids) == len(payload):
            return smsfids
    return [None] * len(payload)


def _money(
    requests: Iterable[Record], payload: Payload, back: _Back
) -> tuple[Sequence[Decimal | None], Sequence[Decimal | None]]:
    """What was taken for each message, and what came back; summed where what was in doubt was sent again."""
    taken: list[Decimal | None] = [None] * len(payload)
    returned: list[Decimal | None] = [None] * len(payload)
    for request in requests:
        if request.state not in POSTED:
            continue
        prices = lines_of(request, payload).credits
        if len(prices) == len(payload):
            taken = [price if before is None else before + price for before, price in zip(taken, prices, strict=True)]
        for place, number in enumerate(payload.numbers):
            if refund := back.get((request.id, number)):
                returned[place] = (returned[place] or Decimal(0)) + refund
    return taken, returned


def _excluded(connection: Connection, campaign: Record) -> Iterator[Entry]:
    e = exclusions.c
    found = select(e.row, e.number, e.reason).where(e.campaign_id == campaign.id).order_by(e.row).limit(AT_ONCE)
    page = connection.execute(found).all()
    while page:
        for row in page:
            yield Entry(row.row, "" if campaign.purged >= Purged.NUMBERS else row.number, row.reason)
        page = connection.execute(found.where(e.row > page[-1].row)).all()


def _waiting(connection: Connection, campaign: Record) -> Iterator[Entry]:
    """Rows that were taken in, and are not expanded."""
    shape, _, _ = chunks.shape(connection, campaign.audience_id)
    first = campaign.next_chunk
    while some := chunks.read(connection, campaign.audience_id, first=first, most=_CHUNKS_AT_ONCE):
        for chunk in some:
            for row, cells in chunk:
                yield Entry(row, cells[shape.number_column], NOT_EXPANDED)
        first += len(some)
