"""When a campaign's messages were delivered, and how long they took: counted by the database, in a few classes.

The time of a delivery is when its report was read, which is somewhat later than the phone had it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Float, Integer, case, cast, func, select

from campaigns.models import attempts, batches, messages
from campaigns.states import POSTED, AttemptKind, MessageStatus

SPANS = 24
"""At most so many spans: as many as a table on a page can have."""

WIDTHS = (1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)
"""Seconds that a span may last; above them, whole days."""

BOUNDS = (5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 43_200, 86_400)
"""Seconds below which a message has taken so long."""


@dataclass(frozen=True)
class Span:
    """So many messages were delivered from `start` on, for `seconds`."""

    start: datetime
    seconds: int
    messages: int


@dataclass(frozen=True)
class Wait:
    """So many messages took at least `from_seconds`, and less than `below_seconds`; none: longer still."""

    from_seconds: int
    below_seconds: int | None
    messages: int


def deliveries(connection: Connection, campaign_id: int) -> tuple[Span, ...]:
    """Messages delivered, span after span from the first delivery to the last; none if there was none."""
    m = messages.c
    delivered = (m.campaign_id == campaign_id, m.status == MessageStatus.DELIVERED, m.updated_at.is_not(None))
    first, last = connection.execute(select(func.min(m.updated_at), func.max(m.updated_at)).where(*delivered)).one()
    if first is None:
        return ()
    width = _width(int(first.timestamp()), int(last.timestamp()))
    second = _epoch(connection, m.updated_at)
    start = (second - second % width).label("start")
    counted = select(start, func.count()).where(*delivered).group_by(start)
    counts: dict[int, int] = dict(connection.execute(counted).all())
    return tuple(
        Span(datetime.fromtimestamp(start, UTC), width, counts.get(start, 0))
        for start in range(min(counts), max(counts) + 1, width)
    )


def _width(first: int, last: int) -> int:
    """Seconds of a span, so that there are few enough from the first second to the last."""
    width = next((width for width in WIDTHS if last // width - first // width < SPANS), 0)
    return width or 86_400 * (1 + (last - first) // (86_400 * (SPANS - 1)))


def waits(connection: Connection, campaign_id: int) -> tuple[Wait, ...]:
    """Messages delivered, by the time from the gateway's yes to their report; none whose yes has no time."""
    m, b, a = messages.c, batches.c, attempts.c
    seconds = seconds_between(connection, a.settled_at, m.updated_at)
    place = case(*[(seconds < bound, index) for index, bound in enumerate(BOUNDS)], else_=len(BOUNDS)).label("place")
    counted = (
        select(place, func.count())
        .where(m.campaign_id == campaign_id, m.status == MessageStatus.DELIVERED, m.updated_at.is_not(None))
        .where(b.id == m.batch_id, a.id == b.attempt_id, a.settled_at.is_not(None))
        .where(a.kind == AttemptKind.SEND, a.state.in_(POSTED))
        .group_by(place)
    )
    counts: dict[int, int] = dict(connection.execute(counted).all())
    edges = (0, *BOUNDS, None)
    return tuple(Wait(edges[index] or 0, edges[index + 1], counts.get(index, 0)) for index in range(len(BOUNDS) + 1))


def _epoch(connection: Connection, moment: ColumnElement[Any]) -> ColumnElement[int]:
    """Whole seconds since 1970."""
    if connection.dialect.name == "postgresql":
        return cast(func.floor(func.extract("epoch", moment)), BigInteger)
    return cast(func.strftime("%s", moment), Integer)


def seconds_between(connection: Connection, start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[float]:
    """From one moment to another, to the millisecond; below nought where a report came before the gateway's reply."""
    if connection.dialect.name == "postgresql":
        return cast(func.extract("epoch", end - start), Float)
    return func.round((func.julianday(end) - func.julianday(start)) * 86_400.0, 3, type_=Float)
