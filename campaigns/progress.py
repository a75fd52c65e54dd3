"""The account of a campaign: who was read, left out, texted and reached, and what it cost; counted anew each time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, exists, func, literal, or_, select

from campaigns.awaited import next_ones
from campaigns.database import Database, Record, default
from campaigns.language import _
from campaigns.lifecycle import UnknownCampaignError
from campaigns.models import attempts, batches, campaigns, exclusions, holds, messages, refunds
from campaigns.payload import Payload, ReceiptLines
from campaigns.states import POSTED, UNSENT, AttemptKind, AttemptState, BatchState, Exclusion, MessageStatus, Purged
from campaigns.waiting import waits_for

AS_ITS_BATCH: Mapping[BatchState, str] = {
    BatchState.UNCHECKED: "pending",
    BatchState.CHECKING: "pending",
    BatchState.PENDING: "pending",
    BatchState.SENDING: "sending",
    BatchState.ACCEPTED: "in_flight",
    BatchState.REFUSED: "refused",
    BatchState.HALVED: "pending",  # it has none: they are in its halves
    BatchState.IN_DOUBT: "in_doubt",
    BatchState.WRITTEN_OFF: "written_off",
    BatchState.VOIDED: "voided",
}
"""What a message is whose own status says no more than its batch's state."""

IN_THE_OPEN = ("pending", "sending", "in_flight", "in_doubt")
"""Statuses that are not final."""


@dataclass(frozen=True)
class Progress:
    """The account of a campaign at one moment.

    Attributes:
        recipients: rows read of its audience; `expanded` of them are in batches or excluded.
        excluded: recipients that get no message, by reason.
        messages: all others; `by_status` sums up to it.
        batches: their number by state.
        credits_estimated: for all messages and lookups, by our own prices.
        credits_held: set aside for what has not left.
        credits_posted: taken by the gateway; `credits_refunded` of them came back.
        in_doubt_attempts: requests of which nobody knows whether they were accepted; `campaigns doubts` lists them.
        duplicates: messages that the gateway took once more than once: what was in doubt and sent again had been taken.
        retry_of: the campaign whose failed messages these are; `retries` are the campaigns of this one's.
        window: days and hours in which it may send; `window_zone` says whose clocks they go by, and `window_opens_at`
            when they come next for what is not sent yet, if they are not there now.
        waits_for: what must happen next, in a sentence, where it is not the workers' turn.
        adds_up: every row read is in exactly one place.
        purged: what it was made of is gone: its `text`, or its `numbers` as well.
    """

    id: int
    name: str
    account: str
    key: str | None
    state: str
    paused_at: datetime | None
    reason: str | None
    created_at: datetime
    scheduled_at: datetime | None
    completed_at: datetime | None
    recipients: int
    expanded: int
    excluded: Mapping[str, int]
    messages: int
    by_status: Mapping[str, int]
    batches: Mapping[str, int]
    segments: int
    credits_estimated: Decimal
    credits_held: Decimal
    credits_posted: Decimal
    credits_refunded: Decimal
    in_doubt_attempts: int
    duplicates: int
    retry_of: int | None
    retries: tuple[int, ...]
    window: str | None
    window_zone: str | None
    window_opens_at: datetime | None
    waits_for: str | None
    adds_up: bool
    purged: str | None = None

    @property
    def finished(self) -> bool:
        """Whether every message has its final status."""
        return self.completed_at is not None

    @property
    def open(self) -> int:
        """Messages without a final status."""
        return sum(self.by_status.get(status, 0) for status in IN_THE_OPEN)

    @property
    def credits_spent(self) -> Decimal:
        """What the campaign has cost so far."""
        return self.credits_posted - self.credits_refunded


def progress(campaign_id: int, *, database: Database | None = None) -> Progress:
    """The campaign's account; raises UnknownCampaignError."""
    with (database or default()).snapshot() as connection:
        return within(connection, campaign_id)


def within(connection: Connection, campaign_id: int) -> Progress:
    """The same within a snapshot, beside other figures of that moment; raises UnknownCampaignError."""
    campaign = connection.execute(select(campaigns).where(campaigns.c.id == campaign_id)).first()
    if campaign is None:
        raise UnknownCampaignError(_("no campaign has the id {id}: `campaigns list` names them").format(id=campaign_id))
    return _account(connection, campaign)


def find(key: str, *, account: str = "default", database: Database | None = None) -> Progress:
    """The account of the campaign that was submitted with this key; raises UnknownCampaignError."""
    database = database or default()
    with database.reading() as connection:
        found = select(campaigns.c.id).where(campaigns.c.account == account, campaigns.c.key == key)
        campaign_id = connection.execute(found).scalar()
    if campaign_id is None:
        raise UnknownCampaignError(
            _("no campaign of the account {account!r} has the key {key!r}").format(account=account, key=key)
        )
    return progress(campaign_id, database=database)


