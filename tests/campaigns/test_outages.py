"""What may go wrong with the database is said in words for a person, and holds nothing private."""

import traceback
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, make_url, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from campaigns import engines, outages
from campaigns.database import Database, copy_in
from campaigns.models import accounts, messages
from campaigns.outages import DatabaseAway, NotMigratedError, insisting, place

NUMBER = 2250708091011
COLUMNS = ("campaign_id", "msisdn", "batch_id")


@pytest.fixture
def nowhere() -> Database:
    return Database("postgresql://awa:secret@127.0.0.1:1/campaigns?connect_timeout=2")


def test_a_database_that_is_away_says_so_and_what_to_do(nowhere: Database) -> None:
    with pytest.raises(DatabaseAway, match=r"postgresql://127\.0\.0\.1:1/campaigns is away .*DATABASE_URL"):
        nowhere.clock()


def test_whoever_catches_what_sqlalchemy_raises_catches_this_too(nowhere: Database) -> None:
    with pytest.raises(OperationalError), nowhere.transaction():
        pass


def test_the_password_is_in_no_part_of_the_error(nowhere: Database) -> None:
    with pytest.raises(DatabaseAway) as caught:
        nowhere.clock()
    assert "secret" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(nowhere)


def test_a_folder_that_cannot_be_made_is_a_database_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseAway, match="is away"):
        Database(f"sqlite:///{tmp_path}/file/campaigns.db").make()


def test_a_folder_in_place_of_a_sqlite_file_is_a_database_that_is_away(tmp_path: Path) -> None:
    with pytest.raises(DatabaseAway, match="is away"):
        Database(f"sqlite:///{tmp_path}").clock()


@pytest.mark.parametrize(
    "work",
    [
        lambda connection: connection.execute(select(accounts.c.name)),
        lambda connection: copy_in(connection, "messages", COLUMNS, [(1, NUMBER, 1)]),
    ],
    ids=["statement", "copy"],
)
def test_a_connection_that_is_cut_raises_and_is_replaced_for_the_next_one(postgresql: Database, work: Any) -> None:
    def cut_short() -> None:
        with postgresql.transaction() as connection:
            connection.execute(text("SELECT 1"))
            with postgresql.transaction() as killer:
                killer.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                    )
                )
            work(connection)

    with pytest.raises(DatabaseAway):
        cut_short()
    assert postgresql.clock()


@pytest.mark.parametrize("url", ["empty_database_url", "empty_sqlite_url"])
def test_a_database_without_tables_says_that_it_is_to_be_migrated(url: str, request: pytest.FixtureRequest) -> None:
    database = Database(request.getfixturevalue(url))
    with pytest.raises(NotMigratedError, match="run `campaigns migrate`"), database.reading() as connection:
        connection.execute(select(accounts.c.name))
    database.close()


def test_no_error_of_a_copy_shows_a_number(any_database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, any_database.transaction() as connection:
        copy_in(connection, "messages", COLUMNS, [(1, NUMBER, 1), (1, NUMBER, 1)])
    assert str(NUMBER) not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


def test_no_error_of_a_statement_shows_a_number(any_database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, any_database.transaction() as connection:
        connection.execute(insert(messages), [{"campaign_id": 1, "msisdn": NUMBER, "batch_id": 1}] * 2)
    assert str(NUMBER) not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:secret@db.example:5433/campaigns", "postgresql://db.example:5433/campaigns"),
        ("postgresql://me@/campaigns?host=/run/pg&password=secret", "postgresql:///run/pg/campaigns"),
        ("postgresql://me:secret@/campaigns?host=one&host=two", "postgresql://one,two/campaigns"),
        ("sqlite:///var/campaigns.db", "sqlite:///var/campaigns.db"),
    ],
    ids=["password", "password in the query", "two hosts", "file"],
)
def test_a_place_is_named_without_what_lets_one_in(url: str, expected: str) -> None:
    assert place(make_url(url)) == expected


def test_a_write_that_must_not_be_lost_is_made_again_while_the_database_is_away() -> None:
    tries = iter([away(), away(), None])

    @insisting
    def write(what: str) -> str:
        if (error := next(tries)) is not None:
            raise error
        return f"{what} is written"

    assert write("it") == "it is written"


def test_a_write_that_must_not_be_lost_is_made_again_if_a_deadlock_is_broken_at_its_cost(postgresql: Database) -> None:
    broken = "DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = 'deadlock_detected'; END $$"
    statements = iter([broken, "SELECT 1"])

    @insisting
    def write() -> None:
        with postgresql.transaction() as connection:
            connection.exec_driver_sql(next(statements))

    write()

    assert not list(statements)


def test_a_write_that_must_not_be_lost_waits_for_whoever_holds_the_lock(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.01)
    database, other = Database(sqlite_url), Database(sqlite_url)
    tries = []

    @insisting
    def write() -> None:
        tries.append(1)
        if len(tries) == 3:
            holder.rollback()
        with database.transaction() as connection:
            connection.execute(insert(accounts).values(name="mine"))

    with other.engine.connect() as holder:
        holder.execute(insert(accounts).values(name="theirs"))
        write()
    with database.reading() as connection:
        assert connection.execute(select(accounts.c.name)).scalars().all() == ["mine"]
    database.close()
    other.close()


def test_a_write_that_must_not_be_lost_waits_for_a_standby_to_be_promoted(postgresql: Database) -> None:
    tries = []

    @insisting
    def write() -> None:
        with postgresql.transaction() as connection:
            tries.append(1)
            if len(tries) < 3:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            connection.execute(insert(accounts).values(name="mine"))

    write()
    with postgresql.reading() as connection:
        assert connection.execute(select(accounts.c.name)).scalars().all() == ["mine"]


def test_what_waiting_cannot_mend_is_raised_at_once(any_database: Database) -> None:
    tries = []

    @insisting
    def write() -> None:
        tries.append(1)
        with any_database.transaction() as connection:
            connection.execute(insert(accounts), [{"name": "mine"}, {"name": "mine"}])

    with pytest.raises(IntegrityError):
        write()
    assert len(tries) == 1


def test_a_write_that_finds_no_database_for_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    @insisting
    def write() -> None:
        raise away()

    monkeypatch.setattr(outages, "INSIST_SECONDS", 0.1)
    with pytest.raises(DatabaseAway):
        write()


def away() -> DatabaseAway:
    return DatabaseAway(make_url("postgresql://host/name"), ConnectionRefusedError("refused"))
