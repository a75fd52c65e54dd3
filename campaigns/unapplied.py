"""Bodies of delivery reports that wait to be applied: for a first try, or for the reply that they belong to.

A body that cannot be applied is tried three times, be it by processes that die of it, and then put aside as broken:
kept, and in nobody's way. Nobody can tell of what a process died; but its poller's last try is made without others that
died before (`bells`), and what was put aside wrongly is tried anew when a person asks for it (`retry`). How a body is
applied is in `reports`.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, literal, or_, select, update

from campaigns import decided, doubts, journal
from campaigns.database import Database, Record, is_ahead, later
from campaigns.language import N_
from campaigns.models import attempts, report_polls
from campaigns.outages import PASSING
from campaigns.states import PollState

ASKED_SECONDS = 600.0
"""After which nobody is still waiting for the answer to a request for reports."""

TRIES = 3
"""How often it is tried to apply a body."""

DIED = N_("whoever applied it died each time")

_TO_APPLY = (PollState.STORED, PollState.PARKED)


def any_stored(database: Database, account: str) -> bool:
    """Whether a body waits that nobody has applied; what is parked may wait for the next reading."""
    p = report_polls.c
    stored = select(p.id).where(p.account == account, p.state == PollState.STORED)
    with database.reading() as connection:
        return connection.execute(stored.limit(1)).first() is not None


def any_to_apply(connection: Connection, account: str) -> bool:
    """Whether a body is here whose reports are the account's, and not all applied (by whoever is at it, perhaps)."""
    p = report_polls.c
    mine = select(p.id).where(p.account == account)
    known = and_(p.state == PollState.PARKED, _is_known(connection))
    return any(connection.execute(mine.where(waits).limit(1)).first() for waits in (p.state == PollState.STORED, known))


def due(database: Database, account: str) -> list[Record]:
    """Polls (id, state, msgfid, stored_at, unknown) to apply now, oldest first.

    Those whose body nobody has applied, and the parked ones of which an attempt has a msgfid meanwhile.
    """
    p = report_polls.c
    found = select(p.id, p.state, p.msgfid, p.stored_at, p.unknown).where(p.account == account)
    with database.reading() as connection:
        known = and_(p.state == PollState.PARKED, _is_known(connection))
        stored = connection.execute(found.where(p.state == PollState.STORED)).all()
        return sorted([*stored, *connection.execute(found.where(known)).all()], key=lambda poll: int(poll.id))


def parked(database: Database, account: str, *, no_older_than: float) -> list[Record]:
    """Polls with reports that nobody has claimed yet, oldest first.

    Those that nobody can claim any more, or that came more than `no_older_than` seconds ago, are closed; but none that
    somebody has claimed meanwhile, which is to be applied, however old. One whose reader died before any body came
    counts as lost.
    """
    p = report_polls.c
    mine = update(report_polls).where(p.account == account)
    waiting = select(p.id, p.state, p.msgfid, p.stored_at, p.unknown).where(
        p.account == account, p.state == PollState.PARKED
    )
    with database.transaction() as connection:
        no_answer = and_(p.state == PollState.ASKED, p.asked_at < later(-ASKED_SECONDS))
        connection.execute(mine.where(no_answer).values(state=PollState.LOST))
        # One statement, one moment: a request that is settled meanwhile is either still unsettled or known.
        over = and_(or_(p.stored_at < later(-no_older_than), ~may_be_ours()), ~_is_known(connection))
        connection.execute(mine.where(p.state == PollState.PARKED, over).values(state=PollState.APPLIED))
        # Sorted here: asked for in this order, they would be found along the key of the whole journal.
        return sorted(connection.execute(waiting).all(), key=lambda poll: int(poll.id))


def may_be_ours() -> ColumnElement[bool]:
    """Of a poll: a request that had begun when its body came is unsettled, or was decided upon of late."""
    a, p = attempts.c, report_polls.c
    begun = and_(a.account == p.account, had_begun(p.stored_at))
    either = (doubts.may_have_sent(), decided.may_have_sent())
    return or_(*[exists(literal(1)).where(begun, which).correlate(report_polls) for which in either])


def had_begun(moment: Any) -> ColumnElement[bool]:
    """Of an attempt: it had begun by then, or before the clock was set back."""
    return or_(attempts.c.started_at <= moment, is_ahead(attempts.c.started_at))


def _is_known(connection: Connection) -> ColumnElement[bool]:
    """Of a poll: an attempt has one of the msgfids that nobody had."""
    a, p, unknown = attempts.c, report_polls.c, journal.unknown_in(connection)
    # As an expression, or SQLite would look through all that the account ever sent, for each of the polls.
    its_account = a.account.concat("") == p.account
    return exists(literal(1)).where(its_account, a.msgfid == unknown.c.value).correlate(report_polls)


def begin(database: Database, poll_id: int) -> bytes | None:
    """The raw body of a poll that is to be applied now; the try counts before it is made, for it may kill its process.
    That is a commit for each body, beside those of its reading, and worth it: it says which body is to blame.

    None if it is not to be tried (again): it is done with, or each try before was the end of its process.
    """
    p = report_polls.c
    to_apply = update(report_polls).where(p.id == poll_id, p.state.in_(_TO_APPLY))
    with database.transaction() as connection:
        packed = connection.execute(
            to_apply.where(p.tries < TRIES).values(tries=p.tries + 1).returning(p.body)
        ).scalar_one_or_none()
        if packed is None:
            connection.execute(to_apply.where(p.tries >= TRIES).values(state=PollState.BROKEN, detail=_and_so(DIED)))
    return None if packed is None else zlib.decompress(packed)


def failed(database: Database, poll_id: int, why: str) -> bool:
    """A try to apply a body failed; returns whether it was the last. `why` is the kind of error: it may be shown."""
    p = report_polls.c
    last = update(report_polls).where(p.id == poll_id, p.state.in_(_TO_APPLY), p.tries >= TRIES)
    with database.transaction() as connection:
        broken = connection.execute(last.values(state=PollState.BROKEN, detail=_and_so(why))).rowcount
    return bool(broken)


def give_back(database: Database, poll_id: int) -> None:
    """The database went away while a body was applied: that try does not count."""
    p = report_polls.c
    begun = update(report_polls).where(p.id == poll_id, p.state.in_(_TO_APPLY), p.tries > 0)
    journal.owe(database, begun.values(tries=p.tries - 1))
    with suppress(*PASSING):
        journal.make_good(database)


def retry(database: Database, poll_id: int) -> bool:
    """Have a broken body tried anew; False if there is none of this id."""
    p = report_polls.c
    was_cut = case((p.detail.startswith(journal.CUT), journal.CUT), else_=None)
    # What was applied of it before it was parked must not be applied again: later reports may have come since.
    again = case((p.reports.is_(None), PollState.STORED.value), else_=PollState.PARKED.value)
    broken = update(report_polls).where(p.id == poll_id, p.state == PollState.BROKEN)
    with database.transaction() as connection:
        return bool(connection.execute(broken.values(state=again, tries=0, detail=was_cut)).rowcount)


def _and_so(why: str) -> ColumnElement[str]:
    detail = report_polls.c.detail
    return case((detail.is_(None), why), else_=detail + f"; {why}")
