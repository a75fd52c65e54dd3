"""The account of the journal: what was read, what of it waits, belongs to nobody here or is broken; and what is lost.

A gap is a request for reports that may have left, and whose answer did not arrive whole. It is counted at most, never
at least: whoever died between noting a request and making it has lost nothing, and nobody can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, distinct, exists, func, literal, or_, select

from campaigns import decided, doubts, journal
from campaigns.database import Database, later
from campaigns.models import attempts, report_polls
from campaigns.states import PollState
from campaigns.unapplied import ASKED_SECONDS

LATEST = 10


@dataclass(frozen=True)
class Gap:
    """A request whose answer is lost, or (`cut`) only the end of it; `msgfid` is what was asked for, if not all."""

    id: int
    asked_at: datetime
    msgfid: str | None
    cut: bool


@dataclass(frozen=True)
class Broken:
    """A body that cannot be applied, and the kind of error that says so."""

    id: int
    stored_at: datetime
    why: str


@dataclass(frozen=True)
class Readings:
    """Of one account.

    Attributes:
        account: whose.
        readings: bodies that are kept.
        reports: in those that were applied, however often the gateway said the same.
        asking: requests whose answer is awaited.
        unapplied: bodies that nobody has applied yet.
        parked: bodies with reports of sendings that nobody knows yet.
        parked_for: the campaigns of the requests that these may be of.
        foreign: sendings of other programs on the same account, whose reports we read.
        foreign_readings: bodies with such reports.
        broken: bodies that cannot be applied.
        latest_broken: the last of them.
        lost: gaps of which nothing came.
        cut: gaps of which the beginning came.
        latest_gaps: the last of both.
    """

    account: str
    readings: int
    reports: int
    asking: int
    unapplied: int
    parked: int
    parked_for: tuple[int, ...]
    foreign: int
    foreign_readings: int
    broken: int
    latest_broken: tuple[Broken, ...]
    lost: int
    cut: int
    latest_gaps: tuple[Gap, ...]

    @property
    def gaps(self) -> int:
        """How many answers did not arrive whole, at most."""
        return self.lost + self.cut


def readings(database: Database, account: str | None = None) -> list[Readings]:
    """The account of each account's journal, by name; of one only, if named. It reads the whole journal's heads."""
    p = report_polls.c
    with database.snapshot() as connection:
        found = select(p.account).distinct().order_by(p.account)
        names = connection.execute(found if account is None else found.where(p.account == account)).scalars().all()
        return [_of(connection, name) for name in names]


def _of(connection: Connection, account: str) -> Readings:
    p = report_polls.c
    counted = select(
        *[
            func.count().filter(which).label(name)
            for name, which in {
                "readings": p.stored_at.is_not(None),
                "asking": and_(p.state == PollState.ASKED, ~_is_lost()),
                "unapplied": p.state == PollState.STORED,
                "parked": p.state == PollState.PARKED,
                "broken": p.state == PollState.BROKEN,
                "lost": _is_lost(),
                "cut": _is_cut(),
            }.items()
        ],
        func.coalesce(func.sum(p.reports), 0).label("reports"),
    ).where(p.account == account)
    figures: dict[str, Any] = dict(connection.execute(counted).mappings().one())
    foreign, foreign_readings = _foreign(connection, account)
    return Readings(
        account=account,
        **figures,
        parked_for=_waited_for(connection, account) if figures["parked"] else (),
        foreign=foreign,
        foreign_readings=foreign_readings,
        latest_broken=_latest_broken(connection, account),
        latest_gaps=_latest_gaps(connection, account),
    )


def _is_lost() -> ColumnElement[bool]:
    p = report_polls.c
    return or_(p.state == PollState.LOST, and_(p.state == PollState.ASKED, p.asked_at < later(-ASKED_SECONDS)))


def _is_cut() -> ColumnElement[bool]:
    return func.coalesce(report_polls.c.detail.startswith(journal.CUT), literal(value=False))


def _waited_for(connection: Connection, account: str) -> tuple[int, ...]:
    a = attempts.c
    campaigns: set[int] = set()
    for which in (doubts.may_have_sent(), decided.may_have_sent()):
        campaigns.update(connection.execute(select(a.campaign_id).where(a.account == account, which)).scalars())
    return tuple(sorted(campaigns))


def _foreign(connection: Connection, account: str) -> tuple[int, int]:
    a, p = attempts.c, report_polls.c
    unknown = journal.unknown_in(connection)
    ours = exists(literal(1)).where(a.account == p.account, a.msgfid == unknown.c.value)
    counted = (
        select(func.count(distinct(unknown.c.value)), func.count(distinct(p.id)))
        .select_from(report_polls.join(unknown, literal(value=True)))
        .where(p.account == account, p.state == PollState.APPLIED, p.unknown.is_not(None), ~ours)
    )
    sendings, bodies = connection.execute(counted).one()
    return int(sendings), int(bodies)


def _latest_broken(connection: Connection, account: str) -> tuple[Broken, ...]:
    p = report_polls.c
    found = select(p.id, p.stored_at, p.detail).where(p.account == account, p.state == PollState.BROKEN)
    rows = connection.execute(found.order_by(p.id.desc()).limit(LATEST))
    return tuple(Broken(row.id, row.stored_at, row.detail) for row in rows)


def _latest_gaps(connection: Connection, account: str) -> tuple[Gap, ...]:
    p = report_polls.c
    found = select(p.id, p.asked_at, p.msgfid, _is_cut().label("cut")).where(p.account == account)
    rows = connection.execute(found.where(or_(_is_lost(), _is_cut())).order_by(p.id.desc()).limit(LATEST))
    return tuple(Gap(row.id, row.asked_at, row.msgfid, bool(row.cut)) for row in rows)
