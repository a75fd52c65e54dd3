"""What KEDA asks of the database: by indexes, as its own role may, and of what a further pod would speed up."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, text, update

from campaigns import accounts, steering, turns
from campaigns.database import Database
from campaigns.models import batches, campaigns
from tests.campaigns import making
from tests.campaigns.test_plans import old_history
from tests.deploy.manifests import FOLDER, the

(TRIGGER,) = the("ScaledObject", "worker").content["spec"]["triggers"]
QUERY = TRIGGER["metadata"]["query"]
ROLE = (FOLDER / "keda" / "role.sql").read_text(encoding="utf-8")


@pytest.fixture
def scaler(postgresql: Database) -> Iterator[Connection]:
    """The database as KEDA's role sees it, which is made as an operator makes it."""
    with postgresql.transaction() as connection:
        connection.exec_driver_sql(ROLE)
    try:
        with postgresql.reading() as connection:
            connection.exec_driver_sql("SET ROLE campaigns_scaler")
            yield connection
            connection.exec_driver_sql("RESET ROLE")
    finally:
        with postgresql.transaction() as connection:
            connection.exec_driver_sql("DROP OWNED BY campaigns_scaler")
            connection.exec_driver_sql("DROP ROLE campaigns_scaler")


def waiting(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(text(QUERY)).scalar_one())


def three(database: Database, **options: Any) -> int:
    return making.funded(database, making.numbers(3), batch_size=1, **options)


def paused(database: Database) -> None:
    steering.pause(three(database), database=database)


def in_doubt(database: Database) -> None:
    three(database)
    accounts.away(database, making.ACCOUNT, "silence", doubtful=True)
    making.change(database, text("UPDATE accounts SET away_until = NULL"))


def away(database: Database) -> None:
    three(database)
    accounts.away(database, making.ACCOUNT, "refused connection")


def shut(database: Database) -> None:
    three(database, window="mon-sun 00:00-24:00", window_zone="UTC")
    tomorrow = text("now() + interval '1 day'")
    making.change(database, update(campaigns).values(shut_until=tomorrow))


def begun(database: Database) -> None:
    making.claimed(database, three(database))


def ended(database: Database) -> None:
    campaign = three(database)
    making.all_delivered(database, *making.all_accepted(database, campaign))
    making.advance(database)


CASES: dict[str, tuple[Callable[[Database], object], int]] = {
    "nothing": (making.balance, 0),
    "three batches": (three, 3),
    "two of three": (begun, 2),
    "lookups": (lambda database: three(database, lookup=True), 3),
    "an open window": (lambda database: three(database, window="mon-sun 00:00-24:00", window_zone="UTC"), 3),
    "a shut window": (shut, 0),
    "a rate that one pod keeps": (lambda database: three(database, rate=100), 0),
    "unfunded": (lambda database: making.submitted(database, making.numbers(3)), 0),
    "paused": (paused, 0),
    "the gateway away": (away, 0),
    "requests in doubt": (in_doubt, 0),
    "ended": (ended, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_it_counts_the_batches_that_a_further_pod_could_send(postgresql: Database, case: str) -> None:
    make, expected = CASES[case]
    make(postgresql)
    assert waiting(postgresql) == expected


@pytest.mark.parametrize("case", ["three batches", "two of three", "lookups", "an open window", "paused", "away"])
def test_it_counts_what_the_lanes_would_find(postgresql: Database, case: str) -> None:
    CASES.get(case, (away, 0))[0](postgresql)
    assert waiting(postgresql) == turns.count_claimable(postgresql, making.ACCOUNT, 1_000)


def more_batches(database: Database, campaign_id: int, state: str, count: int = 5_000) -> None:
    more = f"""INSERT INTO batches
        (campaign_id, number, alphabet, merged, size, segments, credits, lookup_credits, state, payload)
        SELECT {campaign_id}, i, 'gsm7', true, 1, 1, 1, 0, '{state}', '' FROM generate_series(10, {count + 9}) AS i"""
    making.change(database, text(more))


def test_it_counts_no_further_than_is_of_use(postgresql: Database) -> None:
    more_batches(postgresql, three(postgresql), "pending")
    pods = the("ScaledObject", "worker").content["spec"]["maxReplicaCount"]
    assert pods * int(TRIGGER["metadata"]["targetQueryValue"]) < waiting(postgresql) == 1_000


@pytest.mark.parametrize("analyzed", [False, True], ids=["before there are statistics", "with statistics"])
def test_it_finds_them_by_their_indexes_beside_any_number_that_are_over(postgresql: Database, analyzed: bool) -> None:
    old_history(postgresql)
    more_batches(postgresql, three(postgresql), "accepted")
    if analyzed:
        making.change(postgresql, text("ANALYZE"))
    with postgresql.reading() as connection:
        plan = "\n".join(connection.execute(text(f"EXPLAIN {QUERY}")).scalars())
    assert "campaigns_at_work" in plan
    assert re.search(r"Scan using batches_(open|numbered) .*\n +Index Cond: \(\(?campaign_id = c.id", plan)
    assert "Seq Scan on campaigns" not in plan
    assert "Seq Scan on batches" not in plan


def test_its_role_may_ask_that_and_nothing_else(postgresql: Database, scaler: Connection) -> None:
    three(postgresql)
    assert scaler.execute(text(QUERY)).scalar_one() == 3
    for column, table in (("msisdn", "messages"), ("payload", batches.name), ("spec", campaigns.name)):
        asked = "SELECT has_column_privilege('campaigns_scaler', :table, :column, 'SELECT')"
        assert scaler.execute(text(asked), {"table": table, "column": column}).scalar_one() is False
