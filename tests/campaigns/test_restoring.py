"""A backup was restored: nothing that has left since is sent again by itself, and what is uncertain is said to be."""

import logging
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

import campaigns
from campaigns import (
    bisection,
    claims,
    credits,
    doubts,
    events,
    heartbeats,
    lineage,
    occurrences,
    policies,
    readings,
    reports,
    restoring,
    schedules,
    settling,
    turns,
    unapplied,
)
from campaigns.database import Database
from campaigns.doubts import Evidence
from campaigns.models import attempts
from campaigns.models import campaigns as campaigns_table
from campaigns.models import heartbeats as heartbeats_table
from campaigns.models import lineage as lineage_table
from campaigns.models import schedules as schedules_table
from campaigns.prices import Prices
from campaigns.reports import Reports
from campaigns.states import AttemptState, CampaignState, MessageStatus
from tests.campaigns import making
from tests.campaigns.backups import backup, restore
from tests.campaigns.doubtful import WHY, asked, in_doubt, wait_out
from tests.campaigns.making import ACCOUNT, FIRST

FIVE = 5
"""Messages a batch."""


def of_batches(database: Database, count: int = 3, **options: object) -> int:
    return making.funded(database, making.numbers(count * FIVE), batch_size=FIVE, **options)


@pytest.fixture
def gone_on(any_database: Database) -> int:
    """A campaign of three batches: the backup was taken after the first, and restored when all had left."""
    made = of_batches(any_database)
    making.accepted(any_database, made)
    kept = backup(any_database)
    making.all_accepted(any_database, made)
    restore(any_database, kept)
    return made


def claimable(database: Database, campaign_id: int) -> bool:
    return claims.claim(database, campaign_id, lease_seconds=60) is not None


def evidence(database: Database, batch: int, count: int = FIVE) -> Evidence:
    """Reports of so many of the numbers of a batch, under an id that nobody knows."""
    first = FIRST + (batch - 1) * FIVE
    return Evidence(f"lost-{batch}", frozenset(range(first, first + count)), database.clock())


def test_by_itself_a_backup_would_have_everything_sent_again(any_database: Database, gone_on: int) -> None:
    """Without which all the rest would prove nothing."""
    assert claimable(any_database, gone_on)


def test_what_had_not_left_in_the_backup_is_in_doubt_and_is_not_sent(any_database: Database, gone_on: int) -> None:
    found = restoring.carry_out(any_database)

    account = making.account(any_database, gone_on)
    assert account.by_status == {"in_flight": FIVE, "in_doubt": 2 * FIVE}
    assert (account.state, account.in_doubt_attempts) == (CampaignState.TRACKING, 2)
    assert not claimable(any_database, gone_on)
    (its,) = found.to_decide
    assert (its.campaign_id, its.requests, its.numbers, its.credits) == (gone_on, 2, 2 * FIVE, Decimal(2 * FIVE))
    assert [doubt.of_a_backup for doubt in campaigns.open_doubts(database=any_database)] == [True, True]


def test_to_look_changes_nothing(any_database: Database, gone_on: int) -> None:
    lineage.read(any_database)
    before = backup(any_database)
    assert len(restoring.look(any_database).to_decide) == 1
    assert backup(any_database) == before


def test_reports_that_still_come_prove_what_had_left_since(any_database: Database, gone_on: int) -> None:
    restoring.carry_out(any_database)

    adopted = doubts.settle(any_database, ACCOUNT, [evidence(any_database, 2)], exclusive=False)

    assert adopted == [gone_on]
    account = making.account(any_database, gone_on)
    assert account.by_status == {"in_flight": 2 * FIVE, "in_doubt": FIVE}
    assert account.credits_posted == 2 * FIVE


@pytest.mark.parametrize("count", [1, 2])
def test_one_report_proves_nothing_even_where_nobody_else_sends(
    any_database: Database, gone_on: int, count: int
) -> None:
    """It may be of a campaign that was submitted after the backup: nobody here knows of that either."""
    restoring.carry_out(any_database)
    assert doubts.settle(any_database, ACCOUNT, [evidence(any_database, 2, count)], exclusive=True) == []


