"""When windowed campaigns may send: for each zone of a campaign's batches, the opening that is now, or the next one.

It is reckoned when the zone has its first batch, and anew by the sweep when it is over; claims, and whoever is about to
connect, compare it with the database's clock. A campaign without a window has no row here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)

from campaigns.clocks import Hours, UnknownZoneError
from campaigns.database import Database, Record, among, is_ahead, now, upsert
from campaigns.language import N_
from campaigns.lifecycle import halt, has
from campaigns.models import batches, campaigns, openings
from campaigns.outages import insisting
from campaigns.states import UNSENT, BatchState
from campaigns.windows import Opening, Window

AT_ONCE = 1_000
"""Openings that are over, and reckoned anew in one round of the sweep; the others have their turn in the next."""

AGAIN = timedelta(hours=1)
"""After which a window that never opens is looked at again: its campaign may have ended, and its row with it."""

AGAIN_UNKNOWN = timedelta(minutes=1)
"""The same, where a time zone is not known: a person may have seen to it, and resumed the campaign."""


def reckon_first(connection: Connection, campaign_id: int, hours: Hours, zones: Collection[str]) -> None:
    """For zones that have batches from now on; those that had some before stay as they are.

    The connection is a transaction that holds the campaign's row.
    """
    clock = connection.execute(select(now())).scalar_one()
    rows = [
        {"campaign_id": campaign_id, "zone": zone, **_row(hours.opening(zone, clock), clock)} for zone in sorted(zones)
    ]
    connection.execute(upsert(connection, openings).on_conflict_do_nothing(), rows)
    connection.execute(_shut().where(campaigns.c.id == campaign_id))


def reckon(database: Database) -> int:
    """Reckon anew what is over; returns how many openings were. Those of campaigns that have ended are forgotten.

    Those of campaigns that somebody has locked have their turn in the next round. A campaign whose time zones this host
    does not know is paused, if it has something to send, so that the others go on.
    """
    with database.reading() as connection:
        over = connection.execute(_over()).all()
    if not over:
        return 0
    unknown: dict[int, str] = {}
    anew = list(_anew([row for row in over if row.completed_at is None], unknown))
    ended = {row.campaign_id for row in over if row.completed_at is not None}
    with database.transaction() as connection:
        ours = _lock(connection, {row.campaign_id for row in over})
        if mine := [row for row in anew if row["its_campaign"] in ours]:
            connection.execute(_RECKONED, mine)
            connection.execute(_shut().where(among(connection, campaigns.c.id, {row["its_campaign"] for row in mine})))
        if ended & ours:
            connection.execute(delete(openings).where(among(connection, openings.c.campaign_id, ended & ours)))
        _halt(connection, {campaign_id: place for campaign_id, place in unknown.items() if campaign_id in ours})
    return sum(row.campaign_id in ours for row in over)


def _anew(over: Iterable[Record], unknown: dict[int, str]) -> Iterator[dict[str, Any]]:
    """The openings that follow; most campaigns have the window of many others.

    Campaigns of which a time zone is not known are added to `unknown`, with the place that has it.
    """
    known: dict[tuple[str, str, str], dict[str, Any]] = {}
    lost = set()
    for row in over:
        its = row.window, row.whose, row.zone
        if its not in known:
            try:
                opening = Hours(Window.parse(row.window), row.whose).opening(row.zone, row.clock)
                known[its] = _row(opening, row.clock)
            except UnknownZoneError:
                lost.add(its)
                known[its] = _row(None, row.clock, again=AGAIN_UNKNOWN)
        if its in lost:
            unknown[row.campaign_id] = row.zone
        yield {"its_campaign": row.campaign_id, "its_zone": row.zone, "its_end": row.closes_at, **known[its]}


def _halt(connection: Connection, unknown: Mapping[int, str]) -> None:
    """Pause campaigns of which a time zone is not known, if they have something to send."""
    if not unknown:
        return
    c = campaigns.c
    for campaign_id in connection.execute(select(c.id).where(among(connection, c.id, unknown), has(UNSENT))).scalars():
        why = N_(
            "its window goes by the clocks of {place}, of which a worker's host lacks a time zone: bring the package"
            " `tzdata` up to date there, and resume the campaign"
        )
        halt(connection, campaign_id, why.format(place=unknown[campaign_id]))


_RECKONED = (
    update(openings)
    .where(
        openings.c.campaign_id == bindparam("its_campaign"),
        openings.c.zone == bindparam("its_zone", type_=Text),
        openings.c.closes_at == bindparam("its_end"),
    )
    .values({name: bindparam(name) for name in ("opens_at", "closes_at", "reckoned_at")})
)


def _lock(connection: Connection, campaign_ids: Collection[int]) -> set[int]:
    """Those whose rows are ours now."""
    c = campaigns.c
    some = select(c.id).where(among(connection, c.id, campaign_ids)).order_by(c.id)
    return set(connection.execute(some.with_for_update(key_share=True, skip_locked=True)).scalars())


def _shut() -> Update:
    o = openings.c
    first = select(func.min(o.opens_at)).where(o.campaign_id == campaigns.c.id).correlate(campaigns).scalar_subquery()
    return update(campaigns).values(shut_until=first)


def _over() -> Select[Any]:
    o, c = openings.c, campaigns.c
    said = c.spec["window"].as_string().label("window"), c.spec["window_zone"].as_string().label("whose")
    columns = select(o.campaign_id, o.zone, o.closes_at, c.completed_at, *said, now().label("clock"))
    # What was reckoned before the clock was set back may be later than the opening that comes next.
    over = columns.where(or_(o.closes_at <= now(), is_ahead(o.reckoned_at)), c.id == o.campaign_id)
    return over.order_by(o.closes_at, o.campaign_id, o.zone).limit(AT_ONCE)


def _row(opening: Opening | None, clock: datetime, *, again: timedelta = AGAIN) -> dict[str, datetime | None]:
    """What is stored of it; of none, when it is looked at again."""
    if opening is None:
        return {"opens_at": None, "closes_at": clock + again, "reckoned_at": clock}
    return {"opens_at": opening.opens_at, "closes_at": opening.closes_at, "reckoned_at": clock}


# --- What may leave now ---------------------------------------------------------------------------------------------


def _is_open() -> ColumnElement[bool]:
    o = openings.c
    # As an expression, or each campaign's would be looked for by the index of all that are not over yet.
    return and_(o.opens_at <= now(), func.coalesce(o.closes_at, o.opens_at) > now())


def _has_pending() -> ColumnElement[bool]:
    """Of an opening: batches of its zone wait to be sent."""
    b = batches.c
    # The order has it walk their index; and an EXISTS may be turned into a join.
    first = select(b.id).where(_is_of_zone()).order_by(b.number).limit(1)
    return first.correlate(openings).scalar_subquery().is_not(None)


def _is_of_zone() -> ColumnElement[bool]:
    """Of an opening and a batch that waits to be sent: the one is the other's."""
    b, o = batches.c, openings.c
    return and_(b.campaign_id == o.campaign_id, b.zone == o.zone, b.state == BatchState.PENDING)


