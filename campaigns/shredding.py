"""Raw reports and stored audiences, which hold numbers and belong to no campaign alone: purged when their time is over.

What was counted of a body stays: that it came, when, how many reports were in it, and which sendings nobody knew.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, and_, case, delete, exists, func, literal, or_, select, update

from campaigns import unapplied
from campaigns.database import among, later
from campaigns.language import N_
from campaigns.models import DONE_WITH, audiences, campaigns, report_polls, schedules
from campaigns.settings import DomainSettings
from campaigns.states import PollState, Purged

DAY_SECONDS = 86_400

BODIES_AT_ONCE = 500

PURGED = N_("its body was purged")
"""How the detail of a broken body ends that was never applied: its reports are lost."""


def any_overdue(connection: Connection, settings: DomainSettings) -> bool:
    """Whether a body or an audience is to go."""
    reports, texts = settings.keep_reports_days, settings.keep_text_days
    if reports is not None and connection.execute(overdue_bodies(reports).limit(1)).first():
        return True
    return texts is not None and connection.execute(_overdue_audiences(connection, texts).limit(1)).first() is not None


def overdue_bodies(days: int) -> Select[int]:
    """Readings whose bodies are to go: applied, or put aside as broken, and so many days old.

    One with reports of unknown sendings stays while a request is unsettled that they may be of.
    """
    p = report_polls.c
    needed = and_(p.unknown.is_not(None), unapplied.may_be_ours())
    old = p.stored_at < later(-days * DAY_SECONDS)
    return select(p.id).where(DONE_WITH, old, ~needed).order_by(p.stored_at)


def purge_bodies(connection: Connection, days: int | None) -> bool:
    """Drop some bodies that are overdue; a broken one counts as lost from now on. Returns whether there were any."""
    if days is None:
        return False
    p = report_polls.c
    some = overdue_bodies(days).limit(BODIES_AT_ONCE).with_for_update(of=report_polls, skip_locked=True)
    ids = connection.execute(some).scalars().all()
    broken = p.state == PollState.BROKEN
    gone: dict[str, Any] = {
        "body": None,
        "state": case((broken, PollState.LOST.value), else_=p.state),
        "detail": case((broken, func.coalesce(p.detail + "; ", "") + PURGED), else_=p.detail),
    }
    if ids:
        connection.execute(update(report_polls).where(among(connection, p.id, ids)).values(gone))
    return bool(ids)


def purge_audience(connection: Connection, days: int | None) -> bool:
    """Drop one stored audience that is overdue; returns whether there seemed to be one."""
    if days is None:
        return False
    a, c = audiences.c, campaigns.c
    one = _overdue_audiences(connection, days).limit(1).with_for_update(of=audiences, skip_locked=True)
    audience_id = connection.execute(one).scalar()
    if audience_id is None:
        return False
    # Its campaigns were looked at before its row was locked. Now that no other can name it, they are looked at again:
    # else one that was submitted just between would have its audience taken away, and end with nothing sent.
    if not connection.execute(_overdue_audiences(connection, days).where(a.id == audience_id)).first():
        return True
    connection.execute(update(campaigns).where(c.audience_id == audience_id).values(audience_id=None))
    connection.execute(delete(audiences).where(a.id == audience_id))
    return True


def _overdue_audiences(connection: Connection, days: int) -> Select[int]:
    """Stored audiences that no schedule names, stored so many days ago, and whose campaigns are purged, if any."""
    a, c = audiences.c, campaigns.c
    used = exists(literal(1)).where(c.audience_id == a.id, or_(c.completed_at.is_(None), c.purged == Purged.NOTHING))
    old = a.touched_at < later(-days * DAY_SECONDS)
    return select(a.id).where(a.kept, a.ready, old, ~used, a.id.not_in(_named_by_schedules(connection))).order_by(a.id)


def _named_by_schedules(connection: Connection) -> Collection[int]:
    named = [spec.get("audience") for spec in connection.execute(select(schedules.c.spec)).scalars()]
    return {int(its["id"]) for its in named if isinstance(its, dict) and isinstance(its.get("id"), int)}
