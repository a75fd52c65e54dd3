"""A campaign at a glance, for whoever looks every second: how far each stage is, how fast it goes, what it waits for.

A look must not slow down what it looks at. Whatever stands on batches and requests is summed up each time, which takes
milliseconds for a campaign of a million. What only its messages know, who has a final status, is counted in a walk over
all of them: so seldom that it takes a small part of the time, and never more than one processor. `progress` is the
account to the last message.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select

from campaigns.credits import unsent_credits
from campaigns.database import Database, Record, default, later, now
from campaigns.language import _
from campaigns.lifecycle import UnknownCampaignError
from campaigns.models import attempts, batches, campaigns, exclusions, holds, messages, refunds
from campaigns.pace import LAST_MINUTE, LAST_SECONDS, Lately, Stage, Steps, over
from campaigns.progress import IN_THE_OPEN, word
from campaigns.states import POSTED, TO_LOOK_UP, UNSENT, AttemptKind, BatchState, Exclusion, MessageStatus
from campaigns.waiting import waits_for

COUNT_SHARE = 30
"""A thirtieth of one processor, at most, goes into counting messages."""

REPORTS_OF_SECONDS = 30.0
"""Delivery reports come by the body, each of some seconds: a shorter time would have none of them, or one too many."""


@dataclass(frozen=True)
class Credits:
    """What the campaign will cost, by our prices; what is set aside of it; what was taken, and what came back."""

    estimated: Decimal
    held: Decimal
    posted: Decimal
    refunded: Decimal


@dataclass(frozen=True)
class Glance:
    """What is to be seen of a campaign at one moment.

    Attributes:
        moment: by the database.
        finished: whether every message has its final status.
        waits_for: what must happen next, where it is not the workers' turn.
        stages: those that the campaign has, in their order.
        by_status: messages, when they were last counted, at `counted_at`; none before one has left.
    """

    moment: datetime
    id: int
    name: str
    state: str
    paused: bool
    finished: bool
    waits_for: str | None
    stages: tuple[Stage, ...]
    credits: Credits
    by_status: Mapping[str, int]
    counted_at: datetime | None


@dataclass(frozen=True)
class _Counted:
    """What only a walk over all messages tells; `ended` of them in the last half minute."""

    moment: datetime
    by_status: Mapping[str, int]
    ended: int
    refunded: Decimal


class Lookout:
    """Somebody who looks at one campaign again and again.

    Args:
        campaign_id: which.
        database: where it is; the one of the settings if none is named.
        count_share: messages are counted anew after so many times the time that it took.
    """

    def __init__(self, campaign_id: int, *, database: Database | None = None, count_share: int = COUNT_SHARE) -> None:
        self._campaign_id, self._count_share = campaign_id, count_share
        self._database = database or default()
        self._expansion, self._lookup = Steps(), Steps()
        self._counted: _Counted | None = None
        self._count_at = 0.0

    def look(self) -> Glance:
        """The campaign now; of a finished one, as exact as its account. Raises UnknownCampaignError."""
        with self._database.snapshot() as connection:
            found = select(campaigns, now().label("moment")).where(campaigns.c.id == self._campaign_id)
            campaign = connection.execute(found).first()
            if campaign is None:
                raise UnknownCampaignError(
                    _("no campaign has the id {id}: `campaigns list` names them").format(id=self._campaign_id)
                )
            its, sends = _batches(connection, campaign), _sends(connection, campaign)
            if its.sent and (campaign.completed_at is not None or time.monotonic() >= self._count_at):
                self._count(connection, campaign)
            return Glance(
                moment=campaign.moment,
                id=campaign.id,
                name=campaign.name,
                state=campaign.state,
                paused=campaign.paused_at is not None and campaign.completed_at is None,
                finished=campaign.completed_at is not None,
                waits_for=waits_for(connection, campaign),
                stages=self._stages(campaign, its, sends),
                credits=Credits(its.estimated, its.held, sends.posted, self._refunded),
                by_status=self._counted.by_status if self._counted else {},
                counted_at=self._counted.moment if self._counted else None,
            )

    @property
    def _refunded(self) -> Decimal:
        return self._counted.refunded if self._counted else Decimal(0)

    def _count(self, connection: Connection, campaign: Record) -> None:
        began = time.monotonic()
        self._counted = _counted(connection, campaign)
        ended = time.monotonic()
        self._count_at = ended + self._count_share * (ended - began)

    def _stages(self, campaign: Record, its: _Batches, sends: _Sends) -> tuple[Stage, ...]:
        moment, expanded = campaign.moment, campaign.expanded
        stages = [Stage("expansion", expanded, campaign.recipients, self._expansion.rate(moment, expanded))]
        # How many messages there are, only the end of the expansion tells.
        known = expanded >= campaign.recipients or campaign.completed_at is not None
        if campaign.spec.get("lookup"):
            done = its.messages + its.unreachable - its.to_look_up
            of = its.messages + its.unreachable if known else None
            stages.append(Stage("lookup", done, of, self._lookup.rate(moment, done)))
        of = its.messages - its.voided if known else None
        settled = min(_settled(self._counted.by_status), its.sent) if self._counted else 0
        ended = self._counted.ended if self._counted else 0
        since = sends.lately.since
        stages.append(Stage("sending", its.sent, of, sends.lately.rate))
        stages.append(Stage("delivery", settled, of, over(ended, REPORTS_OF_SECONDS, since=since)))
        return tuple(stages)


def _settled(by_status: Mapping[str, int]) -> int:
    """Those that were to be sent, and have their end."""
    return sum(count for status, count in by_status.items() if status not in (*IN_THE_OPEN, "voided"))


@dataclass(frozen=True)
class _Batches:
    """What a campaign's batches say: messages in all, by where they are, and credits."""

    messages: int
    to_look_up: int
    sent: int
    voided: int
    unreachable: int
    estimated: Decimal
    held: Decimal


