"""What is summed up of a campaign for those who look at it every second: of its batches, its requests, its messages.

The first two are quick, for there is one of them for hundreds of messages. When the third is worth its time is for
`glance` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select

from campaigns.credits import unsent_credits
from campaigns.database import Record, later
from campaigns.models import attempts, batches, exclusions, holds, messages, refunds
from campaigns.pace import LAST_MINUTE, LAST_SECONDS, Lately
from campaigns.progress import IN_THE_OPEN, word
from campaigns.states import POSTED, TO_LOOK_UP, UNSENT, AttemptKind, BatchState, Exclusion, MessageStatus

REPORTS_OF_SECONDS = 30.0
"""Delivery reports come by the body, each of some seconds: a shorter time would have none of them, or one too many."""


@dataclass(frozen=True)
class Batches:
    """What a campaign's batches say: messages in all, by where they are, and credits."""

    messages: int
    to_look_up: int
    sent: int
    voided: int
    unreachable: int
    estimated: Decimal
    held: Decimal


def batches_of(connection: Connection, campaign: Record) -> Batches:
    """Of the campaign, whose row this is."""
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
    return Batches(
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
class Sends:
    """What a campaign's requests say."""

    posted: Decimal
    lately: Lately


def sends_of(connection: Connection, campaign: Record) -> Sends:
    """Of the campaign, whose row this is, with the `moment` of this look."""
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
    return Sends(posted or Decimal(0), Lately(requests, int(messages_ or 0), int(more or 0), since))


@dataclass(frozen=True)
class Counted:
    """What only a walk over all messages tells; `ended` of them in the last half minute."""

    moment: datetime
    by_status: Mapping[str, int]
    ended: int
    refunded: Decimal


def messages_of(connection: Connection, campaign: Record) -> Counted:
    """Of the campaign, whose row this is, with the `moment` of this look: a walk over all messages, by one process."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
    by_status: dict[str, int] = {}
    ended = 0
    for status, state, count, lately in connection.execute(_walk(campaign.id)):
        its = word(MessageStatus(status), BatchState(state))
        by_status[its] = by_status.get(its, 0) + int(count)
        ended += 0 if its in IN_THE_OPEN else int(lately)
    refunded = select(func.sum(refunds.c.credits)).where(refunds.c.campaign_id == campaign.id)
    return Counted(campaign.moment, by_status, ended, connection.execute(refunded).scalar() or Decimal(0))


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