def may_send() -> ColumnElement[bool]:
    """Of a campaign: it has no window, or a batch that may leave now."""
    o, c = openings.c, campaigns.c
    not_shut = c.shut_until.is_(None) | (c.shut_until <= now())
    some = select(literal(1)).where(o.campaign_id == c.id, _is_open(), _has_pending())
    return ~c.windowed | and_(not_shut, some.limit(1).correlate(campaigns).scalar_subquery().is_not(None))


def since() -> ColumnElement[datetime]:
    """Of a campaign: since when it may send, if it has a window."""
    o = openings.c
    began = select(func.min(o.opens_at)).where(o.campaign_id == campaigns.c.id, _is_open(), _has_pending())
    return began.correlate(campaigns).scalar_subquery()


def one_zone(campaign_id: ColumnElement[int]) -> ColumnElement[str]:
    """A zone of the campaign whose batches may leave now, at random: lanes look for others than one another's."""
    o = openings.c
    some = select(o.zone).where(o.campaign_id == campaign_id, _is_open(), _has_pending())
    return some.order_by(func.random()).limit(1).scalar_subquery()


def batches_to_send() -> Select[int]:
    """Batches of windowed campaigns that may leave now, but for their rate; campaigns are in it, too."""
    b, c = batches.c, campaigns.c
    return select(b.id).where(c.id == openings.c.campaign_id, c.windowed, _is_open(), _is_of_zone())


@insisting
def seconds_left(database: Database, campaign_id: int, zone: str) -> float:
    """How long a zone of a campaign is open still; 0 where it is closed. To be asked just before connecting.

    Of a database that is away it is asked until it is back, as the lease is.
    """
    o = openings.c
    found = select(o.closes_at, now()).where(o.campaign_id == campaign_id, o.zone == zone, _is_open())
    with database.reading() as connection:
        row = connection.execute(found).first()
    return 0.0 if row is None else float((row[0] - row[1]).total_seconds())
