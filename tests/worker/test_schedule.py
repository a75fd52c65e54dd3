import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import BaseSchedule, crontab, schedule
from hypothesis import given
from hypothesis import strategies as st

from worker.schedule import latest_slot, latest_slot_of_now, occurrence

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("due", "moment", "slot"),
    [
        (crontab(minute=0, hour=9), MONDAY, MONDAY),
        (crontab(minute=0, hour=9), MONDAY + timedelta(seconds=59), MONDAY),
        (crontab(minute=0, hour=9), MONDAY - timedelta(seconds=1), MONDAY - timedelta(days=1)),
        (crontab(minute=0, hour=9), MONDAY + timedelta(hours=14, minutes=59), MONDAY),
        (crontab(minute="*/15"), MONDAY + timedelta(minutes=44), MONDAY + timedelta(minutes=30)),
        (crontab(minute=0, hour=9, day_of_week="mon"), MONDAY + timedelta(days=6), MONDAY),
        (crontab(minute=0, hour=9, day_of_week="sun"), MONDAY, MONDAY - timedelta(days=1)),
        (crontab(minute=30, hour=8, day_of_month=1), MONDAY, datetime(2026, 11, 1, 8, 30, tzinfo=UTC)),
        (crontab(minute=0, hour=0, day_of_month=29, month_of_year=2), MONDAY, datetime(2024, 2, 29, tzinfo=UTC)),
        (crontab(minute=0, hour=9), MONDAY.astimezone(PARIS), datetime(2026, 11, 23, 9, 0, tzinfo=PARIS)),
        (schedule(3600), MONDAY + timedelta(minutes=59), MONDAY),
        (schedule(timedelta(days=1)), MONDAY, datetime(2026, 11, 23, tzinfo=UTC)),
    ],
    ids=["on time", "within its minute", "just before", "hours late", "every quarter", "weekly, days late",
         "on Sundays", "monthly", "in leap years", "in the beat's own zone", "each hour", "each day"],
)  # fmt: skip
def test_a_moment_belongs_to_the_latest_slot(due: BaseSchedule, moment: datetime, slot: datetime) -> None:
    assert latest_slot(due, moment) == slot


@given(
    st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 59),
    st.integers(0, 23),
)
def test_celery_itself_finds_nothing_due_between_the_slot_and_the_moment(
    moment: datetime, minute: int, hour: int
) -> None:
    due = crontab(minute=minute, hour=hour, nowfun=lambda: moment)
    slot = latest_slot(due, moment)
    assert slot <= moment
    start, wait, _ = due.remaining_delta(slot)
    assert start + wait > moment


def test_a_schedule_without_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="has no slots"):
        latest_slot(schedule(0), MONDAY)


def test_two_beats_that_were_started_at_different_times_agree_on_an_interval_s_slots() -> None:
    assert latest_slot(schedule(60), MONDAY + timedelta(seconds=7)) == latest_slot(
        schedule(60), MONDAY + timedelta(seconds=41)
    )


def test_a_beat_can_keep_the_entry_in_its_file_and_gets_the_slot_when_it_sends() -> None:
    kept = pickle.loads(pickle.dumps(occurrence(crontab(minute="*"))))
    assert datetime.fromisoformat(kept()).second == 0
    assert datetime.fromisoformat(latest_slot_of_now(3600)).minute == 0
