"""What gateways answered is counted from when somebody begins on: by outcome, and how soon."""

import pytest

from campaigns import settling
from campaigns.answers import BOUNDS, Answered, Answers
from campaigns.database import Database
from campaigns.models import attempts
from campaigns.states import AttemptKind
from tests.campaigns import making
from tests.campaigns.making import ACCOUNT
from tests.campaigns.plans import plans_of
from tests.campaigns.test_plans import old_history


def look(database: Database, who: Answers) -> None:
    with database.snapshot() as connection:
        who.look(connection, [ACCOUNT])


def of(who: Answers, outcome: str) -> Answered:
    return who.of(ACCOUNT, AttemptKind.SEND, outcome)


def test_requests_are_counted_by_outcome_from_the_first_look_on(any_database: Database) -> None:
    made = making.funded(any_database, making.numbers(10), batch_size=2)
    making.accepted(any_database, made)
    making.clock_goes_on(any_database, 5, attempts.c.settled_at)
    who = Answers()
    look(any_database, who)
    assert of(who, "accepted") == Answered()
    making.accepted(any_database, made)
    settling.doubt(any_database, making.claimed(any_database, made), "lost")
    settling.refuse(any_database, making.claimed(any_database, made), -1, "bad")
    settling.release(any_database, making.claimed(any_database, made), "connection refused")
    for _ in range(2):
        look(any_database, who)
        found = {name: of(who, name) for name in ("accepted", "refused", "not_sent", "in_doubt")}
        assert {name: (its.requests, its.numbers) for name, its in found.items()} == dict.fromkeys(found, (1, 2))
        assert [name for name, its in found.items() if its.timed] == ["accepted", "refused"]


def test_what_was_read_once_too_often_or_long_ago_still_counts_once(any_database: Database) -> None:
    made = making.funded(any_database, making.numbers(4), batch_size=2)
    who = Answers()
    look(any_database, who)
    making.accepted(any_database, made)
    look(any_database, who)
    who._since = any_database.clock().replace(year=2020)  # as if it had begun long ago
    making.clock_goes_on(any_database, 100, attempts.c.settled_at)
    making.accepted(any_database, made)
    for _ in range(3):
        look(any_database, who)
    assert of(who, "accepted").requests == 2


@pytest.mark.parametrize(("seconds", "within"), [(0.3, 0.5), (20.0, 30.0), (400.0, None)])
def test_how_soon_it_was_answered_is_put_into_classes(
    any_database: Database, seconds: float, within: float | None
) -> None:
    made = making.funded(any_database, making.numbers(2))
    who = Answers()
    look(any_database, who)
    claim = making.claimed(any_database, made)
    making.clock_goes_on(any_database, seconds, attempts.c.started_at)
    settling.accept(any_database, claim, making.acceptance(claim))
    look(any_database, who)
    found = of(who, "accepted")
    assert found.timed == 1
    assert seconds <= found.seconds < seconds + 0.2
    assert found.within == tuple(int(within is not None and bound >= within) for bound in BOUNDS)


def test_a_doubt_that_its_reports_settled_says_nothing_of_how_soon_it_was_answered() -> None:
    assert Answered(requests=1, numbers=2).timed == 0
    assert Answered(1, 2, 1, 0.5, (1,) * len(BOUNDS)) + Answered(1, 3) == Answered(2, 5, 1, 0.5, (1,) * len(BOUNDS))


def test_of_a_long_history_only_what_came_since_is_read(any_database: Database) -> None:
    old_history(any_database)
    who = Answers()
    look(any_database, who)
    with plans_of(any_database, "attempts") as plans:
        look(any_database, who)
    assert plans
    assert all("attempts_settled" in plan for plan in plans)
