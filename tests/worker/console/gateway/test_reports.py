"""`campaigns gateway reports`: what is handed out once is kept before it is shown, and no worker reads beside it."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import campaigns
from campaigns import bells
from campaigns import journal as readings
from campaigns.database import Database, DatabaseAway
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.servers.waiting import eventually
from tests.worker.console.gateway.conftest import NUMBERS, READ, asked, polls, sent
from tests.worker.terminal import PROGRAM, forget, run
from worker import keeping, spool
from worker.console.gateway import journal
from worker.sandbox.server import RunningSandbox
from worker.smseco import Gateway, Unreachable, parse_reports


@pytest.fixture
def kept_in(
    any_database: Database, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningSandbox]:
    """The sandbox, as an account of the settings that name a database, of each kind in turn."""
    monkeypatch.setenv("DATABASE_URL", any_database.url.render_as_string(hide_password=False))
    forget()
    yield account
    forget()


def test_reports_are_kept_as_they_came_applied_and_shown_in_each_form(
    kept_in: RunningSandbox, any_database: Database, form: str
) -> None:
    found = making.accepted(any_database, making.funded(any_database, NUMBERS), sent())
    result = run(*READ, "--form", form, "--json")
    assert result.exit_code == 0, result.stderr
    shown = json.loads(result.stdout)
    assert sorted(zip(shown["destinations"], shown["codes"], strict=True)) == [
        (str(NUMBERS[0]), 56),
        (str(NUMBERS[1]), 59),
    ]
    assert (shown["truncated"], shown["kept"], shown["changed"]) == (False, True, 2)
    assert shown["campaigns"] == [found.campaign_id]
    assert sorted(making.statuses(any_database, found.campaign_id)) == sorted(
        [MessageStatus.DELIVERED, MessageStatus.UNDELIVERED]
    )
    ((state, body),) = polls(any_database)
    assert (state, sorted(parse_reports(body).codes)) == ("applied", [56, 59])


def test_a_second_reading_brings_nothing_and_leaves_nothing(by_file: RunningSandbox, sqlite: Database) -> None:
    sent()
    run(*READ)
    again = run(*READ, "--json")
    assert (again.exit_code, json.loads(again.stdout)["codes"]) == (0, [])
    assert len(polls(sqlite)) == 1


def test_a_person_sees_whose_reports_came_and_what_they_mean(by_file: RunningSandbox) -> None:
    msgfid = sent()
    result = run(*READ)
    assert result.exit_code == 0, result.stderr
    for said in (str(NUMBERS[0]), "56  delivered", "59  undelivered", " UTC  ", msgfid):
        assert said in result.stdout
    assert "2 reports" in result.stderr
    assert "kept in the journal and applied: 0 messages changed of 0 campaigns" in result.stderr
    assert not any(str(number) in result.stderr for number in NUMBERS)


def test_one_sending_or_one_sms_can_be_asked_for(by_file: RunningSandbox) -> None:
    first, second = sent(), sent()
    (smsfid, _) = (line["smsfid"] for line in by_file.ledger(msgfid=second))
    only = json.loads(run(*READ, "--smsfid", smsfid, "--json").stdout)
    assert only["smsfids"] == [smsfid]
    assert set(json.loads(run(*READ, "--msgfid", first, "--json").stdout)["msgfids"]) == {first}
    assert len(json.loads(run(*READ, "--json").stdout)["codes"]) == 1


def test_what_arrived_of_a_broken_reply_is_kept_and_shown_and_the_trouble_is_told(
    by_file: RunningSandbox, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent()
    whole = Gateway.fetch_reports

    def cut(gateway: Gateway, *which: str | None) -> bytes:
        body = whole(gateway, *which)
        raise Unreachable("cut short", partial=body[: body.index(b"</dlr>") + 8])

    monkeypatch.setattr(Gateway, "fetch_reports", cut)
    result = run(*READ, "--json")
    assert result.exit_code == 1
    assert "cut short" in result.stderr
    shown = json.loads(result.stdout)
    assert (len(shown["codes"]), shown["truncated"]) == (1, True)
    assert len(polls(sqlite)) == 1


def test_a_refusal_is_told_and_leaves_nothing(
    by_file: RunningSandbox, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCOUNTS__DEFAULT__PASSWORD", "wr0ng")
    told = json.loads(os.environ["ACCOUNTS"])
    del told["default"]["password"]
    monkeypatch.setenv("ACCOUNTS", json.dumps(told))
    forget()
    result = run(*READ)
    assert result.exit_code == 1
    assert "-4 authentication failed" in result.stderr
    assert "nothing to keep: 0 messages changed" in result.stderr
    assert polls(sqlite) == []
    assert is_silent(sqlite)


def test_ctrl_c_while_the_gateway_hands_them_out_loses_none(by_file: RunningSandbox, sqlite: Database) -> None:
    sent()
    by_file.fault("latency", operation="reports", seconds=5)
    process = subprocess.Popen(
        [*PROGRAM, *READ], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    assert eventually(lambda: asked(by_file) == 1, within=120)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (130, "")
    assert "stopping as soon as what the gateway hands out now is kept" in errors
    assert "Traceback" not in errors
    ((state, body),) = polls(sqlite)
    assert (state, len(parse_reports(body))) == ("stored", 2)
    assert is_silent(sqlite)


# Beside the workers


def is_silent(database: Database) -> bool:
    """Whether a worker's task would be rung for now."""
    return bells.ring(database, bells.poll("default"), lambda *_: None)