def test_reports_that_were_read_before_somebody_saw_to_it_prove_it_too(any_database: Database, gone_on: int) -> None:
    """To a worker that was started at once they seemed to be nobody's."""
    poll_id = making.stored(any_database)
    nobodys = Reports(["lost-2"], ["lost-2-1"], [str(FIRST + FIVE)], [MessageStatus.DELIVERED])
    reports.apply(any_database, poll_id, nobodys)
    assert unapplied.parked(any_database, ACCOUNT, no_older_than=3_600) == []

    restoring.carry_out(any_database)

    assert [poll.id for poll in unapplied.parked(any_database, ACCOUNT, no_older_than=3_600)] == [poll_id]


def test_a_person_who_has_it_sent_again_is_told_whom_that_texted_twice(any_database: Database, gone_on: int) -> None:
    restoring.carry_out(any_database)
    for doubt in campaigns.open_doubts(database=any_database):
        campaigns.resolve(doubt.attempt_id, "resend", database=any_database, **WHY)
    making.fund(any_database)
    making.all_accepted(any_database, gone_on)

    late = [evidence(any_database, batch) for batch in (2, 3)]
    doubts.settle(any_database, ACCOUNT, late, exclusive=False)

    assert making.account(any_database, gone_on).duplicates == 2 * FIVE


@pytest.mark.parametrize("policy", ["resend", "write_off"])
def test_no_policy_decides_what_a_backup_left_in_doubt(any_database: Database, policy: str) -> None:
    of_before = in_doubt(any_database, in_doubt=policy)
    restoring.carry_out(any_database)
    made = of_batches(any_database, in_doubt=policy)
    restoring.carry_out(any_database)
    wait_out(any_database)
    making.clock_goes_on(any_database, 1_801, lineage_table.c.restored_at)

    assert policies.carry_out(any_database) == 0
    assert making.attempt(any_database, of_before).state == AttemptState.IN_DOUBT
    assert not claimable(any_database, made)
    assert {doubt.deadline for doubt in campaigns.open_doubts(database=any_database)} == {None}


def test_a_policy_decides_what_fell_in_doubt_since(any_database: Database) -> None:
    restoring.carry_out(any_database)
    made = in_doubt(any_database, in_doubt="write_off")
    making.clock_goes_on(any_database, 3_600, lineage_table.c.restored_at)
    making.clock_goes_on(any_database, 1_801, attempts.c.settled_at)
    asked(any_database)
    assert policies.carry_out(any_database) == 1
    assert making.attempt(any_database, made).state == AttemptState.WRITTEN_OFF


def test_a_request_that_was_in_the_air_is_in_doubt_and_its_worker_still_settles_it(any_database: Database) -> None:
    claim = making.claimed(any_database, of_batches(any_database, 1))

    assert restoring.carry_out(any_database).in_the_air == 1

    assert making.attempt(any_database, claim).state == AttemptState.IN_DOUBT
    settling.accept(any_database, claim, making.acceptance(claim))
    assert making.attempt(any_database, claim).state == AttemptState.ACCEPTED


@pytest.mark.parametrize("code", [None, -6])
def test_a_request_that_was_not_made_after_all_does_not_have_sent_again_what_may_have_left(
    any_database: Database, gone_on: int, code: int | None
) -> None:
    """A host without a mark had claimed it of the backup: that says nothing of who had sent it before."""
    claim = making.claimed(any_database, gone_on)
    restoring.carry_out(any_database)

    settling.release(any_database, claim, "its lease had too little time left", code=code)

    assert making.attempt(any_database, claim).state == AttemptState.IN_DOUBT
    assert making.account(any_database, gone_on).by_status == {"in_flight": FIVE, "in_doubt": 2 * FIVE}
    assert not claimable(any_database, gone_on)