def _batches(connection: Connection, campaign: Record) -> _Batches:
    b = batches.c
    summed = select(
        b.state, func.sum(b.size), func.sum(b.credits + b.lookup_credits), func.sum(unsent_credits())
    ).where(b.campaign_id == campaign.id)
    size: dict[str, int] = {}
    estimated = unsent = Decimal(0)
    for state, messages_, credits_, to_come in connection.execute(summed.group_by(b.state)):
        size[state] = int(messages_)
        estimated += credits_
        unsent += to_come if state in UNSENT else 0
    not_sent = sum(size.get(state, 0) for state in (*UNSENT, BatchState.SENDING, BatchState.VOIDED))
    funded = connection.execute(select(holds.c.credits).where(holds.c.campaign_id == campaign.id)).first()
    return _Batches(
        messages=sum(size.values()),
        to_look_up=sum(size.get(state, 0) for state in TO_LOOK_UP),
        sent=sum(size.values()) - not_sent,
        voided=size.get(BatchState.VOIDED, 0),
        unreachable=_unreachable(connection, campaign.id) if campaign.spec.get("lookup") else 0,
        estimated=estimated,
        held=unsent if funded else Decimal(0),
    )


def _unreachable(connection: Connection, campaign_id: int) -> int:
    """Those whom a lookup found dead: it is done with them, and they are in no batch."""
    e = exclusions.c
    found = select(func.count()).where(e.campaign_id == campaign_id, e.reason == Exclusion.UNREACHABLE)
    return connection.execute(found).scalar_one()


@dataclass(frozen=True)
class _Sends:
    """What a campaign's requests say."""

    posted: Decimal
    lately: Lately


def _sends(connection: Connection, campaign: Record) -> _Sends:
    a = attempts.c
    taken = a.state.in_(POSTED)
    sent = taken & (a.kind == AttemptKind.SEND)
    just_now, in_a_minute = (sent & (a.settled_at > later(-seconds)) for seconds in (LAST_SECONDS, LAST_MINUTE))
    summed = select(
        func.sum(a.credits).filter(taken),
        func.count().filter(just_now),
        func.sum(a.size).filter(just_now),
        func.sum(a.size).filter(in_a_minute),
        func.min(a.started_at).filter(a.kind == AttemptKind.SEND),
    )
    posted, requests, messages_, more, began = connection.execute(summed.where(a.campaign_id == campaign.id)).one()
    since = (campaign.moment - began).total_seconds() if began else 0.0
    return _Sends(posted or Decimal(0), Lately(requests, int(messages_ or 0), int(more or 0), since))


def _counted(connection: Connection, campaign: Record) -> _Counted:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
    by_status: dict[str, int] = {}
    ended = 0
    for status, state, count, lately in connection.execute(_walk(campaign.id)):
        its = word(MessageStatus(status), BatchState(state))
        by_status[its] = by_status.get(its, 0) + int(count)
        ended += 0 if its in IN_THE_OPEN else int(lately)
    refunded = select(func.sum(refunds.c.credits)).where(refunds.c.campaign_id == campaign.id)
    return _Counted(campaign.moment, by_status, ended, connection.execute(refunded).scalar() or Decimal(0))


def _walk(campaign_id: int) -> Select[Any]:
    """Messages by their own status and their batch's state, and how many of each came to be so lately."""
    m, b = messages.c, batches.c
    lately = func.count().filter(m.updated_at > later(-REPORTS_OF_SECONDS))
    by_batch = (
        select(m.batch_id, m.status, func.count().label("count"), lately.label("lately"))
        .where(m.campaign_id == campaign_id)
        .group_by(m.batch_id, m.status)
        .subquery()
    )
    counted = select(by_batch.c.status, b.state, func.sum(by_batch.c.count), func.sum(by_batch.c.lately))
    return counted.where(b.id == by_batch.c.batch_id).group_by(b.state, by_batch.c.status)
