"""A schedule's occurrences: which one is due, that it has begun, and what became of it. The worker makes them.

Each is a campaign with a key of its own, from the schedule's name and the slot. The key decides that it is made once,
however many beats, sweeps and tasks look at it, and whatever dies between the campaign and what is written down here.

A slot may be missed as long as nobody has begun with it. Where the database's clock is set back, the next slot is
reckoned anew: what had its campaign before has it still.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, func, or_, select, update

from campaigns import bells, lineage
from campaigns.database import Database, Record, is_ahead, now
from campaigns.language import N_
from campaigns.models import bells as table
from campaigns.models import campaigns, schedules
from campaigns.recurrence import Recurrence
from campaigns.states import CampaignState, WhenMissed
from campaigns.tries import is_in_trouble

MOST_CAUGHT_UP = 10
"""Of so many missed occurrences each is made; those before them are not: nobody wants a month of texts in an hour."""

SLOTS_AT_ONCE = 5_000
"""Of a year of missed minutes so many are passed over in one transaction: all of them take a processor some 15 s."""

_BELLS = "occur:"

SKIPPED = N_("skipped: the database was restored from a backup, which does not know whether it was made")

BEGUN_SECONDS = 7_200.0
"""How long what has begun may last, for its audience's host may be away, before it counts as missed all the same."""


@dataclass(frozen=True)
class Occurrence:
    """One that is to be made now.

    Attributes:
        schedule_id: whose.
        slot: when it fell due, or was asked for.
        by_hand: a person asked for it.
        account: whose key it is.
        key: its campaign's.
        spec: its campaign's, with the audience by name.
        tried_for: seconds since it was first tried.
        campaign_id: its campaign, if that is there already.
    """

    schedule_id: int
    slot: datetime
    by_hand: bool
    account: str
    key: str
    spec: Mapping[str, Any]
    tried_for: float
    campaign_id: int | None


def key_of(name: str, slot: datetime, *, by_hand: bool = False) -> str:
    """The key of an occurrence's campaign; one that was asked for is told from others by the microsecond.

    It holds the schedule's name and not its id: one that is removed and added anew does not repeat what was made.
    """
    if by_hand:
        return f"schedule:{name}:by-hand:{slot:%Y-%m-%dT%H:%M:%S.%fZ}"
    return f"schedule:{name}:{slot:%Y-%m-%dT%H:%MZ}"


def due(database: Database, most: int) -> list[int]:
    """Ids of schedules of which an occurrence is to be made now, at random: what always fails is in nobody's way."""
    found = select(schedules.c.id).where(is_due()).order_by(func.random()).limit(most)
    with database.reading() as connection:
        return list(connection.execute(found).scalars())


def is_one_due(database: Database, schedule_id: int) -> bool:
    """Whether the schedule has one that is to be made now."""
    found = select(schedules.c.id).where(schedules.c.id == schedule_id, is_due())
    with database.reading() as connection:
        return connection.execute(found).first() is not None


def stuck(database: Database) -> list[int]:
    """Ids of schedules whose occurrence failed, or took its process with it, each time that it was tried."""
    its_bell = _BELLS + cast(schedules.c.id, Text)
    found = select(schedules.c.id).join(table, table.c.key == its_bell).where(is_due(), is_in_trouble())
    with database.reading() as connection:
        return list(connection.execute(found).scalars())


def is_ahead_of_time() -> ColumnElement[bool]:
    """Of a schedule: its next slot was reckoned by a clock that was set back since."""
    return is_ahead(schedules.c.reckoned_at)


def is_due() -> ColumnElement[bool]:
    """Of a schedule: its slot has come, or a person asked for an occurrence; and the database was not set back."""
    s = schedules.c
    due = or_(s.asked_at.is_not(None), s.paused_at.is_(None) & (s.next_at <= now()))
    return and_(due, ~lineage.is_set_back())


def begin(database: Database, schedule_id: int) -> Occurrence | None:
    """The schedule's occurrence that is to be made now, which is written down as begun; None if there is none.

    What was missed is passed over here, and counted.
    """
    s = schedules.c
    its_own = select(schedules, now().label("clock")).where(s.id == schedule_id, is_due())
    while True:
        with database.transaction() as connection:
            row = connection.execute(its_own.with_for_update()).first()
            if row is None:
                return None
            if row.asked_at is not None:
                return _occurrence(connection, row, row.asked_at, by_hand=True)
            begun = None if row.begun_at is None else _occurrence(connection, row, row.next_at)
            if begun is not None and (begun.tried_for <= BEGUN_SECONDS or begun.campaign_id is not None):
                return begun
            slots = list(islice(_slots(row), SLOTS_AT_ONCE))
            if len(slots) < SLOTS_AT_ONCE:
                return _first(connection, row, slots)
            # Whatever the policy, none but the last of them can be wanted, and there may be more after these.
            _pass_over(connection, row, slots[-MOST_CAUGHT_UP], len(slots) - MOST_CAUGHT_UP)


def _first(connection: Connection, row: Record, slots: Sequence[datetime]) -> Occurrence | None:
    """The occurrence of the first of these slots that is wanted, begun; those before it are passed over."""
    wanted, passed = pick(slots, row.clock, row.when_missed, row.tolerance)
    if wanted is None:
        _pass_over(connection, row, None, passed, last=slots[-1])
        return None
    if wanted != row.next_at:
        _pass_over(connection, row, wanted, passed)
    connection.execute(update(schedules).where(schedules.c.id == row.id).values(begun_at=row.clock))
    return _occurrence(connection, row, wanted)


