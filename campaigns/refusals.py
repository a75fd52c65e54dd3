"""Batches that the gateway refused for good: whether others would fare the same, and what is said of them at the end.

All of it is read from the attempts; who refuses a batch is `settling`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from campaigns.database import Database, among
from campaigns.language import N_
from campaigns.models import attempts, batches
from campaigns.states import AttemptKind, AttemptState, BatchState

UNREADABLE = -1
"""The gateway cannot read the request, as a document; it may be because of one row."""

IN_A_ROW = 2
"""So many refusals with one code, and nothing accepted between them, are no longer about the batches."""

ALONE_IN_A_ROW = 5
"""So many single messages that could not be read or written, one after the other, are no longer about these.

A bad row is found by halving (see `bisection`) and is then alone, once, with its good neighbour claimed next: so one of
5,000 causes 14 refusals, but only one of a single message, and no two of these without an acceptance between them.
"""


def in_a_row(database: Database, account: str, campaign_id: int, kind: AttemptKind, code: int) -> bool:
    """Whether requests of a campaign were refused again and again with this code, and the next would be, too."""
    last = _settled_of(account, campaign_id, kind).where(_telling(attempts.c.code == code))
    return _refused_only(database, last, IN_A_ROW)


def alone_in_a_row(database: Database, account: str, campaign_id: int) -> bool:
    """Whether so many messages of a campaign were refused, each alone in its request, that no message is to blame."""
    a = attempts.c
    unreadable = and_(a.size == 1, or_(a.code == UNREADABLE, a.code.is_(None)))
    last = _settled_of(account, campaign_id, AttemptKind.SEND).where(_telling(unreadable))
    return _refused_only(database, last, ALONE_IN_A_ROW)


def _settled_of(account: str, campaign_id: int, kind: AttemptKind) -> Select[str]:
    """Requests of a campaign, by the account, too: the index of what it has settled leads to the last ones, however
    many a campaign has had."""
    a = attempts.c
    return select(a.state).where(a.account == account, a.campaign_id == campaign_id, a.kind == kind)


def in_vain(database: Database, batch_id: int, detail: str) -> int:
    """How many requests for a batch were given up before they left, each for the same reason."""
    a = attempts.c
    alike = select(func.count()).where(a.batch_id == batch_id, a.state == AttemptState.NOT_SENT, a.detail == detail)
    with database.reading() as connection:
        return connection.execute(alike).scalar_one()


def _telling(refusals: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of an attempt: it was refused like that, or accepted."""
    a = attempts.c
    refused = and_(a.state == AttemptState.REFUSED, refusals)
    return or_(refused, a.state.in_([AttemptState.ACCEPTED, AttemptState.ACCEPTED_LATE]))


def _refused_only(database: Database, last: Select[str], count: int) -> bool:
    a = attempts.c
    with database.reading() as connection:
        last_ones = connection.execute(last.order_by(a.settled_at.desc(), a.id.desc()).limit(count)).scalars().all()
    return last_ones == [AttemptState.REFUSED] * count


def told(connection: Connection, campaign_ids: Iterable[int]) -> dict[int, str]:
    """What to say of the campaigns that have refused batches: how many, and why."""
    a, b = attempts.c, batches.c
    refused = (
        select(a.campaign_id, a.code.is_(None), a.detail, func.count())
        .where(among(connection, a.campaign_id, campaign_ids), a.state == AttemptState.REFUSED)
        .where(b.attempt_id == a.id, b.id == a.batch_id, b.state == BatchState.REFUSED)
        .group_by(a.campaign_id, a.code.is_(None), a.detail)
        .order_by(a.campaign_id, a.code.is_(None), func.count().desc(), a.detail)
    )
    found: dict[int, dict[bool, list[tuple[str, int]]]] = {}
    for campaign_id, unwritten, detail, count in connection.execute(refused):
        found.setdefault(campaign_id, {}).setdefault(bool(unwritten), []).append((detail, count))
    return {
        campaign_id: "; ".join(_sentence(causes, unwritten=unwritten) for unwritten, causes in its.items())
        for campaign_id, its in found.items()
    }


def _sentence(causes: list[tuple[str, int]], *, unwritten: bool) -> str:
    count, why = sum(its for _, its in causes), causes[0][0]
    if len(causes) > 1:
        why = "; ".join(N_("{count:,} with {why}").format(count=its, why=detail) for detail, its in causes)
    return _SENTENCES[unwritten, count == 1].format(count=count, why=why)


_SENTENCES = {  # whether no request could be written, and whether it is one batch
    (True, True): N_("1 batch was given up, for no request could be written: {why}"),
    (True, False): N_("{count:,} batches were given up, for no request could be written: {why}"),
    (False, True): N_("1 batch was refused by the gateway: {why}"),
    (False, False): N_("{count:,} batches were refused by the gateway: {why}"),
}
