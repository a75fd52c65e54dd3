"""The mark of a host: a database that was set back is noticed before anything of it is sent again."""

import multiprocessing
import re
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text

from campaigns import lineage, restoring
from campaigns.database import Database
from campaigns.lineage import Lineage
from campaigns.migrations import migrate
from campaigns.models import attempts
from campaigns.states import AttemptState
from tests.campaigns import making
from tests.campaigns.backups import Backup, backup, restore
from tests.worker.workshop import ScriptedGateway, Workshop, accepted
from worker import mark, sending
from worker.mark import Mark, Seen
from worker.sending import SET_BACK, send_slice
from worker.smseco.values import Receipt, Sending

A1, B2 = (Lineage(identity, 0, None, None, None, None) for identity in ("a1", "b2"))

DEAREST = 50e-6
"""Seconds of a processor that a batch may pay for its mark, on any machine: it is some 8 µs."""


@pytest.fixture
def kept(tmp_path: Path) -> Mark:
    return Mark(tmp_path / "spool", A1)


def test_a_new_mark_has_seen_nothing(kept: Mark) -> None:
    assert kept.seen() == Seen()


def test_it_rises_and_never_falls(kept: Mark, tmp_path: Path) -> None:
    for attempt_id in (7, 12, 9):
        kept.rise(attempt_id, f"m{attempt_id}")
    assert kept.seen() == Mark(tmp_path / "spool", A1).seen() == Seen(0, 12, "m12")
    assert Mark(tmp_path / "spool", B2).seen() == Seen()


def test_once_a_restored_backup_was_seen_to_it_counts_from_there(kept: Mark) -> None:
    kept.rise(12, "m12")
    kept.generation = 1
    assert kept.highest() == 0
    kept.rise(4, "m4")
    assert (kept.seen(), kept.highest()) == (Seen(1, 4, "m4"), 4)


def test_whatever_a_database_of_before_that_has_is_looked_at(kept: Mark) -> None:
    kept.generation = 1
    kept.rise(4, "m4")
    kept.generation = 0
    kept.rise(9, "m9")
    assert kept.seen() == Seen(1, 4, "m4")
    assert kept.highest() > 1_000_000_000


def test_one_that_is_damaged_has_seen_nothing_and_is_written_anew(kept: Mark, tmp_path: Path) -> None:
    mark.path(tmp_path / "spool", "a1").write_bytes(b"\0" * 72)
    assert kept.seen() == Seen()
    kept.rise(3, "m3")
    assert kept.seen() == Seen(0, 3, "m3")


def test_where_none_can_be_kept_that_is_said_and_nothing_is_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spool").write_text("a file where a folder should be")
    kept = Mark(tmp_path / "spool", A1)
    kept.rise(3, "m3")
    assert kept.seen() == Seen()
    assert "no mark is kept" in caplog.text


def _rise(folder: Path, first: int) -> None:
    kept = Mark(folder, A1)
    for attempt_id in range(first, 2_000, 2):
        kept.rise(attempt_id, f"m{attempt_id}")


