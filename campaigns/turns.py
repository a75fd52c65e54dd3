"""Whose turn it is: which campaigns of an account have a batch to claim now, and when a rated one's next may leave.

What is claimed then is the affair of `claims`. A rate is a gate in the campaign's own row: open, or closed until a
time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)

from campaigns import accounts, lineage, openings
from campaigns.database import Database, Record, later, now
from campaigns.models import Id, batches, campaigns
from campaigns.moments import SQLITE_FORMAT
from campaigns.states import BatchState, CampaignState

_CLAIMABLE = [BatchState.PENDING, BatchState.UNCHECKED]

LATENESS = 0.1
"""Seconds of pause that a rated campaign may make up for."""


@dataclass(frozen=True)
class Turn:
    """Campaigns that have a batch to claim now, and what is said of the database that they are of (see `lineage`).

    Where there are any: its generation, and whether it `knows` the request that it was asked for.
    """

    campaigns: list[int]
    generation: int = 0
    knows: bool = True


def look(database: Database, account: str, most: int, *, seen: int = 0, msgid: str = "") -> Turn:
    """Campaigns of the account that have a batch to claim now, in random order: none waits behind a larger one.

    `seen` and `msgid` are those of a request that the database should know; of 0 it does.
    """
    asked = {"of_account": account, "most": most, "seen": seen, "seen_msgid": msgid}
    with database.reading() as connection:
        found = connection.execute(_candidates(), asked).all()
    return Turn([row.id for row in found], found[0].generation, bool(found[0].knows)) if found else Turn([])


def candidates(database: Database, account: str, most: int) -> list[int]:
    """These campaigns alone."""
    return look(database, account, most).campaigns


@cache  # asked once a batch, and dearer to put together than to answer
def _candidates() -> Select[int, int, bool]:
    c, account = campaigns.c, bindparam("of_account", type_=Text)
    is_there = and_(accounts.is_there(account), ~lineage.is_set_back())
    seen = lineage.knows(bindparam("seen", type_=Id), bindparam("seen_msgid", type_=Text))
    # The last two are asked for once, and not for each.
    columns = select(c.id, lineage.generation().label("generation"), seen.label("knows"))
    found = columns.where(c.account == account, is_claimable(), is_there)
    return found.order_by(func.random()).limit(bindparam("most", type_=Integer))


def is_claimable() -> ColumnElement[bool]:
    """Of a campaign: it has a batch to claim now, if its gateway is there."""
    c = campaigns.c
    its_turn = c.next_send_at.is_(None) | (c.next_send_at <= now())
    claimable = or_(
        and_(c.state == CampaignState.SENDING, its_turn, openings.may_send(), _has_batch(BatchState.PENDING)),
        # Lookups have no rate, and no window.
        and_(c.state == CampaignState.CLEANING, _has_batch(BatchState.UNCHECKED)),
    )
    # Said once more, together, and that they are not over: that is what the index of campaigns at work knows.
    at_work = and_(c.state.in_([CampaignState.SENDING, CampaignState.CLEANING]), c.completed_at.is_(None))
    return and_(at_work, c.paused_at.is_(None), claimable)


def count_claimable(database: Database, account: str, most: int) -> int:
    """How many batches of the account can be claimed now; counts no further than `most`.

    Of an account whose requests fell in doubt it is one: others wait until it is accepted.
    """
    some = candidates(database, account, most)
    if not some:
        return 0
    if accounts.is_doubtful(database, account):
        return 1
    with database.reading() as connection:
        unrated = connection.execute(_count_of(), {"some": some, "most": most}).scalar_one()
    return max(1, int(unrated))


@cache  # as `_candidates`
def _count_of() -> Select[int]:
    c, b, most = campaigns.c, batches.c, bindparam("most", type_=Integer)
    unrated = and_(c.id.in_(bindparam("some", expanding=True)), c.rate.is_(None))
    its_own = select(b.id).where(unrated, b.campaign_id == c.id)
    found = [
        its_own.where(~c.windowed, b.state.in_(_CLAIMABLE)),
        its_own.where(c.windowed, b.state == BatchState.UNCHECKED),
        openings.batches_to_send().where(unrated),
    ]
    either = union_all(*[select(each.limit(most).subquery().c.id) for each in found]).limit(most)
    return select(func.count()).select_from(either.subquery())


def next_turn(database: Database, account: str) -> float | None:
    """Seconds until the gate of a rated campaign of the account opens, if one has a batch that waits for it.

    None while the gateway is away, or its window is closed: a gate that stands open would else be waited for again and
    again, at no interval.
    """
    c = campaigns.c
    sending = and_(c.account == account, c.state == CampaignState.SENDING, c.completed_at.is_(None))
    waits = and_(c.paused_at.is_(None), openings.may_send(), _has_batch(BatchState.PENDING))
    gated = select(func.min(c.next_send_at)).where(sending, waits, accounts.is_there(literal(account)))
    with database.reading() as connection:
        opens, clock = connection.execute(select(gated.scalar_subquery(), now())).one()
    return None if opens is None else max(0.0, (opens - clock).total_seconds())


def pass_gate(connection: Connection, campaign: Record, size: int) -> bool:
    """A rated campaign lets one batch through, then closes for as long as the batch's messages take."""
    if campaign.rate is None:
        return True
    c = campaigns.c
    opened = c.next_send_at.is_(None) | (c.next_send_at <= now())
    pass_ = update(campaigns).where(c.id == campaign.id, opened)
    return connection.execute(pass_.values(next_send_at=_next_opening(connection, size / campaign.rate))).rowcount == 1


def _next_opening(connection: Connection, seconds: float) -> Any:
    # A gate that fell behind opens earlier for a moment, or a rate of 100/s would come out as 97.
    c = campaigns.c
    if connection.dialect.name == "sqlite":
        earliest = func.max(func.coalesce(c.next_send_at, now()), later(-LATENESS))
        return func.strftime(SQLITE_FORMAT, earliest, f"{seconds:+.3f} seconds")
    start = func.greatest(func.coalesce(c.next_send_at, now()), later(-LATENESS))
    return start + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _has_batch(state: BatchState) -> Any:
    return exists(literal(1)).where(batches.c.campaign_id == campaigns.c.id, batches.c.state == state)
