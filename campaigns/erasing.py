"""What people were sent, and who they are, taken out of batches that are done with; everything that counts stays.

In one place goes whatever names somebody in a batch: its payload, the messages, the gateway's ids in the receipts of
its requests, refunds, lookups. When that is done is the affair of `retention` and `forgetting`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import BigInteger, Connection, Table, and_, bindparam, select, update

from campaigns import batches
from campaigns.database import Record, among, forbid_scans, rows_of
from campaigns.models import attempts, lookups, messages, refunds
from campaigns.named import by_key
from campaigns.payload import Payload, ReceiptLines

StandsFor = Callable[[int, int], int]
"""Campaign and number → what stands for the number from now on; itself, if it may stay."""

UNNAMED = ""
"""Stands for the gateway's id of a message: it took it, and nobody can ask which one it was."""


def texts(connection: Connection, some: Sequence[Record]) -> None:
    """Empty what was merged into the texts of some batches (id, payload); the numbers stay.

    A payload that cannot be read any more was of no use to anybody, and goes whole.
    """
    found = [(batch.id, unpacked(batch.payload)) for batch in some]
    batches.repack(connection, {batch_id: replace(payload, values=[[]] * len(payload)) for batch_id, payload in found})


def people(connection: Connection, some: Sequence[Record], stands_for: StandsFor) -> None:
    """Take people out of some batches: their numbers, their values, and the gateway's ids of their messages.

    Args:
        connection: a transaction that holds the rows of their campaigns.
        some: id, campaign_id and payload of each batch; together no more than some thousands of messages.
        stands_for: who goes; whoever stays is untouched.
    """
    forbid_scans(connection)
    payloads = {batch.id: unpacked(batch.payload) for batch in some}
    campaign_of = {batch.id: int(batch.campaign_id) for batch in some}
    new = {
        its: [stands_for(campaign_of[its], number) for number in payload.numbers] for its, payload in payloads.items()
    }
    rename(
        connection,
        {
            (campaign_of[its], old): renamed
            for its, payload in payloads.items()
            for old, renamed in zip(payload.numbers, new[its], strict=True)
            if old != renamed
        },
    )
    batches.repack(connection, {its: _without(payload, new[its]) for its, payload in payloads.items()})
    requests = _requests(connection, payloads)
    gone = {its: {place for place, number in enumerate(new[its]) if number < 0} for its in payloads}
    _forget_ids(connection, requests, payloads, gone)
    _rename_in(connection, refunds, "attempt_id", {row.id: campaign_of[row.batch_id] for row in requests}, stands_for)
    _rename_in(connection, lookups, "batch_id", campaign_of, stands_for)


def named_in(some: Sequence[Record]) -> set[tuple[int, int]]:
    """Campaign and number of each message that some batches (campaign_id, payload) name, but those that are hidden."""
    return {
        (int(batch.campaign_id), number) for batch in some for number in unpacked(batch.payload).numbers if number > 0
    }


def rename(connection: Connection, new: Mapping[tuple[int, int], int]) -> None:
    """Give messages another number: (campaign, number) → what stands for it."""
    if not new:
        return
    ordered = sorted(new)  # as whoever else writes them does: the two cannot block each other for ever
    named, is_named = by_key(
        connection,
        [campaign_id for campaign_id, _ in ordered],
        [number for _, number in ordered],
        new=(BigInteger, [new[target] for target in ordered]),
    )
    connection.execute(update(messages).where(is_named).values(msisdn=named.c.new))


def unpacked(packed: bytes) -> Payload:
    """A payload; an empty one of what cannot be read any more."""
    try:
        return Payload.unpack(packed)
    except (zlib.error, ValueError, TypeError, LookupError):
        return Payload([], [], [], [])


def _without(payload: Payload, numbers: Sequence[int]) -> Payload:
    """The batch with other numbers; of whoever is hidden, nothing that was merged into the text is left."""
    values = [[] if number < 0 else its for its, number in zip(payload.values, numbers, strict=True)]
    return replace(payload, numbers=numbers, values=values)


def _requests(connection: Connection, payloads: Mapping[int, Payload]) -> Sequence[Record]:
    a = attempts.c
    columns = select(a.id, a.batch_id, a.receipt).where(among(connection, a.batch_id, payloads))
    return connection.execute(columns.order_by(a.id)).all()


def _forget_ids(
    connection: Connection, requests: Sequence[Record], payloads: Mapping[int, Payload], gone: Mapping[int, set[int]]
) -> None:
    """Which messages the gateway took is told by their ids; that it took them stays."""
    changed = []
    for request in requests:
        if request.receipt is None or not gone[request.batch_id]:
            continue
        lines = ReceiptLines.unpack(request.receipt)
        # A batch that has grown shorter since, by its lookups, does not say who stood where.
        aligned = len(lines.smsfids) == len(payloads[request.batch_id])
        its = gone[request.batch_id] if aligned else set(range(len(lines.smsfids)))
        left = [
            UNNAMED if place in its and smsfid is not None else smsfid for place, smsfid in enumerate(lines.smsfids)
        ]
        changed.append({"its_id": request.id, "packed": ReceiptLines(left, lines.credits).pack()})
    if changed:
        stored = update(attempts).where(attempts.c.id == bindparam("its_id")).values(receipt=bindparam("packed"))
        connection.execute(stored, changed)


def _rename_in(
    connection: Connection, table: Table, owner: str, campaign_of: Mapping[int, int], stands_for: StandsFor
) -> None:
    """The numbers of refunds, or of lookups, that belong to these requests, or batches."""
    if not campaign_of:
        return
    its, number = table.c[owner], table.c.msisdn
    owners = rows_of(connection, "owners", id=(BigInteger, sorted(campaign_of)))
    found = connection.execute(select(its, number).where(its == owners.c.id).order_by(its, number)).all()
    new = [(of, old, stands_for(campaign_of[of], old)) for of, old in found]
    changed = [each for each in new if each[1] != each[2]]
    if not changed:
        return
    owned, old, renamed = zip(*changed, strict=True)
    named = rows_of(connection, "named", of=(BigInteger, owned), old=(BigInteger, old), new=(BigInteger, renamed))
    mine = and_(its == named.c.of, number == named.c.old)
    connection.execute(update(table).where(mine).values(msisdn=named.c.new))
