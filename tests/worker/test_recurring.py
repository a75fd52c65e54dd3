"""Occurrences of schedules become campaigns: one each, whoever else is at it; and what is refused is kept."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

import campaigns
from campaigns import bells, models, occurrences, schedules
from campaigns.database import Database, DatabaseAway
from campaigns.models import schedules as table
from campaigns.schedules import Schedule
from tests.campaigns.making import at_once, change
from tests.worker.workshop import ScriptedGateway, Workshop
from worker import recurring, submitting, sweeping
from worker.submitting import HostAwayError

ROWS = "tel;nom\n0700000001;Awa\n0700000002;Bob\n"
NAME = "rappel"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "audiences"
    made.mkdir()
    (made / "clients.csv").write_text(ROWS)
    return made


@pytest.fixture
def workshop(any_database: Database, folder: Path) -> Workshop:
    return Workshop(any_database, ScriptedGateway(), audience_dir=folder)


@pytest.fixture
def on_postgresql(postgresql: Database, folder: Path) -> Workshop:
    return Workshop(postgresql, ScriptedGateway(), audience_dir=folder)


def added(
    workshop: Workshop,
    cron: str = "* * * * *",
    audience: Any = None,
    *,
    spec: dict[str, Any] | None = None,
    **terms: Any,
) -> Schedule:
    """A schedule whose last slot has just come."""
    spec = {"template": "Bonjour {{ nom }}", "audience": audience or {"file": "clients.csv"}, **(spec or {})}
    made = schedules.add(spec, name=NAME, cron=cron, timezone="Africa/Abidjan", database=workshop.database, **terms)
    falls_due(workshop)
    return made


def falls_due(workshop: Workshop, slots: int = 1) -> datetime:
    """So many slots have come, of a schedule of each minute; the first of them."""
    this_minute = workshop.database.clock().replace(second=0, microsecond=0)
    first = this_minute - timedelta(minutes=slots - 1)
    change(workshop.database, update(table).values(next_at=first, begun_at=None))
    return first


def found(workshop: Workshop) -> Schedule:
    return schedules.find(NAME, database=workshop.database)


def made(workshop: Workshop) -> list[campaigns.Listed]:
    """The campaigns of this schedule's slots, the oldest first."""
    return sorted(campaigns.listing(database=workshop.database), key=lambda each: each.id)


def all_of_it(workshop: Workshop, schedule_id: int) -> Iterator[str]:
    """What each turn of its task did, until there is nothing more."""
    while (turn := recurring.occur_slice(workshop, schedule_id)).more:
        yield turn.did


def test_an_occurrence_becomes_a_campaign_with_its_own_key_and_the_next_slot_follows(workshop: Workshop) -> None:
    schedule = added(workshop, "0 9 * * *")
    slot = found(workshop).next_at
    done = list(all_of_it(workshop, schedule.id))
    (campaign,) = made(workshop)
    assert done == [f"schedule {schedule.id}: campaign {campaign.id} submitted"]
    assert (campaign.key, campaign.name, campaign.recipients) == (occurrences.key_of(NAME, slot), NAME, 2)
    after = found(workshop)
    assert (after.last_at, after.last_outcome) == (slot, f"campaign {campaign.id} submitted")
    assert after.next_at > workshop.database.clock()


def test_each_occurrence_has_the_window_of_its_schedule(workshop: Workshop) -> None:
    window = {"window": "mon-fri 08:00-20:00", "window_zone": "recipient"}
    schedule = added(workshop, "0 9 * * *", spec=window)

    list(all_of_it(workshop, schedule.id))

    (campaign,) = made(workshop)
    account = campaigns.progress(campaign.id, database=workshop.database)
    assert {"window": account.window, "window_zone": account.window_zone} == window


def test_two_sweeps_and_two_tasks_at_once_make_one_campaign_an_occurrence(on_postgresql: Workshop) -> None:
    schedule = added(on_postgresql, "0 9 * * *")
    at_once(*[lambda: sweeping.sweep(on_postgresql)] * 2)
    assert [bell.key for bell in on_postgresql.rung].count(f"occur:{schedule.id}") == 1
    at_once(*[lambda: recurring.occur_slice(on_postgresql, schedule.id)] * 4)
    assert len(made(on_postgresql)) == 1


@pytest.mark.parametrize("rows", [2, 3_000], ids=["small", "large"])
def test_tasks_at_once_over_many_slots_make_one_campaign_for_each(
    on_postgresql: Workshop, folder: Path, rows: int
) -> None:
    (folder / "clients.csv").write_text("tel;nom\n" + "".join(f"07{row:08};Awa\n" for row in range(rows)))
    schedule = added(on_postgresql, when_missed="catch_up")
    first = falls_due(on_postgresql, slots=4)
    at_once(*[lambda: list(all_of_it(on_postgresql, schedule.id))] * 4)
    keys = [occurrences.key_of(NAME, first + timedelta(minutes=minute)) for minute in range(4)]
    assert [campaign.key for campaign in made(on_postgresql)][:4] == keys
    assert {campaign.recipients for campaign in made(on_postgresql)} == {rows}