def test_a_request_that_could_not_be_read_is_not_cut_in_halves_either(any_database: Database, gone_on: int) -> None:
    claim = making.claimed(any_database, gone_on)
    restoring.carry_out(any_database)

    bisection.refuse(any_database, claim, "-1: XML invalide", code=-1, prices=Prices({}))

    assert making.account(any_database, gone_on).by_status == {"in_flight": FIVE, "in_doubt": 2 * FIVE}
    assert not claimable(any_database, gone_on)


@pytest.mark.parametrize("state", ["funding", "awaiting_credits", "cleaning", "paused"])
def test_what_had_not_begun_to_leave_is_in_doubt_too(any_database: Database, state: str) -> None:
    lookup = {"lookup": {"unknown": "send"}} if state == "cleaning" else {}
    made = making.submitted(any_database, making.numbers(FIVE), **lookup)
    if state != "funding":
        making.fund(any_database, 1 if state == "awaiting_credits" else 1_000)
    if state == "paused":
        campaigns.pause(made, database=any_database)

    restoring.carry_out(any_database)

    assert making.account(any_database, made).by_status == {"in_doubt": FIVE}
    making.fund(any_database)
    making.advance(any_database)
    assert making.state(any_database, made) == CampaignState.STALLED
    assert not claimable(any_database, made)


def waiting(database: Database, **values: object) -> int:
    """One whose audience is not in batches yet."""
    made = making.submitted(database, making.numbers(FIVE))
    c = campaigns_table.c
    waits = update(campaigns_table).where(c.id == made).values(state=CampaignState.SUBMITTED, **values)
    making.change(database, waits)
    return made


def test_it_is_told_once_a_campaign_and_not_once_a_request(
    any_database: Database, gone_on: int, caplog: pytest.LogCaptureFixture
) -> None:
    other = of_batches(any_database)
    assert claimable(any_database, other)
    with caplog.at_level(logging.INFO, "campaigns.events"):
        restoring.carry_out(any_database)

    told = [record.__dict__ for record in caplog.records if record.getMessage() == events.RESTORED]
    assert [tuple(each[field] for field in events.EVENTS[events.RESTORED]) for each in told] == [
        (gone_on, 2, 2 * FIVE, restoring.MAY_HAVE_BEEN_SENT),
        (other, 2, 2 * FIVE, restoring.MAY_HAVE_BEEN_SENT),
        (other, 1, FIVE, restoring.WAS_IN_THE_AIR),
    ]