def end(database: Database, occurrence: Occurrence, outcome: str) -> None:
    """It is made, or refused: what became of it is kept, and the schedule goes on to its next slot.

    It does nothing if that was written down already, or if the schedule is gone.
    """
    s = schedules.c
    with database.transaction() as connection:
        row = connection.execute(select(schedules).where(s.id == occurrence.schedule_id).with_for_update()).first()
        if row is None or occurrence.slot != (row.asked_at if occurrence.by_hand else row.next_at):
            return
        told: dict[str, Any] = {"last_at": occurrence.slot, "last_outcome": outcome}
        if occurrence.by_hand:
            told["asked_at"] = None
        else:
            following = Recurrence(row.cron, row.timezone).next_after(row.next_at)
            told.update(next_at=following, reckoned_at=now(), begun_at=None)
        connection.execute(update(schedules).where(s.id == row.id).values(told))
        bells.forgive(connection, bells.occur(row.id))  # what broke this one says nothing of the next


def pick(slots: Sequence[datetime], clock: datetime, when_missed: str, tolerance: int) -> tuple[datetime | None, int]:
    """Which of the slots that have come is to be made first, and how many before it are missed; None: all of them are.

    Args:
        slots: in their order.
        clock: the database's.
        when_missed: the schedule's policy.
        tolerance: minutes by which a slot may be late.
    """
    in_time = clock - timedelta(minutes=tolerance)
    last = slots[-MOST_CAUGHT_UP:]
    wanted = [slot for slot in last if when_missed == WhenMissed.CATCH_UP or slot >= in_time]
    return (wanted[0] if wanted else None), len(slots) - len(wanted)


def reckon_anew(connection: Connection, clock: datetime) -> int:
    """The database's clock was set back: the next slot is the next by that clock; returns of how many schedules."""
    s = schedules.c
    ahead = connection.execute(select(schedules).where(is_ahead_of_time()).order_by(s.id).with_for_update()).all()
    for row in ahead:
        next_at = Recurrence(row.cron, row.timezone).next_after(clock)
        anew = update(schedules).where(s.id == row.id)
        connection.execute(anew.values(next_at=next_at, reckoned_at=clock, begun_at=None))
    return len(ahead)


def skip(connection: Connection) -> int:
    """A backup was restored, which does not know what was made since: of what has come nothing is made.

    Returns of how many schedules.
    """
    s = schedules.c
    come = or_(s.asked_at.is_not(None), s.next_at <= now())
    rows = connection.execute(select(schedules, now().label("clock")).where(come).order_by(s.id).with_for_update())
    skipped = rows.all()
    for row in skipped:
        told: dict[str, Any] = {"asked_at": None, "begun_at": None, "reckoned_at": row.clock, "last_outcome": SKIPPED}
        if row.next_at <= row.clock:
            slots = list(islice(_slots(row), SLOTS_AT_ONCE))
            following = Recurrence(row.cron, row.timezone).next_after(row.clock)
            told |= {"next_at": following, "last_at": slots[-1], "missed": row.missed + len(slots)}
        connection.execute(update(schedules).where(s.id == row.id).values(told))
        bells.forgive(connection, bells.occur(row.id))
    return len(skipped)


def _slots(row: Record) -> Iterable[datetime]:
    """Those that have come since the last one that was seen to."""
    yield row.next_at
    yield from takewhile(lambda slot: slot <= row.clock, Recurrence(row.cron, row.timezone).after(row.next_at))


def _pass_over(
    connection: Connection, row: Record, wanted: datetime | None, passed: int, *, last: datetime | None = None
) -> None:
    """So many are missed; the next one is the wanted one, or, where the `last` that has come is missed, one to come."""
    told: dict[str, Any] = {"reckoned_at": row.clock, "begun_at": None, "missed": row.missed + passed}
    if wanted is None:
        told.update(last_at=last, last_outcome=N_("missed: no worker was there to make it in time"))
    told["next_at"] = wanted or Recurrence(row.cron, row.timezone).next_after(row.clock)
    connection.execute(update(schedules).where(schedules.c.id == row.id).values(told))


def _occurrence(connection: Connection, row: Record, slot: datetime, *, by_hand: bool = False) -> Occurrence:
    key = key_of(row.name, slot, by_hand=by_hand)
    began = (row.asked_at if by_hand else row.begun_at) or row.clock
    return Occurrence(
        schedule_id=row.id,
        slot=slot,
        by_hand=by_hand,
        account=row.account,
        key=key,
        spec=row.spec,
        tried_for=(row.clock - began).total_seconds(),
        campaign_id=_campaign(connection, row.account, key),
    )


def _campaign(connection: Connection, account: str, key: str) -> int | None:
    """The campaign that an occurrence has already, whole: its audience may be another by now, and need not be read."""
    c = campaigns.c
    whole = c.digest.is_not(None) & (c.state != CampaignState.FAILED)
    found: int | None = connection.execute(select(c.id).where(c.account == account, c.key == key, whole)).scalar()
    return found
