"""Bytes that have arrived are stored once, whatever becomes of the database and of whoever read them."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import delete, make_url, select, update

from campaigns import engines, journal
from campaigns.database import Database, DatabaseAway
from campaigns.migrations import migrate
from campaigns.models import report_polls
from campaigns.outages import PASSING
from campaigns.states import PollState
from tests.campaigns.making import ACCOUNT, at_once, change, clock_goes_on
from tests.servers.postgres import postgres
from tests.servers.waiting import eventually
from worker import keeping, spool
from worker.spool import Arrived

BODY = b"<REPONSE>2250700000000</REPONSE>"

Outage = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(keeping, "LONG_SECONDS", 60.0)  # a machine that does something else for a second is no reason
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.05)


@pytest.fixture
def outage(any_database: Database, any_database_url: str) -> Outage:
    """The database does not take anything meanwhile: PostgreSQL lets nobody in, SQLite is locked."""

    @contextlib.contextmanager
    def locked() -> Iterator[None]:
        with contextlib.closing(sqlite3.connect(str(any_database.url.database), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield

    @contextlib.contextmanager
    def shut() -> Iterator[None]:
        name = any_database.url.database
        server = make_url(any_database_url).set(drivername="postgresql", database="postgres")
        with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as other:
            other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
            try:
                other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
                yield
            finally:
                other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())

    return locked if any_database.is_sqlite else shut


def arrived(poll_id: int, *, body: bytes = BODY, account: str = ACCOUNT, at: float | None = None) -> Arrived:
    return Arrived(account, poll_id, body, None, cut=False, at=time.time() if at is None else at)


def polls(database: Database) -> list[tuple[int, str, bytes | None]]:
    with database.reading() as connection:
        ids = connection.execute(select(report_polls.c.id, report_polls.c.state).order_by(report_polls.c.id)).all()
    bare = (PollState.ASKED, PollState.LOST)
    return [(row.id, row.state, None if row.state in bare else journal.body(database, row.id)) for row in ids]


def taken(database: Database, folder: Path) -> int:
    return keeping.take_in(database, folder, [ACCOUNT])


def test_what_the_database_takes_needs_no_file(any_database: Database, folder: Path) -> None:
    poll = journal.note(any_database, ACCOUNT)

    assert keeping.keep(any_database, folder, arrived(poll)) == poll

    assert polls(any_database) == [(poll, "stored", BODY)]
    assert not folder.exists()


def test_what_comes_while_the_database_is_away_waits_in_a_file_until_it_is_back(
    any_database: Database, folder: Path, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    poll = journal.note(any_database, ACCOUNT)
    with outage():
        with pytest.raises(PASSING):
            keeping.keep(any_database, folder, arrived(poll))
        with pytest.raises(PASSING):
            taken(any_database, folder)
    waiting = spool.files(folder)
    while_away = polls(any_database)

    assert taken(any_database, folder) == 1

    assert len(waiting) == 1
    assert while_away == [(poll, "asked", None)]
    assert polls(any_database) == [(poll, "stored", BODY)]
    assert spool.files(folder) == []
    assert "22507" not in caplog.text


def test_a_short_outage_ends_without_a_file(
    any_database: Database, folder: Path, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PATIENCE_SECONDS", 30.0)
    poll = journal.note(any_database, ACCOUNT)
    with contextlib.ExitStack() as away:
        away.enter_context(outage())
        kept = threading.Thread(target=keeping.keep, args=(any_database, folder, arrived(poll)))
        kept.start()
        assert eventually(lambda: spool.files(folder) != [])
    kept.join(60)

    assert polls(any_database) == [(poll, "stored", BODY)]
    assert spool.files(folder) == []


def test_where_no_file_fits_either_it_insists_on_the_database(
    any_database: Database, tmp_path: Path, outage: Outage
) -> None:
    (tmp_path / "full").touch()
    poll = journal.note(any_database, ACCOUNT)
    with outage():
        kept = threading.Thread(target=keeping.keep, args=(any_database, tmp_path / "full" / "spool", arrived(poll)))
        kept.start()
        kept.join(0.3)
        insists = kept.is_alive()
    kept.join(60)

    assert insists
    assert polls(any_database) == [(poll, "stored", BODY)]


def test_a_body_whose_storing_takes_long_is_in_a_file_meanwhile(
    any_database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll, really = journal.note(any_database, ACCOUNT), journal.store
    monkeypatch.setattr(keeping, "LONG_SECONDS", 0.01)

    def slowly(*args: Any, **options: Any) -> int:
        assert eventually(lambda: spool.files(folder) != [])
        return really(*args, **options)

    monkeypatch.setattr(journal, "store", slowly)
    keeping.keep(any_database, folder, arrived(poll))

    assert polls(any_database) == [(poll, "stored", BODY)]
    assert spool.files(folder) == []


def test_whatever_breaks_while_it_is_stored_it_is_in_a_file(
    any_database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = journal.note(any_database, ACCOUNT)
    with monkeypatch.context() as broken:
        broken.setattr(journal, "store", lambda *_args, **_options: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            keeping.keep(any_database, folder, arrived(poll))

    assert taken(any_database, folder) == 1
    assert polls(any_database) == [(poll, "stored", BODY)]


def test_two_who_take_a_file_in_at_once_store_it_once(
    any_database: Database, any_database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 30)
    patient = Database(any_database_url)
    gone = journal.note(any_database, ACCOUNT)
    change(any_database, delete(report_polls))
    for _ in range(3):
        spool.write(folder, arrived(gone))

    found = at_once(*[lambda: taken(patient, folder)] * 4)
    patient.close()

    assert sum(found) == 3
    assert [body for _, _, body in polls(any_database)] == [BODY]


def test_one_that_was_stored_before_its_reader_died_is_stored_once(any_database: Database, folder: Path) -> None:
    poll = journal.note(any_database, ACCOUNT)
    spool.write(folder, arrived(poll))
    journal.store(any_database, ACCOUNT, poll, BODY)
    change(any_database, update(report_polls).values(state=PollState.APPLIED))

    assert taken(any_database, folder) == 1

    assert polls(any_database) == [(poll, "applied", BODY)]
    assert spool.files(folder) == []


def test_a_reading_that_was_given_up_meanwhile_is_none_that_was_lost(any_database: Database, folder: Path) -> None:
    poll = journal.note(any_database, ACCOUNT)
    spool.write(folder, arrived(poll))
    journal.lose(any_database, poll)

    taken(any_database, folder)

    assert polls(any_database) == [(poll, "stored", BODY)]


@pytest.mark.parametrize("whose", [ACCOUNT, "other"])
def test_a_number_that_is_another_readings_by_now_costs_nobody_a_byte(
    any_database: Database, folder: Path, whose: str
) -> None:
    poll = journal.note(any_database, whose)
    spool.write(folder, arrived(poll))
    journal.store(any_database, whose, poll, b"another body")

    for _ in range(2):
        taken(any_database, folder)
        spool.write(folder, arrived(poll))

    assert sorted(body or b"" for _, _, body in polls(any_database)) == [BODY, b"another body"]


def test_a_body_counts_from_when_it_came_and_not_from_when_it_was_stored(any_database: Database, folder: Path) -> None:
    early, late = (journal.note(any_database, ACCOUNT) for _ in range(2))
    clock_goes_on(any_database, 1_000, report_polls.c.asked_at)
    spool.write(folder, arrived(early, at=time.time() - 500))
    spool.write(folder, arrived(late, body=b"other", at=time.time() - 5_000))  # this host's clock was set since

    taken(any_database, folder)

    with any_database.reading() as connection:
        p = report_polls.c
        came = dict(connection.execute(select(p.id, p.stored_at)).all())
        asked = dict(connection.execute(select(p.id, p.asked_at)).all())
    assert abs((any_database.clock() - came[early]).total_seconds() - 500) < 60
    assert came[late] == asked[late]


def test_files_of_accounts_that_are_not_ours_stay_and_are_named(
    any_database: Database, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool.write(folder, arrived(1, account="former"))
    caplog.clear()

    assert [taken(any_database, folder) for _ in range(2)] == [0, 0]

    assert caplog.text.count("is of the account 'former', which the settings of this host do not have") == 1
    assert [each.account for each in spool.waiting(folder)] == ["former"]


def test_a_file_that_cannot_be_stored_keeps_no_other_waiting(any_database: Database, folder: Path) -> None:
    poll = journal.note(any_database, ACCOUNT)
    spool.write(folder, Arrived(ACCOUNT, 1 << 200, b"bad", None, cut=False, at=time.time()))
    spool.write(folder, arrived(poll))

    assert taken(any_database, folder) == 1

    assert polls(any_database) == [(poll, "stored", BODY)]
    assert len(spool.files(folder)) == 1


def test_a_server_that_is_stopped_and_restored_without_the_reading_gets_its_body(folder: Path) -> None:
    with postgres() as url:
        database = Database(url)
        migrate(database)
        poll = journal.note(database, ACCOUNT)
    with pytest.raises(DatabaseAway):  # it is really gone
        keeping.keep(database, folder, arrived(poll))
    database.close()

    with postgres() as url:
        restored = Database(url)
        migrate(restored)
        stored = taken(restored, folder)
        found = [body for _, _, body in polls(restored)]
        restored.close()

    assert (stored, found) == (1, [BODY])