def worker_reads(database: Database) -> int:
    """A worker has taken the reading up; returns its serial."""
    rung: list[int] = []
    assert bells.ring(database, bells.poll("default"), lambda _bell, serial, _after: rung.append(serial))
    serial = bells.answer(database, bells.poll("default"), rung[0], seconds=60)
    assert serial is not None
    return serial


def test_no_worker_is_rung_while_a_person_reads_and_one_is_afterwards(
    kept_in: RunningSandbox, any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def fetch(*_: object) -> bytes:
        seen.append(is_silent(any_database))
        return b"<REPONSE><statut>-15</statut></REPONSE>"

    monkeypatch.setattr(Gateway, "fetch_reports", fetch)
    assert run(*READ).exit_code == 0
    assert seen == [False]
    assert is_silent(any_database)


def test_while_a_worker_reads_nothing_is_asked_for_and_it_says_so(
    kept_in: RunningSandbox, any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "PATIENCE", 0.0)
    worker_reads(any_database)
    result = run(*READ)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "a worker is reading these reports just now, and nothing was asked for" in result.stderr
    assert asked(kept_in) == 0
    assert not is_silent(any_database)


def test_a_worker_that_is_done_in_time_is_waited_for(
    kept_in: RunningSandbox, any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = worker_reads(any_database)
    waited: list[float] = []

    def worker_is_done(seconds: float) -> None:
        waited.append(seconds)
        bells.quiet(any_database, bells.poll("default"), serial)

    monkeypatch.setattr(journal, "sleep", worker_is_done)
    sent()
    result = run(*READ, "--json")
    assert result.exit_code == 0, result.stderr
    assert "waiting for it" in result.stderr
    assert len(waited) == 1
    assert len(json.loads(result.stdout)["codes"]) == 2


def test_a_damaged_reply_is_in_the_journal_and_no_success(by_file: RunningSandbox, sqlite: Database) -> None:
    sent()
    by_file.fault("cut_short", operation="reports")
    result = run(*READ, "--json")
    assert result.exit_code == 1
    assert "the reply is damaged\nWhat there is of it is in the journal, as it came" in result.stderr
    assert json.loads(result.stdout)["truncated"] is True
    assert len(polls(sqlite)) == 1


def test_a_page_instead_of_reports_is_in_the_journal_and_no_success(by_file: RunningSandbox, sqlite: Database) -> None:
    sent()
    by_file.fault("html_page", operation="reports")
    result = run(*READ)
    assert result.exit_code == 1
    assert result.stderr.count("handed out once") == 1
    assert "What there is of it is in the journal, as it came" in result.stderr
    assert len(polls(sqlite)) == 1


def test_where_an_sms_is_reported_once_all_are_asked_for_only_by_consent(
    by_file: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLL_MIN_AGE", "60")
    forget()
    msgfid = sent()
    refused = run(*READ)
    assert (refused.exit_code, asked(by_file)) == (1, 0)
    assert "POLL_MIN_AGE" in refused.stderr
    assert len(json.loads(run(*READ, "--msgfid", msgfid, "--json").stdout)["codes"]) == 2


def test_an_id_that_cannot_be_asked_for_is_written_wrongly(by_file: RunningSandbox, sqlite: Database) -> None:
    assert run(*READ, "--msgfid", "\x00").exit_code == 2
    assert run(*READ, "--form", "get", "--msgfid", "x" * 10_000).exit_code == 2
    assert polls(sqlite) == []
    assert campaigns.listing(database=sqlite) == []


def test_what_a_person_read_just_when_the_database_went_away_is_in_a_file_and_stored_by_the_next_reading(
    by_file: RunningSandbox, sqlite: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del by_file
    sent()

    def away(*_args: object, **_options: object) -> int:
        raise DatabaseAway(sqlite.url, OSError("gone"))

    with monkeypatch.context() as outage:
        outage.setattr(keeping, "PATIENCE_SECONDS", 0.0)
        outage.setattr(readings, "store", away)
        failed = run(*READ)
    waiting = spool.files(tmp_path / "var" / "spool")
    run(*READ)

    assert (failed.exit_code, len(waiting)) == (1, 1)
    assert [state for state, _ in polls(sqlite)] == ["applied"]
    assert spool.files(tmp_path / "var" / "spool") == []
