"""What stands still is named, the oldest first; what only waits is not."""

from collections.abc import Callable

import pytest

import campaigns
from campaigns import accounts, pause, stuck
from campaigns.database import Database
from campaigns.models import attempts, report_polls
from campaigns.models import campaigns as table
from campaigns.stuck import Kind, Stuck
from tests.campaigns import making
from tests.campaigns.making import ACCOUNT
from tests.campaigns.plans import plans_of
from tests.campaigns.test_plans import old_history


@pytest.fixture
def database(any_database: Database) -> Database:
    """Each kind in turn, where a worker has said which account it has."""
    accounts.serve(any_database, [ACCOUNT])
    return any_database


def look(database: Database) -> list[Stuck]:
    with database.reading() as connection:
        return stuck.stuck(connection)


def unexpanded(database: Database) -> int:
    rows = [{"tel": f"+{number}"} for number in making.numbers(2_000)]  # so many are expanded by a worker
    return campaigns.submit({"name": "x", "template": "Bonjour"}, rows, database=database).id


def claimed(database: Database) -> int:
    made = making.funded(database, making.numbers(3))
    making.claimed(database, made, lease_seconds=30)
    return made


PLANTED = {
    Kind.LEASE: (claimed, attempts.c.leased_until, 30 + stuck.LEASE_SECONDS),
    Kind.BODY: (making.stored, report_polls.c.stored_at, stuck.BODY_SECONDS),
    Kind.EXPANSION: (unexpanded, table.c.created_at, stuck.WAITING_SECONDS),
    Kind.FUNDING: (lambda database: making.submitted(database, making.numbers(3)), table.c.created_at, 120),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_what_stands_still_for_longer_than_it_may_is_named(database: Database, kind: Kind) -> None:
    plant, moment, seconds = PLANTED[kind]
    its_id = plant(database)
    making.clock_goes_on(database, seconds - 10, moment)
    assert look(database) == []

    making.clock_goes_on(database, 20, moment)
    (found,) = look(database)

    assert (found.kind, found.account, found.id, found.count) == (kind, ACCOUNT, its_id, 1)
    assert found.seconds > 0


def test_the_oldest_comes_first_and_those_of_a_kind_are_counted(database: Database) -> None:
    first, _ = [making.submitted(database, making.numbers(3)) for _ in range(2)]
    body = making.stored(database)
    making.clock_goes_on(database, 200, table.c.created_at)
    making.clock_goes_on(database, 500, report_polls.c.stored_at)

    found = look(database)

    assert [(each.kind, each.id, each.count) for each in found] == [(Kind.BODY, body, 1), (Kind.FUNDING, first, 2)]


@pytest.mark.parametrize(
    "hinder",
    [
        lambda database, made: pause(made, database=database),
        lambda database, _: making.away(database, ACCOUNT, "refused"),
        lambda database, _: making.fund(database, 2),
    ],
    ids=["paused", "away", "too dear"],
)
def test_what_waits_for_something_else_does_not_stand_still(
    database: Database, hinder: Callable[[Database, int], object]
) -> None:
    made = making.submitted(database, making.numbers(3))
    making.clock_goes_on(database, 200, table.c.created_at)
    hinder(database, made)
    assert look(database) == []


@pytest.mark.parametrize("asked", ["campaigns", "attempts", "report_polls"])
def test_it_is_found_by_index_however_much_there_ever_was(database: Database, asked: str) -> None:
    old_history(database)
    with plans_of(database, asked) as plans:
        look(database)
    assert plans
    for plan in plans:
        assert f"Seq Scan on {asked}" not in plan
        assert f"SCAN {asked}" not in plan
