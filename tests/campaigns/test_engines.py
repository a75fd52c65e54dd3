"""Connections that are kept are found out when they were cut; a file is opened where a folder is, or may be made."""

import sqlite3
from contextlib import nullcontext
from pathlib import Path
from threading import Timer
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select, text

from campaigns import engines
from campaigns.database import Database
from campaigns.outages import DatabaseAway, NotMigratedError


@pytest.mark.parametrize(
    ("rested", "notices"), [(0.0, False), (60.0, True)], ids=["rested long: asked first", "just used: not asked"]
)
def test_a_kept_connection_that_was_cut_is_found_out_before_it_is_used_if_it_has_rested(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch, rested: float, notices: bool
) -> None:
    monkeypatch.setattr(engines, "RESTED_SECONDS", rested)
    with postgresql.reading() as kept:
        process = kept.scalar(select(func.pg_backend_pid()))
    with psycopg.connect(postgresql.url.render_as_string(hide_password=False)) as killer:
        killer.execute("SELECT pg_terminate_backend(%s, 5000)", (process,))
    with pytest.raises(DatabaseAway) if notices else nullcontext():
        assert postgresql.clock()


def test_a_transaction_that_nobody_goes_on_with_is_ended_by_the_server(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "IDLE_IN_TRANSACTION", "100ms")
    stopped, other = (Database(postgresql.url.render_as_string(hide_password=False)) for _ in range(2))
    with stopped.engine.connect() as connection:
        connection.execute(text("INSERT INTO accounts (name) VALUES ('locked')"))
        with other.transaction() as waiting:
            waiting.execute(text("SET LOCAL lock_timeout = '10s'"))
            waiting.execute(text("INSERT INTO accounts (name) VALUES ('locked')"))
        with pytest.raises(DatabaseAway):
            connection.execute(text("SELECT 1"))
        connection.invalidate()
    stopped.close()
    other.close()


def test_a_sqlite_file_and_the_folder_of_a_relative_path_are_made_where_they_are_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database("sqlite:///not/yet/there.db")
    database.make()
    assert database.clock().tzinfo is not None
    database.close()
    assert (tmp_path / "not" / "yet" / "there.db").exists()


def test_whoever_only_looks_makes_no_file_and_is_told_which_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database("sqlite:///var/campaigns.db")
    with pytest.raises(NotMigratedError, match=f"no file {tmp_path}/var/campaigns.db: run `campaigns migrate`"):
        database.clock()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_elsewhere_that_is_mistyped_or_not_mounted_is_not_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/not/yet/there.db")
    with pytest.raises(DatabaseAway, match=r"there is no folder .*/not/yet\): .* what DATABASE_URL says"):
        database.make()
    assert list(tmp_path.iterdir()) == []


def test_two_who_open_a_new_file_at_once_wait_for_each_other(tmp_path: Any) -> None:
    path = tmp_path / "new.db"
    held = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    held.execute("BEGIN EXCLUSIVE")
    database = Database(f"sqlite:///{path}")
    Timer(0.3, held.rollback).start()
    assert database.clock().tzinfo is not None
    database.close()
    held.close()


def test_whoever_is_told_at_once_that_a_sqlite_file_is_locked_asks_again() -> None:
    said: list[Exception] = [sqlite3.OperationalError("database is locked")] * 2

    def begin() -> None:
        if said:
            raise said.pop()

    engines._patiently(begin)
    said.append(sqlite3.OperationalError("disk I/O error"))
    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
        engines._patiently(begin)
