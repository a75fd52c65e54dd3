"""Who has opted out is excluded as a campaign is expanded, and found by the table's key."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

import campaigns
from campaigns import expansion, unwanted
from campaigns.database import Database, copy_in
from campaigns.settings import DomainSettings
from tests.campaigns import making
from tests.campaigns.plans import plans_of
from tests.campaigns.producing import SPEC, people, row

SETTINGS = DomainSettings(database_url="sqlite:///unused.db", default_region="CI")
A_SLICE = 10_000
LISTED = 20_000


def made(database: Database, rows: Any, **options: Any) -> campaigns.Progress:
    """The account of a campaign that is expanded."""
    campaign_id = campaigns.submit({**SPEC, **options}, rows, database=database).id
    while expansion.expand_slice(database, campaign_id, SETTINGS):
        pass
    return making.account(database, campaign_id)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield asked
    event.remove(database.engine, "before_cursor_execute", note)


# One small enough for its submit, one for a worker.
@pytest.mark.parametrize("count", [10, 700], ids=["in the submit", "by a worker"])
class TestExpansion:
    def test_who_has_opted_out_is_excluded_and_counted(self, any_database: Database, count: int) -> None:
        campaigns.opt_out("0700000001", "0700000003", database=any_database)
        campaigns.opt_out("0700000005", account="default", database=any_database)
        campaigns.opt_out("0700000007", account="shop", database=any_database)

        account = made(any_database, people(count))

        assert account.excluded == {"opted_out": 3}
        assert account.messages == account.credits_estimated == count - 3
        assert row(any_database, account.id).opt_outs_seen == 2

    def test_where_nobody_has_opted_out_nobody_is_looked_for(self, any_database: Database, count: int) -> None:
        campaigns.opt_out("0700000001", account="shop", database=any_database)

        with statements(any_database) as asked:
            made(any_database, people(count))

        assert [statement for statement in asked if "FROM opt_outs" in statement] == []

    def test_each_row_of_who_has_opted_out_is_that_and_no_duplicate(self, any_database: Database, count: int) -> None:
        campaigns.opt_out("0700000001", database=any_database)
        twice = [{"tel": "0700000001", "nom": ""}, {"tel": "+225 0700000001", "nom": "N"}]

        account = made(any_database, [*people(count), *twice])

        assert account.excluded == {"opted_out": 3}

    def test_all_of_them_opted_out_completes_with_that_reason(self, any_database: Database, count: int) -> None:
        rows = list(people(count))
        campaigns.import_opt_outs(rows, number_column="tel", database=any_database)

        account = made(any_database, rows)

        assert account.state == "completed"
        assert account.reason == f"nothing to send: every recipient is excluded ({count} opted_out)"


def test_who_opts_out_between_two_slices_is_left_to_the_claim_or_excluded(any_database: Database) -> None:
    campaign_id = campaigns.submit(SPEC, people(A_SLICE + 5), database=any_database).id
    expansion.expand_slice(any_database, campaign_id, SETTINGS)

    campaigns.opt_out("0700000001", f"07{A_SLICE + 1:08d}", database=any_database)
    while expansion.expand_slice(any_database, campaign_id, SETTINGS):
        pass

    assert making.account(any_database, campaign_id).excluded == {"opted_out": 1}
    assert row(any_database, campaign_id).opt_outs_seen == 0  # so that each batch is looked at again


@pytest.mark.parametrize("count", [1, unwanted.FEW, A_SLICE])
def test_numbers_are_probed_one_by_one_by_the_key(any_database: Database, count: int) -> None:
    listed = [(number, "*", "2026-01-01", "") for number in making.numbers(LISTED)]
    with any_database.transaction() as connection:
        copy_in(connection, "opt_outs", ("key", "account", "opted_out_at", "source"), listed)
    if not any_database.is_sqlite:
        with any_database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE opt_outs"))

    with any_database.transaction() as connection, plans_of(any_database, "FROM opt_outs") as plans:
        found = unwanted.among(connection, "default", making.numbers(count, first=making.FIRST + LISTED - 1))

    assert found == {making.FIRST + LISTED - 1}
    [plan] = plans
    assert ("PRIMARY KEY (key=?" if any_database.is_sqlite else "opt_outs_pk") in plan
    assert "Seq Scan" not in plan
    assert "Hash" not in plan
