"""The two databases behave alike: transactions, reads, tables of parameters, bulk inserts, and what a fork leaves."""

import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Integer, Text, func, select, text, update

from campaigns import database as module
from campaigns.database import Database, copy_in, default, forbid_scans, rows_of, upsert
from campaigns.models import accounts, exclusions
from campaigns.settings import domain_settings


def in_threads(work: Callable[[int], Any], count: int) -> list[Any]:
    """Results of `work(0)` to `work(count - 1)`, started at the same moment."""
    start = threading.Barrier(count)

    def run(number: int) -> Any:
        start.wait(timeout=60)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


class TestTransactions:
    def test_what_fails_leaves_nothing(self, any_database: Database) -> None:
        def half() -> None:
            with any_database.transaction() as connection:
                connection.execute(upsert(connection, accounts).values(name="half"))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            half()
        with any_database.reading() as connection:
            assert connection.execute(select(accounts.c.name)).all() == []

    def test_writers_that_read_first_take_turns_and_none_is_turned_away(self, any_database: Database) -> None:
        with any_database.transaction() as connection:
            connection.execute(upsert(connection, accounts).values(name="one", failures=0))

        def count_up(_: int) -> None:
            for _ in range(20):
                with any_database.transaction() as connection:
                    held = select(accounts.c.failures).where(accounts.c.name == "one").with_for_update()
                    failures = connection.execute(held).scalar_one()
                    connection.execute(update(accounts).values(failures=failures + 1))

        in_threads(count_up, 4)
        with any_database.reading() as connection:
            assert connection.execute(select(accounts.c.failures)).scalar_one() == 80

    def test_reading_does_not_keep_a_writer_out(self, any_database: Database) -> None:
        with any_database.reading() as reader:
            assert reader.execute(select(accounts.c.name)).all() == []
            with any_database.transaction() as connection:
                connection.execute(upsert(connection, accounts).values(name="new"))
            assert reader.execute(select(accounts.c.name)).scalar_one() == "new"

    def test_a_connection_that_was_read_with_still_begins_at_once_as_a_writer(self, sqlite: Database) -> None:
        with sqlite.reading() as connection:
            connection.execute(select(accounts.c.name)).all()
        with sqlite.transaction() as first:
            first.execute(select(accounts.c.name)).all()
            other = sqlite3.connect(str(sqlite.url.database), timeout=0, isolation_level=None)
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
            other.close()

    def test_sqlite_keeps_its_promises_about_durability_and_references(self, sqlite: Database) -> None:
        with sqlite.reading() as connection:
            pragmas = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
            ]
            assert pragmas == ["wal", 2]
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


class TestRowsOf:
    def test_none_stays_none(self, any_database: Database) -> None:
        with any_database.reading() as connection:
            rows = rows_of(connection, "some", number=(BigInteger, [1, None]), word=(Text, [None, "é'\\{"]))
            assert sorted(map(tuple, connection.execute(select(rows))), key=str) == [(1, None), (None, "é'\\{")]

    def test_no_rows_are_an_empty_table(self, any_database: Database) -> None:
        with any_database.reading() as connection:
            rows = rows_of(connection, "none", number=(BigInteger, []), word=(Text, []))
            assert connection.execute(select(rows)).all() == []

    def test_one_column_is_a_table_too(self, any_database: Database) -> None:
        with any_database.reading() as connection:
            rows = rows_of(connection, "one", number=(Integer, [3, 1, 2]))
            assert connection.execute(select(func.sum(rows.c.number))).scalar_one() == 6

    def test_far_more_rows_than_a_statement_may_have_parameters(self, any_database: Database) -> None:
        with any_database.reading() as connection:
            rows = rows_of(connection, "many", number=(BigInteger, range(22507_00000000, 22507_00100000)))
            assert connection.execute(select(func.count(), func.max(rows.c.number)).select_from(rows)).one() == (
                100_000,
                22507_00099999,
            )

    def test_columns_of_different_length_are_refused(self, sqlite: Database) -> None:
        with sqlite.reading() as connection, pytest.raises(ValueError, match="shorter"):
            rows_of(connection, "some", number=(BigInteger, [1, 2]), word=(Text, ["a"]))


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=5))
def test_texts_are_copied_in_as_they_are(any_database: Database, texts: list[str]) -> None:
    texts += ["\t", "\\N", "\\.", "\n", "\r\n", "\\", "a\tb\\n", "", "é\u2028😀"]
    with any_database.transaction() as connection:
        connection.execute(text("DELETE FROM exclusions"))
        if connection.execute(text("SELECT count(*) FROM campaigns")).scalar_one() == 0:
            connection.execute(
                text(
                    "INSERT INTO campaigns (id, account, name, spec, wire_text, state) "
                    "VALUES (1, 'a', 'n', '{}', '', 'failed')"
                )
            )
        rows = [(1, row, value, "invalid") for row, value in enumerate(texts)]
        copy_in(connection, "exclusions", ("campaign_id", "row", "number", "reason"), rows)
        back = connection.execute(select(exclusions.c.number).order_by(exclusions.c.row)).scalars().all()
    assert back == texts


def test_copying_nothing_in_does_nothing(any_database: Database) -> None:
    with any_database.transaction() as connection:
        copy_in(connection, "no_such_table", ("none",), [])
        assert connection.execute(select(accounts.c.name)).all() == [], "the transaction goes on"


def test_scans_are_forbidden_for_the_rest_of_the_transaction_only(postgresql: Database) -> None:
    with postgresql.transaction() as connection:
        forbid_scans(connection)
        assert connection.exec_driver_sql("SHOW enable_seqscan").scalar() == "off"
    with postgresql.transaction() as connection:
        assert connection.exec_driver_sql("SHOW enable_seqscan").scalar() == "on"


class TestTheDefault:
    @pytest.fixture(autouse=True)
    def _fresh(self, any_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setenv("DATABASE_URL", any_database_url)
        monkeypatch.setattr(module, "_default", None)
        domain_settings.cache_clear()
        yield
        default().close()
        domain_settings.cache_clear()

    def test_it_is_made_once(self) -> None:
        assert default() is default()

    def test_a_fork_makes_its_own_and_leaves_the_parents_connections_alone(self) -> None:
        mine = default()
        mine.clock()
        child = os.fork()
        if child == 0:  # in the child: no assertion, no pytest; only a status
            other = default()
            os._exit(0 if other is not mine and other.clock() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert default() is mine
        assert mine.clock()