def test_what_is_not_in_batches_yet_is_paused_with_the_reason(
    any_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    made = waiting(any_database)

    with caplog.at_level(logging.INFO, "campaigns.events"):
        found = restoring.carry_out(any_database)

    assert events.PAUSED in caplog.messages

    account = campaigns.progress(made, database=any_database)
    assert ([each.campaign_id for each in found.to_pause], found.to_decide) == ([made], [])
    assert (account.waits_for or "").endswith(restoring.MAY_HAVE_GONE_ON)


def test_what_waits_for_a_time_to_come_is_left_alone(any_database: Database) -> None:
    made = waiting(any_database, scheduled_at=any_database.clock() + timedelta(hours=1))

    found = restoring.carry_out(any_database)

    assert (found.later, found.to_pause, found.to_decide) == (1, [], [])
    assert campaigns.progress(made, database=any_database).paused_at is None


def test_what_is_submitted_once_it_was_noticed_goes_on(any_database: Database) -> None:
    lineage.declare_set_back(any_database, "noticed", newest_attempt=0)
    made = of_batches(any_database)

    found = restoring.carry_out(any_database)

    assert (found.since, found.to_decide) == (1, [])
    assert claimable(any_database, made)


def test_as_long_as_nobody_has_seen_to_it_no_lane_has_anything_to_claim(any_database: Database) -> None:
    made = of_batches(any_database)
    assert turns.candidates(any_database, ACCOUNT, 8) == [made]
    lineage.declare_set_back(any_database, "noticed", newest_attempt=0)
    assert turns.candidates(any_database, ACCOUNT, 8) == []
    restoring.carry_out(any_database)
    assert turns.candidates(any_database, ACCOUNT, 8) == []
    since = of_batches(any_database)
    assert turns.candidates(any_database, ACCOUNT, 8) == [since]


def test_occurrences_that_have_come_since_are_skipped_and_counted(any_database: Database) -> None:
    spec = {"template": "Bonjour {{ nom }}", "audience": {"file": "clients.csv"}}
    made = schedules.add(
        spec, name="x", cron="0 * * * *", timezone="UTC", when_missed="catch_up", database=any_database
    )
    slot = (any_database.clock() - timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
    making.change(any_database, update(schedules_table).values(next_at=slot))

    assert restoring.carry_out(any_database).schedules == 1

    found = schedules.find("x", database=any_database)
    assert occurrences.due(any_database, 9) == []
    assert (found.missed, found.next_at > any_database.clock(), found.id) == (4, True, made.id)
    assert found.last_outcome == occurrences.SKIPPED


def test_no_occurrence_is_made_before_somebody_has_seen_to_it(any_database: Database) -> None:
    spec = {"template": "Bonjour {{ nom }}", "audience": {"file": "clients.csv"}}
    schedules.add(spec, name="x", cron="* * * * *", timezone="UTC", database=any_database)
    making.change(any_database, update(schedules_table).values(next_at=any_database.clock()))
    assert len(occurrences.due(any_database, 9)) == 1
    lineage.declare_set_back(any_database, "noticed", newest_attempt=0)
    assert occurrences.due(any_database, 9) == []


def test_the_time_since_is_a_gap_in_the_journal_of_each_account(any_database: Database, gone_on: int) -> None:
    restoring.carry_out(any_database)
    (its,) = readings.readings(any_database)
    assert (its.account, its.lost) == (ACCOUNT, 1)


def test_a_request_that_nobody_here_has_made_is_not_asked_for_by_its_id(any_database: Database, gone_on: int) -> None:
    restoring.carry_out(any_database)
    assert doubts.to_ask_for(any_database, ACCOUNT, every=0, most=20) == []


def test_its_credits_are_not_promised_to_others(any_database: Database, gone_on: int) -> None:
    restoring.carry_out(any_database)
    with any_database.reading() as connection:
        free = credits.available(connection, ACCOUNT, making.balance(any_database, 100))
    assert free == 100 - 2 * FIVE


def test_a_second_time_there_is_nothing_left_to_do(any_database: Database, gone_on: int) -> None:
    restoring.carry_out(any_database)
    assert restoring.look(any_database).nothing
    restoring.carry_out(any_database)
    assert making.account(any_database, gone_on).in_doubt_attempts == 2


def test_what_died_in_the_middle_is_carried_out_again(
    any_database: Database, gone_on: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = of_batches(any_database, 1)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(occurrences, "skip", dies)
        with pytest.raises(KeyboardInterrupt):
            restoring.carry_out(any_database)
    assert lineage.read(any_database).set_back_at is not None

    restoring.carry_out(any_database)

    assert lineage.read(any_database).set_back_at is None
    states = [making.account(any_database, each).in_doubt_attempts for each in (gone_on, other)]
    assert states == [2, 1]


def test_a_backup_knows_what_was_done_until_its_last_request_or_heartbeat(any_database: Database) -> None:
    assert restoring.look(any_database).known_until is None
    claim = making.accepted(any_database, of_batches(any_database))
    making.clock_goes_on(any_database, 7_200, attempts.c.started_at)
    assert restoring.look(any_database).known_until == making.attempt(any_database, claim).started_at

    heartbeats.note(any_database, ["sweep"])
    assert restoring.look(any_database).known_until == making.attempt(any_database, claim).started_at  # at work now

    making.clock_goes_on(any_database, 3_600, heartbeats_table.c.beat_at)
    with any_database.reading() as connection:
        beat = connection.execute(select(heartbeats_table.c.beat_at)).scalar_one()
    assert restoring.look(any_database).known_until == beat
    told = any_database.clock() - timedelta(minutes=5)
    assert restoring.look(any_database, told).known_until == told