def test_of_processes_that_rise_it_at_once_the_highest_stays(tmp_path: Path) -> None:
    processes = [multiprocessing.Process(target=_rise, args=(tmp_path, first)) for first in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert Mark(tmp_path, A1).seen() == Seen(0, 1_999, "m1999")


def test_a_batch_pays_some_microseconds_for_it(kept: Mark) -> None:

    def a_hundred(first: int) -> float:
        began = time.process_time()
        for attempt_id in range(first, first + 100):
            kept.highest()
            kept.rise(attempt_id, f"m{attempt_id}")
        return (time.process_time() - began) / 100

    assert min(a_hundred(first) for first in range(0, 2_000, 100)) < DEAREST  # the best of twenty looks


# What a worker makes of it.


@pytest.fixture
def gateway() -> ScriptedGateway:
    return ScriptedGateway()


@pytest.fixture
def host(any_database: Database, gateway: ScriptedGateway, tmp_path: Path) -> Workshop:
    """A worker on a host that keeps its mark."""
    lineage.read(any_database)  # it has its identity, as one that was migrated has
    return Workshop(any_database, gateway, spool_dir=tmp_path / "spool")


def gone_on(host: Workshop) -> tuple[int, Backup]:
    """A campaign of two batches, and the backup that was taken before either left."""
    made = making.funded(host.database, making.numbers(6), batch_size=3)
    kept = backup(host.database)
    while send_slice(host, "default", 1).more:
        pass
    return made, kept


def told(host: Workshop) -> str | None:
    """How the host can tell by its mark that the database was set back."""
    found = mark.behind(host.database, host.mark)
    return None if found is None else found.how


def anew(host: Workshop) -> Workshop:
    """Another process on the same host."""
    return Workshop(host.database, host.gateway("default"), spool_dir=host.settings.spool_dir)


@pytest.mark.parametrize("restarted", [False, True])
def test_nothing_of_a_restored_backup_is_sent(
    host: Workshop, gateway: ScriptedGateway, caplog: pytest.LogCaptureFixture, *, restarted: bool
) -> None:
    made, kept = gone_on(host)
    restore(host.database, kept)
    host = anew(host) if restarted else host

    assert send_slice(host, "default", 1).more is False

    assert len(gateway.sent) == 2
    its = lineage.read(host.database)
    assert its.set_back == mark.BEHIND.format(seen=2)
    assert "nothing is sent any more" in caplog.text
    assert making.account(host.database, made).by_status == {"pending": 6}
    assert send_slice(host, "default", 1).did == "nothing to send"


def test_what_was_claimed_when_it_is_noticed_in_the_middle_of_a_turn_is_given_back(
    host: Workshop, gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SLICE_SECONDS", 600.0)  # however long it takes to restore it
    made = making.funded(host.database, making.numbers(6), batch_size=3)
    kept = backup(host.database)

    def restored_meanwhile(asked: Sending) -> Receipt:
        restore(host.database, kept)
        return accepted(asked)

    gateway.answer = restored_meanwhile
    send_slice(host, "default", 1)

    assert len(gateway.sent) == 1
    assert lineage.read(host.database).set_back == mark.BEHIND.format(seen=1)
    assert making.account(host.database, made).by_status == {"pending": 6}
    with host.database.reading() as connection:
        given_back = connection.execute(select(attempts.c.state, attempts.c.detail)).all()
    assert given_back == [(AttemptState.NOT_SENT, SET_BACK)]


def test_it_is_noticed_though_another_host_has_sent_beyond_the_mark_since(
    host: Workshop, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    making.funded(host.database, making.numbers(3))
    kept = backup(host.database)
    send_slice(host, "default", 1)
    restore(host.database, kept)
    making.funded(host.database, making.numbers(6), batch_size=3)
    other = Workshop(host.database, gateway, spool_dir=tmp_path / "other")
    while send_slice(other, "default", 1).more:
        pass
    sent = len(gateway.sent)
    making.funded(host.database, making.numbers(3))

    send_slice(host, "default", 1)

    assert len(gateway.sent) == sent
    assert mark.look(host.database, host.settings.spool_dir) == mark.BEHIND.format(seen=1)


def test_a_standby_that_takes_over_without_the_last_requests_is_noticed_though_it_skips_their_ids(
    postgresql: Database, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    """PostgreSQL writes the numbers of a sequence down some thirty ahead."""
    lineage.read(postgresql)
    host = Workshop(postgresql, gateway, spool_dir=tmp_path / "spool")
    _, kept = gone_on(host)
    restore(postgresql, kept)
    with postgresql.transaction() as connection:
        connection.execute(text("SELECT setval(pg_get_serial_sequence('attempts', 'id'), 33)"))

    send_slice(host, "default", 1)

    assert len(gateway.sent) == 2
    assert lineage.read(postgresql).set_back == mark.BEHIND.format(seen=2)


def test_one_batch_that_left_since_is_noticed_though_its_number_is_given_out_again(
    host: Workshop, gateway: ScriptedGateway
) -> None:
    making.funded(host.database, making.numbers(3))
    kept = backup(host.database)
    send_slice(host, "default", 1)
    restore(host.database, kept)
    send_slice(host, "default", 1)
    assert len(gateway.sent) == 1


def test_lanes_that_claim_at_once_notice_it_each(host: Workshop, gateway: ScriptedGateway) -> None:
    """Another's claim is above the mark, and says nothing of what the backup knew."""
    made, kept = gone_on(host)
    restore(host.database, kept)
    highest = host.mark.highest()
    first, second = making.claimed(host.database, made), making.claimed(host.database, made)
    assert (first.attempt_id, second.attempt_id) == (1, highest)
    assert mark.behind(host.database, host.mark) is not None
    assert len(gateway.sent) == 2


def test_a_host_without_a_mark_cannot_tell(host: Workshop, gateway: ScriptedGateway, tmp_path: Path) -> None:
    """So a person must say it: this is what is not promised."""
    _, kept = gone_on(host)
    restore(host.database, kept)
    send_slice(Workshop(host.database, gateway, spool_dir=tmp_path / "other"), "default", 1)
    assert len(gateway.sent) == 4


def test_a_host_that_notices_it_stops_all_others(host: Workshop, gateway: ScriptedGateway, tmp_path: Path) -> None:
    _, kept = gone_on(host)
    restore(host.database, kept)
    assert mark.look(host.database, host.settings.spool_dir) == mark.BEHIND.format(seen=2)
    send_slice(Workshop(host.database, gateway, spool_dir=tmp_path / "other"), "default", 1)
    assert len(gateway.sent) == 2


def test_once_it_was_seen_to_the_host_sends_what_is_new(host: Workshop, gateway: ScriptedGateway) -> None:
    made, kept = gone_on(host)
    restore(host.database, kept)
    send_slice(host, "default", 1)

    restoring.carry_out(host.database)

    assert mark.behind(host.database, host.mark) is None
    making.funded(host.database, making.numbers(3))
    send_slice(host, "default", 1)
    assert (len(gateway.sent), host.mark.seen().generation) == (3, lineage.read(host.database).generation)
    assert making.account(host.database, made).by_status == {"in_doubt": 6}


def test_a_second_backup_is_noticed_as_the_first_was(host: Workshop, gateway: ScriptedGateway) -> None:
    _, kept = gone_on(host)
    restore(host.database, kept)
    send_slice(host, "default", 1)
    restoring.carry_out(host.database)
    making.funded(host.database, making.numbers(3))
    send_slice(host, "default", 1)

    restore(host.database, kept)

    assert told(host) == mark.OLDER
    assert send_slice(host, "default", 1).more is False
    assert send_slice(host, "default", 1).did == "nothing to send"
    assert len(gateway.sent) == 3


@pytest.mark.parametrize("noticed", [True, False])
def test_once_the_second_one_was_seen_to_the_host_sends_what_is_new(
    host: Workshop, gateway: ScriptedGateway, *, noticed: bool
) -> None:
    """Though what it has sent since the first one is in the second one no more than in the first."""
    _, kept = gone_on(host)
    for _ in range(2):
        restore(host.database, kept)
        if noticed:
            send_slice(host, "default", 1)
        restoring.carry_out(host.database)
        sent = len(gateway.sent)
        making.funded(host.database, making.numbers(3))
        send_slice(host, "default", 1)
        assert len(gateway.sent) == sent + 1


def test_the_next_generation_is_above_any_that_a_host_has_seen_whatever_the_clock_says(
    host: Workshop, gateway: ScriptedGateway
) -> None:
    """The clock was a year ahead when the first backup was seen to."""
    _, kept = gone_on(host)
    a_year_ahead = lineage.next_generation(host.database, lineage.read(host.database)) + 31_536_000_000
    host.mark.generation = a_year_ahead
    host.mark.rise(3, "m3")
    restore(host.database, kept)
    send_slice(anew(host), "default", 1)

    restoring.carry_out(host.database)

    assert lineage.read(host.database).generation == a_year_ahead + 1
    assert told(host) is None


def test_who_is_late_to_notice_what_was_seen_to_stops_nobody(
    host: Workshop, gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, kept = gone_on(host)
    restore(host.database, kept)
    found = mark.behind(host.database, host.mark)
    restoring.carry_out(host.database)
    monkeypatch.setattr(mark, "behind", lambda *_: found)  # as it was just before

    assert mark.look(host.database, host.settings.spool_dir) == mark.BEHIND.format(seen=2)

    assert lineage.read(host.database).set_back_at is None


def test_a_worker_that_starts_where_all_is_well_notices_nothing(host: Workshop) -> None:
    gone_on(host)
    assert mark.look(host.database, host.settings.spool_dir) is None
    assert lineage.read(host.database).set_back_at is None


def test_another_database_has_another_mark(host: Workshop, empty_sqlite_url: str) -> None:
    gone_on(host)
    other = Database(empty_sqlite_url)
    migrate(other)
    assert mark.look(other, host.settings.spool_dir) is None
    other.close()


PAGE = (Path(__file__).parents[2] / "docs" / "backup.md").read_text(encoding="utf-8")


def test_out_of_an_alarm_that_a_copy_with_the_same_folder_raised_there_is_the_way_of_the_page(
    host: Workshop, gateway: ScriptedGateway, empty_sqlite_url: str
) -> None:
    made = making.funded(host.database, making.numbers(6), batch_size=3)
    copy = Database(empty_sqlite_url)
    migrate(copy)
    restore(copy, backup(host.database))
    send_slice(Workshop(copy, ScriptedGateway(), spool_dir=host.settings.spool_dir), "default", 1)
    copy.close()
    assert send_slice(host, "default", 1).more is False
    assert lineage.read(host.database).set_back is not None

    steps = PAGE.split("### If none was restored")[1].split("\n## ")[0]
    (pattern,) = re.findall(r'rm "\$SPOOL_DIR"/(\S+)', steps)
    (statement,) = re.findall(r"```sql\s+(.*?);", steps)
    (its,) = host.settings.spool_dir.glob(pattern)
    its.unlink()
    making.change(host.database, text(statement))

    assert mark.look(host.database, host.settings.spool_dir) is None
    worker = anew(host)
    while send_slice(worker, "default", 1).more:
        pass
    assert len(gateway.sent) == 2
    assert making.account(host.database, made).by_status == {"in_flight": 6}
