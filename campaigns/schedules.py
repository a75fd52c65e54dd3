"""Campaigns that recur: by cron expression, kept in the database; what a person may do to such a schedule.

    from campaigns import schedules

    schedules.add(
        {"template": "Bonjour {{ nom }}", "sender": "CLINIQUE", "audience": {"file": "clients.csv"}},
        name="rappel-du-lundi", cron="0 9 * * mon", timezone="Africa/Abidjan",
    )

How its occurrences are made is in `occurrences`, when they fall due in `recurrence`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, select, update

from campaigns import bells, naming
from campaigns.bells import Ring
from campaigns.database import Database, Record, default, now, upsert
from campaigns.language import _
from campaigns.models import schedules
from campaigns.occurrences import key_of
from campaigns.recurrence import Recurrence
from campaigns.spec import SpecError, check
from campaigns.states import WhenMissed
from campaigns.steering import StateError

TOLERANCE = 15
"""Minutes by which an occurrence may be late and is still made, unless its schedule says otherwise."""

LONGEST_TOLERANCE = 7 * 24 * 60
LONGEST_NAME = 100

_NAME = re.compile(r"\w[\w .-]*")

T = TypeVar("T")


class ScheduleError(SpecError):
    """A schedule as asked for cannot be; `faults` names everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        ValueError.__init__(self, _("the schedule is refused:") + "\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


class UnknownScheduleError(LookupError):
    """The account has no schedule of this name."""


@dataclass(frozen=True)
class Schedule:
    """What recurs.

    Attributes:
        spec: of each of its campaigns, with its audience by name.
        when_missed: `skip` or `catch_up` (see `states.WhenMissed`).
        tolerance: minutes; what is later than that counts as missed.
        next_at: when it falls due next, or when what is being made just now fell due.
        asked_at: a person asked for an occurrence then, which no worker has made yet.
        last_at, last_outcome: the slot of the last occurrence, and what became of it.
        missed: how many occurrences were, in all.
    """

    id: int
    account: str
    name: str
    cron: str
    timezone: str
    spec: dict[str, Any]
    when_missed: str
    tolerance: int
    created_at: datetime
    paused_at: datetime | None
    next_at: datetime
    asked_at: datetime | None
    last_at: datetime | None
    last_outcome: str | None
    missed: int


def add(
    asked: Mapping[str, Any],
    *,
    name: str,
    cron: str,
    timezone: str,
    when_missed: str = WhenMissed.SKIP,
    tolerance: int = TOLERANCE,
    database: Database | None = None,
) -> Schedule:
    """Have a campaign made each time that a cron expression falls due; to add the same again is no error.

    Args:
        asked: the fields of a Spec but `key` and `scheduled_at`, which each occurrence has of its own, and `audience`:
            `{"file": …}` under the workers' AUDIENCE_DIR, `{"url": …}` on one of AUDIENCE_HOSTS, or a stored audience's
            `{"id": …}`. Without a `name` its campaigns have the schedule's.
        name: by which the account knows it.
        cron: minute, hour, day, month, day of the week.
        timezone: whose clocks it goes by, as in Africa/Abidjan.
        when_missed: what becomes of occurrences that nobody was there to make (see `states.WhenMissed`).
        tolerance: minutes.
        database: where; the one that DATABASE_URL names by default.

    Raises ScheduleError with every fault named; it is one, too, if the account has another schedule of this name.
    """
    database = database or default()
    row = _checked(asked, name=name, cron=cron, timezone=timezone, when_missed=when_missed, tolerance=tolerance)
    row["next_at"] = Recurrence(row["cron"], timezone).next_after(database.clock())
    with database.transaction() as connection:
        connection.execute(upsert(connection, schedules).values(row).on_conflict_do_nothing())
        there = _lock(connection, name, row["account"])
    differ = [field for field in row if field != "next_at" and getattr(there, field) != row[field]]
    if differ:
        raise ScheduleError(
            [
                _("name: there is a schedule {name!r} with another {option}: remove it first").format(
                    name=name, option=differ[0]
                )
            ]
        )
    return _shown(there)


def listing(*, account: str | None = None, database: Database | None = None) -> list[Schedule]:
    """All schedules, or those of an account: whichever is due next comes first, paused ones last."""
    s = schedules.c
    found = select(schedules).order_by(s.paused_at.is_not(None), s.next_at, s.id)
    if account is not None:
        found = found.where(s.account == account)
    with (database or default()).reading() as connection:
        return [_shown(row) for row in connection.execute(found)]


def find(name: str, *, account: str = "default", database: Database | None = None) -> Schedule:
    """The schedule of this name; raises UnknownScheduleError."""
    with (database or default()).reading() as connection:
        row = connection.execute(select(schedules).where(_is_named(name, account))).first()
    if row is None:
        raise _unknown(name, account)
    return _shown(row)


def pause(name: str, *, account: str = "default", database: Database | None = None) -> Schedule:
    """Make no further campaign of it until it is resumed; those that are made go on. Raises UnknownScheduleError.

    Pausing twice is no error.
    """
    with (database or default()).transaction() as connection:
        if _lock(connection, name, account).paused_at is None:
            connection.execute(update(schedules).where(_is_named(name, account)).values(paused_at=now()))
        return _shown(_lock(connection, name, account))


def resume(name: str, *, account: str = "default", database: Database | None = None) -> Schedule:
    """Go on with the next slot that is to come: what fell due during the pause is not made, by whatever policy.

    Raises UnknownScheduleError, or StateError if it is not paused.
    """
    with (database or default()).transaction() as connection:
        row = _lock(connection, name, account)
        if row.paused_at is None:
            raise StateError(_("the schedule {name!r} is not paused").format(name=name))
        clock: datetime = connection.execute(select(now())).scalar_one()
        next_at = Recurrence(row.cron, row.timezone).next_after(clock)
        going_on = update(schedules).where(_is_named(name, account))
        connection.execute(going_on.values(paused_at=None, next_at=next_at, reckoned_at=clock, begun_at=None))
        return _shown(_lock(connection, name, account))


def remove(name: str, *, account: str = "default", database: Database | None = None) -> None:
    """Forget it; its campaigns stay, and go on. Raises UnknownScheduleError."""
    with (database or default()).transaction() as connection:
        if connection.execute(delete(schedules).where(_is_named(name, account))).rowcount == 0:
            raise _unknown(name, account)


def run(name: str, *, account: str = "default", ring: Ring | None = None, database: Database | None = None) -> str:
    """Ask for an occurrence now, paused or not, beside those that fall due; a worker makes it.

    Returns:
        The key that its campaign will have.

    Raises UnknownScheduleError, or StateError if the one that was asked for before is not made yet.
    """
    database = database or default()
    with database.transaction() as connection:
        if _lock(connection, name, account).asked_at is not None:
            raise StateError(
                _("an occurrence of {name!r} was asked for before, and no worker has made it yet: wait for it").format(
                    name=name
                )
            )
        connection.execute(update(schedules).where(_is_named(name, account)).values(asked_at=now()))
        row = _lock(connection, name, account)
    bells.wake(database, bells.occur(row.id), ring)
    return key_of(name, row.asked_at, by_hand=True)


def _checked(
    asked: Mapping[str, Any], *, name: str, cron: str, timezone: str, when_missed: str, tolerance: int
) -> dict[str, Any]:
    """The columns of a schedule that its maker chose; raises ScheduleError."""
    fields = {"name": name, **asked}
    audience = fields.pop("audience", None)
    faults = [
        _("{option}: each occurrence has its own").format(option=own)
        for own in ("key", "scheduled_at")
        if fields.pop(own, None)
    ]
    faults += _faults_of_terms(name, when_missed, tolerance)
    recurrence = _or_faults(faults, lambda: Recurrence.parse(cron, timezone))
    spec = _or_faults(faults, lambda: check(fields, now=None))
    named = _or_faults(faults, lambda: naming.way(audience))
    if faults or recurrence is None or spec is None or named is None:
        raise ScheduleError(faults)
    # Without the options that were left alone: those of a later release hold for it, too.
    said = spec.model_dump(mode="json", exclude_defaults=True)
    return {
        "account": spec.account,
        "name": name,
        "cron": recurrence.cron,
        "timezone": timezone,
        "spec": {**said, "audience": dict([named])},
        "when_missed": str(when_missed),
        "tolerance": tolerance,
    }


def _faults_of_terms(name: str, when_missed: str, tolerance: int) -> list[str]:
    faults = []
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        faults.append(
            _("name: letters, digits, blanks and . _ - make one, {most} at most; {name!r} is none").format(
                most=LONGEST_NAME, name=name
            )
        )
    if when_missed not in list(WhenMissed):
        faults.append(
            _("when_missed: there are {one} and {other}, and not {when_missed!r}").format(
                one=WhenMissed.SKIP, other=WhenMissed.CATCH_UP, when_missed=when_missed
            )
        )
    if not 1 <= tolerance <= LONGEST_TOLERANCE:
        faults.append(
            _("tolerance: from 1 to {most} minutes, and not {tolerance}").format(
                most=LONGEST_TOLERANCE, tolerance=tolerance
            )
        )
    return faults


def _or_faults(faults: list[str], look: Callable[[], T]) -> T | None:
    """What a look finds; else what is wrong is added to the faults."""
    try:
        return look()
    except SpecError as error:
        faults += error.faults
        return None


def _is_named(name: str, account: str) -> Any:
    return (schedules.c.account == account) & (schedules.c.name == name)


def _lock(connection: Connection, name: str, account: str) -> Record:
    row = connection.execute(select(schedules).where(_is_named(name, account)).with_for_update()).first()
    if row is None:
        raise _unknown(name, account)
    return row


def _unknown(name: str, account: str) -> UnknownScheduleError:
    return UnknownScheduleError(
        _("the account {account!r} has no schedule {name!r}: `campaigns schedule list` names them").format(
            account=account, name=name
        )
    )


def _shown(row: Record) -> Schedule:
    return Schedule(**{field: getattr(row, field) for field in Schedule.__annotations__})