def test_after_a_crash_between_the_campaign_and_its_note_there_is_no_second_one_whatever_its_file_is_by_then(
    workshop: Workshop, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = added(workshop, "0 9 * * *")

    def crash(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(occurrences, "end", crash)
        with pytest.raises(SystemExit):
            recurring.occur_slice(workshop, schedule.id)
    (folder / "clients.csv").unlink()
    turn = recurring.occur_slice(workshop, schedule.id)
    (campaign,) = made(workshop)
    assert turn.did == f"schedule {schedule.id}: campaign {campaign.id} was there already"
    assert campaign.state == "funding"


def test_a_schedule_whose_clock_was_set_back_repeats_nothing(workshop: Workshop) -> None:
    schedule = added(workshop, "0 9 * * *")
    slot = found(workshop).next_at
    list(all_of_it(workshop, schedule.id))
    change(workshop.database, update(table).values(next_at=slot))
    list(all_of_it(workshop, schedule.id))
    assert len(made(workshop)) == 1


def test_a_refused_occurrence_is_kept_with_its_fault_and_the_next_one_is_made(workshop: Workshop, folder: Path) -> None:
    schedule = added(workshop, "0 9 * * *", {"file": "lost.csv"})
    recurring.occur_slice(workshop, schedule.id)
    (refused,) = made(workshop)
    assert refused.state == "failed"
    assert refused.reason is not None
    assert "lost.csv" in refused.reason
    assert found(workshop).last_outcome == f"refused: campaign {refused.id} says why"
    (folder / "lost.csv").write_text(ROWS)
    falls_due(workshop)
    recurring.occur_slice(workshop, schedule.id)
    assert [campaign.state for campaign in made(workshop)] == ["failed", "funding"]


def test_a_fault_of_ours_is_raised_and_does_not_stop_the_next_occurrence(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("0700000001")

    schedule = added(workshop)
    with monkeypatch.context() as patched:
        patched.setattr(submitting, "submit", broken)
        with pytest.raises(RuntimeError):
            recurring.occur_slice(workshop, schedule.id)
    after = found(workshop)
    assert after.next_at > after.last_at  # type: ignore[operator]
    assert after.last_outcome is not None
    assert after.last_outcome.startswith("failed inside (RuntimeError)")
    assert "0700000001" not in after.last_outcome


def test_a_database_that_goes_away_costs_no_occurrence(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise DatabaseAway(workshop.database.url, OSError("gone"))

    schedule = added(workshop)
    slot = found(workshop).next_at
    with monkeypatch.context() as patched:
        patched.setattr(submitting, "submit", away)
        with pytest.raises(DatabaseAway):
            recurring.occur_slice(workshop, schedule.id)
    recurring.occur_slice(workshop, schedule.id)
    assert [campaign.key for campaign in made(workshop)] == [occurrences.key_of(NAME, slot)]


def test_an_audience_whose_host_is_away_is_tried_again_for_an_hour_and_refused_then(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise HostAwayError(["audience: it cannot be fetched (ConnectionError)"])

    monkeypatch.setattr(submitting, "_audience", away)
    schedule = added(workshop, "0 9 * * *")
    turn = recurring.occur_slice(workshop, schedule.id)
    assert (turn.after, made(workshop)) == (recurring.HOST_AGAIN_SECONDS, [])
    an_hour_ago = workshop.database.clock() - timedelta(seconds=recurring.HOST_SECONDS + 1)
    change(workshop.database, update(table).values(begun_at=an_hour_ago))
    recurring.occur_slice(workshop, schedule.id)
    assert [campaign.state for campaign in made(workshop)] == ["failed"]
    assert found(workshop).next_at > workshop.database.clock()


def test_an_occurrence_that_kills_each_process_is_refused_by_the_sweep_and_the_next_is_tried(
    workshop: Workshop,
) -> None:
    schedule = added(workshop, "0 9 * * *")
    bell = bells.occur(schedule.id)
    for _ in range(3):
        bells.ring(workshop.database, bell, workshop.ring)
        with workshop.database.reading() as connection:
            serial = connection.execute(
                select(models.bells.c.serial).where(models.bells.c.key == bell.key)
            ).scalar_one()
        bells.answer(workshop.database, bell, serial, seconds=-1)
    assert recurring.give_up_stuck(workshop) == 1
    (refused,) = made(workshop)
    assert refused.reason is not None
    assert "each process that tried it died" in refused.reason
    falls_due(workshop)
    assert recurring.give_up_stuck(workshop) == 0
    assert recurring.wake(workshop) == 1


def test_what_a_person_asks_for_is_made_beside_the_slots_and_once(workshop: Workshop) -> None:
    schedule = added(workshop, "0 9 * * *")
    list(all_of_it(workshop, schedule.id))
    key = schedules.run(NAME, ring=workshop.ring, database=workshop.database)
    with pytest.raises(campaigns.StateError, match="was asked for before"):
        schedules.run(NAME, database=workshop.database)
    list(all_of_it(workshop, schedule.id))
    assert [campaign.key for campaign in made(workshop)][1:] == [key]
    assert schedules.run(NAME, database=workshop.database) != key