def _account(connection: Connection, campaign: Record) -> Progress:
    excluded = _excluded(connection, campaign.id)
    by_state = _batches(connection, campaign.id)
    by_status = _by_status(connection, campaign.id)
    size = sum(row.size for row in by_state)
    unsent = [row.credits for row in by_state if row.state in UNSENT]
    to_look_up = [row.lookup_credits for row in by_state if row.state == BatchState.UNCHECKED]
    held = connection.execute(select(holds.c.credits).where(holds.c.campaign_id == campaign.id)).scalar()
    posted, doubts, late = _attempts(connection, campaign.id)
    not_expanded = campaign.recipients - campaign.expanded
    window = next_ones(connection, [campaign]).get(campaign.id)
    return Progress(
        id=campaign.id,
        name=campaign.name,
        account=campaign.account,
        key=campaign.key,
        state=campaign.state,
        paused_at=campaign.paused_at,
        reason=campaign.reason,
        created_at=campaign.created_at,
        scheduled_at=campaign.scheduled_at,
        completed_at=campaign.completed_at,
        recipients=campaign.recipients,
        expanded=campaign.expanded,
        excluded=excluded,
        messages=size,
        by_status=by_status,
        batches={row.state: row.batches for row in by_state},
        segments=sum(row.segments for row in by_state),
        credits_estimated=Decimal(sum(row.credits + row.lookup_credits for row in by_state)),
        credits_held=Decimal(0) if held is None else sum(unsent + to_look_up, Decimal(0)),
        credits_posted=posted,
        credits_refunded=_refunded(connection, campaign.id),
        in_doubt_attempts=doubts,
        duplicates=_duplicates(connection, campaign.id) if late else 0,
        retry_of=campaign.retry_of,
        retries=_retries(connection, campaign.id),
        window=str(window.hours.window) if window else None,
        window_zone=window.hours.zone if window else None,
        window_opens_at=window.opens_at if window else None,
        waits_for=waits_for(connection, campaign),
        adds_up=campaign.recipients == sum(excluded.values()) + size + not_expanded and size == sum(by_status.values()),
        purged=Purged(campaign.purged).name.lower() if campaign.purged else None,
    )


def _retries(connection: Connection, campaign_id: int) -> tuple[int, ...]:
    c = campaigns.c
    return tuple(connection.execute(select(c.id).where(c.retry_of == campaign_id).order_by(c.id)).scalars())


def _excluded(connection: Connection, campaign_id: int) -> dict[str, int]:
    e = exclusions.c
    counted = select(e.reason, func.count()).where(e.campaign_id == campaign_id).group_by(e.reason)
    counts: dict[str, int] = dict(connection.execute(counted).all())
    return {reason.value: counts[reason] for reason in Exclusion if reason in counts}


def _batches(connection: Connection, campaign_id: int) -> list[Record]:
    b = batches.c
    summed = select(
        b.state,
        func.count().label("batches"),
        *[func.sum(column).label(column.name) for column in (b.size, b.segments, b.credits, b.lookup_credits)],
    )
    return list(connection.execute(summed.where(b.campaign_id == campaign_id).group_by(b.state)).all())


def _by_status(connection: Connection, campaign_id: int) -> dict[str, int]:
    m, b = messages.c, batches.c
    by_batch = (
        select(m.batch_id, m.status, func.count().label("count"))
        .where(m.campaign_id == campaign_id)
        .group_by(m.batch_id, m.status)
        .subquery()
    )
    counted = (
        select(b.state, by_batch.c.status, func.sum(by_batch.c.count))
        .where(b.id == by_batch.c.batch_id)
        .group_by(b.state, by_batch.c.status)
    )
    counts: dict[str, int] = {}
    for state, status, count in connection.execute(counted):
        its = word(MessageStatus(status), BatchState(state))
        counts[its] = counts.get(its, 0) + int(count)
    return counts


def word(status: MessageStatus, state: BatchState) -> str:
    """What a message is called, by its own status and the state of its batch."""
    # Late reports may say of a batch that was written off, or is to be sent again, that it is on its way: that ends
    # nothing, and so it is no more than what became of the batch.
    on_its_way = status.rank == MessageStatus.WAITING.rank
    if status == MessageStatus.AS_BATCH or (on_its_way and state != BatchState.ACCEPTED):
        return AS_ITS_BATCH[state]
    return "in_flight" if on_its_way else status.name.lower()


def _attempts(connection: Connection, campaign_id: int) -> tuple[Decimal, int, int]:
    """Credits posted, requests in doubt, and those that were proven too late."""
    a = attempts.c
    doubtful = (a.state == AttemptState.IN_DOUBT) & (a.kind == AttemptKind.SEND)
    late = (a.state == AttemptState.ACCEPTED_LATE) & (a.kind == AttemptKind.SEND)
    counts = [func.count().filter(which) for which in (doubtful, late)]
    summed = select(func.sum(a.credits), *counts).where(a.campaign_id == campaign_id)
    posted, doubts, proven_late = connection.execute(summed).one()
    return posted or Decimal(0), doubts, proven_late


def _duplicates(connection: Connection, campaign_id: int) -> int:
    """Messages that were taken once more, after a decision to send them again."""
    a, b, others = attempts.c, batches.c, attempts.alias("others")
    was_late = exists(literal(1)).where(
        others.c.batch_id == a.batch_id, others.c.state == AttemptState.ACCEPTED_LATE, others.c.kind == AttemptKind.SEND
    )
    taken = a.state.in_(POSTED) & (a.kind == AttemptKind.SEND)
    # Halves of a refused batch are numbered from 0 downwards: what came late may be of the batch that they were.
    found = select(b.payload, a.receipt).where(
        a.campaign_id == campaign_id, taken, b.id == a.batch_id, or_(was_late, b.number <= 0)
    )
    texted: Counter[int] = Counter()
    for row in connection.execute(found):
        texted.update(_taken(Payload.unpack(row.payload).numbers, row.receipt))
    return sum(count - 1 for count in texted.values())


def _taken(numbers: Sequence[int], receipt: bytes | None) -> Sequence[int]:
    """Those of the numbers that the gateway took; all of them, where no receipt says otherwise."""
    if receipt is None:
        return numbers
    lines = zip(numbers, ReceiptLines.unpack(receipt).smsfids, strict=True)
    return [number for number, smsfid in lines if smsfid is not None]


def _refunded(connection: Connection, campaign_id: int) -> Decimal:
    summed = select(func.sum(refunds.c.credits)).where(refunds.c.campaign_id == campaign_id)
    return connection.execute(summed).scalar() or Decimal(0)
