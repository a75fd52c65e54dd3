"""The slot that a beat entry's task is for, so that its campaign is made once an occurrence, however many beats run.

    "weekly offer": {
        "task": "campaigns.submit",
        "schedule": crontab(minute=0, hour=9, day_of_week="mon"),
        "kwargs": {
            "spec": {…, "key": "offer-{occurrence:%Y-%m-%d}"},
            "occurrence": occurrence(crontab(minute=0, hour=9, day_of_week="mon")),
        },
    }

Without it a key is filled with the time at which the task runs: near midnight, or late, that may be another day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celery.beat import BeatLazyFunc
from celery.schedules import BaseSchedule, crontab, maybe_schedule

FARTHEST_DAYS = 41 * 366
"""How far back a crontab's last slot may lie: a 29th of February on a Monday comes once in 40 years."""


def occurrence(schedule: BaseSchedule | timedelta | float) -> BeatLazyFunc:
    """For a beat entry's kwargs: the slot that is current when the beat sends the task, as ISO time with its zone.

    Args:
        schedule: the entry's own, a crontab or an interval (a timedelta, or seconds).
    """
    return BeatLazyFunc(latest_slot_of_now, schedule)


def latest_slot_of_now(schedule: BaseSchedule | timedelta | float) -> str:
    """The latest slot at this moment, as ISO time."""
    schedule = maybe_schedule(schedule)
    return latest_slot(schedule, schedule.now()).isoformat()


def latest_slot(schedule: BaseSchedule, moment: datetime) -> datetime:
    """The last time at or before the moment at which the schedule falls due.

    An interval has its slots at whole multiples since 1970, whenever a beat was started: two beats agree on them.
    Raises ValueError for a schedule of another kind, and for a crontab that never falls due.
    """
    if isinstance(schedule, crontab):
        return _latest_of_crontab(schedule, moment)
    seconds = getattr(schedule, "run_every", timedelta()).total_seconds()
    if seconds <= 0:
        raise ValueError(f"{schedule!r} has no slots: give a crontab, or an interval")
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC).astimezone(moment.tzinfo)


def _latest_of_crontab(schedule: crontab, moment: datetime) -> datetime:
    times = [(hour, minute) for hour in sorted(schedule.hour) for minute in sorted(schedule.minute)]
    for days in range(FARTHEST_DAYS):
        day = moment.date() - timedelta(days=days)
        if day.month not in schedule.month_of_year or day.day not in schedule.day_of_month:
            continue
        if day.isoweekday() % 7 not in schedule.day_of_week:
            continue
        past = [at for at in times if days or at <= (moment.hour, moment.minute)]
        if past:
            hour, minute = past[-1]
            return datetime(day.year, day.month, day.day, hour, minute, tzinfo=moment.tzinfo)
    raise ValueError(f"{schedule!r} never falls due")
