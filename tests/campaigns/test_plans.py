"""What is asked all the time finds its rows by an index, however many campaigns and batches there ever were."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import text

from campaigns import batches, credits, doubts, lifecycle, refusals, setbacks, silence, turns, unapplied
from campaigns.database import Database
from campaigns.states import AttemptKind
from tests.campaigns import making
from tests.campaigns.gateways import Count
from tests.campaigns.plans import campaign_without_statistics, plans_of

LONG_AGO = 5_000
"""Campaigns that are over."""

ASKED_ALL_THE_TIME: dict[str, tuple[str, str, Callable[[Database], object]]] = {
    "candidates": ("campaigns", "campaigns_at_work", lambda database: turns.candidates(database, making.ACCOUNT, 8)),
    "their batches": ("batches", "batches_open", lambda database: turns.candidates(database, making.ACCOUNT, 8)),
    "next turn": ("campaigns", "campaigns_at_work", lambda database: turns.next_turn(database, making.ACCOUNT)),
    "unfunded": ("campaigns", "campaigns_at_work", lambda database: credits.waiting(database, making.ACCOUNT)),
    "expanded": ("campaigns", "campaigns_at_work", lambda database: due(database)),
    "moved on": ("campaigns", "campaigns_at_work", lambda database: sweep(database)),
    "where they stand": ("batches", "batches_open", lambda database: sweep(database)),
    "leases": ("attempts", "attempts_unsettled", batches.expire_leases),
    "doubts": ("attempts", "attempts_unsettled", lambda database: doubts.in_doubt(database, making.ACCOUNT)),
    "silent": ("attempts", "attempts_", lambda database: asked_for(database)),
    "overdue": ("attempts", "attempts_", lambda database: silence.give_up(database, older_than=-60)),
    "polls": ("report_polls", "report_polls_at_work", lambda database: unapplied.due(database, making.ACCOUNT)),
    "what may have come back": ("attempts", "attempts_campaign", lambda database: Count(database).read()),
    "attempts ahead": ("attempts", "attempts_settled", setbacks.mend),
    "polls ahead": ("report_polls", "report_polls_at_work", setbacks.mend),
    "gates ahead": ("campaigns", "campaigns_at_work", setbacks.mend),
}


def due(database: Database) -> None:
    with database.reading() as connection:
        lifecycle.due(connection, 100)


def asked_for(database: Database) -> None:
    silence.sendings(database, making.ACCOUNT, older_than=-60, every=60, most=20)


def sweep(database: Database) -> None:
    with database.transaction() as connection:
        lifecycle.advance(connection)


def old_history(database: Database) -> None:
    """A great many campaigns that are completed, each with a batch, its attempt and a poll, and one that is at work."""
    making.accepted(database, making.funded(database, making.numbers(1)))
    making.stored(database)
    count = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {LONG_AGO})"
    statements = [
        f"""{count} INSERT INTO campaigns (account, name, spec, wire_text, state, completed_at)
            SELECT 'default', 'x', '{{}}', '', 'completed', '2020-01-01' FROM n""",
        """INSERT INTO batches
            (campaign_id, number, alphabet, merged, size, segments, credits, lookup_credits, state, payload)
            SELECT id, 1, 'gsm7', true, 1, 1, 1, 0, 'accepted', '' FROM campaigns WHERE id > 1""",
        """INSERT INTO attempts
            (account, kind, campaign_id, batch_id, size, msgid, state, started_at, leased_until, estimated, credits)
            SELECT 'default', 'send', campaign_id, id, 1, id, 'accepted', '2020-01-01', '2020-01-01', 1, 1
            FROM batches WHERE campaign_id > 1""",
        """INSERT INTO holds (campaign_id, account, credits, free)
            SELECT id, 'default', 1, 1 FROM campaigns WHERE id > 1""",
        f"{count} INSERT INTO report_polls (account, state) SELECT 'default', 'applied' FROM n",
        f"""{count} INSERT INTO balance_readings
            (account, asked_at, confirmed_at, still, credits, consumed, posted, refunded, unsettled, drift)
            SELECT 'default', '2020-01-01', '2020-01-01', true, 0, i, i, 0, 0, 0 FROM n""",
    ]
    with database.transaction() as connection:
        for statement in statements:
            connection.execute(text(statement))
    if not database.is_sqlite:  # which has nobody who would do it
        making.change(database, text("UPDATE balance_readings SET asked_at = asked_at + id * interval '1 minute'"))
        making.change(database, text("ANALYZE"))


@pytest.mark.parametrize("what", ASKED_ALL_THE_TIME)
def test_it_is_found_by_its_index(any_database: Database, what: str) -> None:
    table, index, ask = ASKED_ALL_THE_TIME[what]
    old_history(any_database)

    with plans_of(any_database, table) as plans:
        ask(any_database)

    assert any(index in plan for plan in plans)
    for plan in plans:
        assert f"Seq Scan on {table}" not in plan
        assert f"SCAN {table}" not in plan


@pytest.mark.parametrize("look", [unapplied.due, partial(unapplied.parked, no_older_than=60)])
def test_whose_a_parked_body_is_costs_the_same_however_much_was_sent(
    any_database: Database, look: Callable[[Database, str], object]
) -> None:
    old_history(any_database)

    with plans_of(any_database, "attempts") as plans:
        look(any_database, making.ACCOUNT)

    assert "attempts_msgfid" in "".join(plans)
    assert "attempts_settled" not in "".join(plans)


@pytest.mark.parametrize("look", [partial(refusals.in_a_row, kind=AttemptKind.SEND, code=-9), refusals.alone_in_a_row])
def test_what_was_refused_last_is_found_from_the_end_however_many_batches_a_campaign_has_had(
    any_database: Database, look: Callable[[Database, str, int], object]
) -> None:
    old_history(any_database)
    making.change(any_database, text("UPDATE attempts SET campaign_id = 1"))
    if not any_database.is_sqlite:
        one_by_one = "UPDATE attempts SET settled_at = timestamptz '2020-01-01' + id * interval '1 minute'"
        making.change(any_database, text(one_by_one))
        making.change(any_database, text("ANALYZE"))

    with plans_of(any_database, "attempts") as plans:
        look(any_database, making.ACCOUNT, 1)

    (plan,) = plans
    assert "attempts_settled" in plan


@pytest.mark.parametrize("table", ["campaigns", "holds", "attempts"])
def test_to_fund_a_campaign_costs_the_same_however_many_were_funded(any_database: Database, table: str) -> None:
    old_history(any_database)
    making.submitted(any_database, making.numbers(1))

    with plans_of(any_database, table) as plans:
        making.fund(any_database)

    assert plans
    for plan in plans:
        assert f"Seq Scan on {table}" not in plan
        assert f"SCAN {table}" not in plan
        assert "(account=?)" not in plan  # of SQLite: all that the account ever had


def test_where_a_campaign_stands_is_found_by_walking_its_key_before_there_are_statistics(postgresql: Database) -> None:
    """The planner would put all of its messages in order to take the first that is open."""
    with campaign_without_statistics(postgresql) as (connection, made), plans_of(postgresql, "messages") as plans:
        lifecycle.advance(connection, [made])

    (plan,) = plans
    assert "Index Scan using messages_pk on messages" in plan
    assert "Sort" not in plan
