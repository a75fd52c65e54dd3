"""What a campaign came to, in figures that fit on a page: account, deliveries over time, prefixes, lengths, refusals.

Every figure is of one moment and counted by the database; what comes back is a few rows however many recipients there
are, and no number of any of them. `timing`, `prefixes` and `lengths` count; how it looks is not for the domain to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from campaigns import lengths, prefixes, timing
from campaigns.database import Database, default, now
from campaigns.lengths import Length
from campaigns.models import attempts
from campaigns.prefixes import Prefix
from campaigns.progress import Progress, within
from campaigns.states import AttemptKind, AttemptState
from campaigns.timing import Span, Wait

NOT_TAKEN = ("pending", "sending", "in_doubt", "refused", "voided", "written_off")
"""Statuses of messages that the gateway has not taken, for all that is known."""


@dataclass(frozen=True)
class Step:
    """A step of the funnel: how many came as far as this, and who was lost since the step before, by reason."""

    name: str
    count: int
    lost: Mapping[str, int]


@dataclass(frozen=True)
class Refusal:
    """Requests that the gateway refused, or that could not be written.

    Attributes:
        kind: `send` or `lookup`.
        code: the gateway's; none where no request could be written.
        detail: why, in words.
        requests: their number.
        messages: that were in them; they may have been sent later, once the cause was gone.
    """

    kind: str
    code: int | None
    detail: str
    requests: int
    messages: int


@dataclass(frozen=True)
class Report:
    """What a campaign came to, at one moment.

    Attributes:
        made_at: that moment.
        account: what `campaigns show` says.
        first_sent_at: when its first request that was taken had its answer; `last_sent_at` the last one.
        deliveries: messages delivered, by when that was learnt: one span after the other, empty ones included.
        waits: the same messages, by the time from the gateway's yes to the report; every class, in order.
        untimed: messages delivered of which it is not known when they were taken.
        prefixes: messages by the first digits of their numbers, the most frequent first.
        refusals: the most frequent first.
        lengths: messages by alphabet and segments, the shortest first.
    """

    made_at: datetime
    account: Progress
    first_sent_at: datetime | None
    last_sent_at: datetime | None
    deliveries: tuple[Span, ...]
    waits: tuple[Wait, ...]
    untimed: int
    prefixes: tuple[Prefix, ...]
    refusals: tuple[Refusal, ...]
    lengths: tuple[Length, ...]

    @property
    def funnel(self) -> tuple[Step, ...]:
        """From the rows read to the messages delivered; each step and what it lost add up to the one before."""
        its = self.account
        waiting = its.recipients - its.expanded
        left_out = {**its.excluded, **({"not_expanded": waiting} if waiting else {})}
        not_taken = {status: its.by_status[status] for status in NOT_TAKEN if its.by_status.get(status)}
        taken = {status: count for status, count in its.by_status.items() if status not in NOT_TAKEN}
        delivered = taken.pop("delivered", 0)
        return (
            Step("read", its.recipients, {}),
            Step("messages", its.messages, left_out),
            Step("taken", its.messages - sum(not_taken.values()), not_taken),
            Step("delivered", delivered, taken),
        )


def report(campaign_id: int, *, database: Database | None = None) -> Report:
    """What the campaign came to so far; raises UnknownCampaignError."""
    with (database or default()).snapshot() as connection:
        account = within(connection, campaign_id)
        first, last = _sent(connection, campaign_id)
        waits = timing.waits(connection, campaign_id)
        return Report(
            made_at=connection.execute(select(now())).scalar_one(),
            account=account,
            first_sent_at=first,
            last_sent_at=last,
            deliveries=timing.deliveries(connection, campaign_id),
            waits=waits,
            untimed=account.by_status.get("delivered", 0) - sum(wait.messages for wait in waits),
            prefixes=prefixes.of_campaign(connection, campaign_id),
            refusals=_refusals(connection, campaign_id),
            lengths=lengths.of_campaign(connection, campaign_id),  # the last: it has all scans forbidden after it
        )


def _sent(connection: Connection, campaign_id: int) -> tuple[datetime | None, datetime | None]:
    a = attempts.c
    found = select(func.min(a.settled_at), func.max(a.settled_at)).where(
        a.campaign_id == campaign_id, a.kind == AttemptKind.SEND, a.state == AttemptState.ACCEPTED
    )
    first, last = connection.execute(found).one()
    return first, last


def _refusals(connection: Connection, campaign_id: int) -> tuple[Refusal, ...]:
    a = attempts.c
    why = case((a.code.is_(None), a.detail))  # the code says it all; the words beside it may differ by request
    counted = (
        select(a.kind, a.code, func.max(a.detail), func.count().label("requests"), func.sum(a.size))
        .where(a.campaign_id == campaign_id, a.state == AttemptState.REFUSED)
        .group_by(a.kind, a.code, why)
        .order_by(func.count().desc(), a.kind, a.code)
    )
    return tuple(
        Refusal(kind, code, detail or "", requests, int(size))
        for kind, code, detail, requests, size in connection.execute(counted)
    )
