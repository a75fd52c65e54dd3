"""`campaigns gateway reports`: what is handed out once is kept before it is shown, and no worker reads beside it."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

import campaigns
from campaigns import bells, reports
from campaigns.database import Database
from campaigns.models import report_polls
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.servers.waiting import eventually
from tests.worker.terminal import PROGRAM, forget, run
from worker.console import consent
from worker.console.gateway import journal, unkept
from worker.sandbox.server import RunningSandbox
from worker.smseco import Gateway, Unreachable, parse_reports

NUMBERS = [2250709999956, 2250719999959]
READ = ("gateway", "reports")


@pytest.fixture
def kept_in(
    any_database: Database, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningSandbox]:
    """The sandbox, as an account of the settings that name a database, of each kind in turn."""
    monkeypatch.setenv("DATABASE_URL", any_database.url.render_as_string(hide_password=False))
    forget()
    yield account
    forget()


@pytest.fixture
def by_file(sqlite: Database, account: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> RunningSandbox:
    """The same with SQLite alone."""
    monkeypatch.setenv("DATABASE_URL", sqlite.url.render_as_string())
    forget()
    return account


def sent() -> str:
    """Texts to both numbers; returns the gateway's id of the sending."""
    result = run("gateway", "send", "--text", "Bonjour", "--yes", "--json", *map(str, NUMBERS))
    assert result.exit_code == 0, result.stderr
    msgfid: str = json.loads(result.stdout)["msgfid"]
    return msgfid


def polls(database: Database) -> list[tuple[str, bytes]]:
    with database.reading() as connection:
        found = connection.execute(select(report_polls.c.id, report_polls.c.state).order_by(report_polls.c.id)).all()
    return [(poll.state, b"" if poll.state == "asked" else reports.body(database, poll.id)) for poll in found]


def asked(sandbox: RunningSandbox) -> int:
    return int(sandbox.summary()["requests"].get("reports", 0))


# Into the journal


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
    by_file.fault("latency", operation="reports", seconds=2)
    process = subprocess.Popen(
        [*PROGRAM, *READ], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    assert eventually(lambda: asked(by_file) == 1, within=30)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
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


# Kept nowhere


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "somebody_is_there", lambda: True)


def test_without_a_database_it_asks_and_makes_none(account: RunningSandbox, somebody: None, tmp_path: Path) -> None:
    sent()
    refused = run(*READ, stdin="n\n")
    assert (refused.exit_code, asked(account)) == (1, 0)
    assert "there is no database" in refused.stderr
    assert "hands each of them out this once" in refused.stderr
    agreed = run(*READ, stdin="y\n")
    assert agreed.exit_code == 0, agreed.stderr
    assert str(NUMBERS[0]) in agreed.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_not_migrated_has_no_journal(
    account: RunningSandbox, empty_sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(empty_sqlite_url.removeprefix("sqlite:///")).touch()
    monkeypatch.setenv("DATABASE_URL", empty_sqlite_url)
    forget()
    result = run(*READ)
    assert (result.exit_code, asked(account)) == (1, 0)
    assert "run `campaigns migrate`" in result.stderr
    assert "--yes agrees" in result.stderr


def test_a_database_that_is_away_may_come_back_so_nothing_is_read_past_it(
    account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:s3cret@127.0.0.1:9/campaigns")
    forget()
    result = run(*READ, "--yes")
    assert (result.exit_code, asked(account)) == (1, 0)
    assert "127.0.0.1:9/campaigns is away" in result.stderr


@pytest.mark.parametrize("how", ["--no-journal", "--url"])
def test_past_the_journal_it_is_asked_for_in_each_form(
    by_file: RunningSandbox, sqlite: Database, form: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMSECO_PASSWORD", "s3cret")
    sent()
    words = [how] if how == "--no-journal" else [how, by_file.url, "--login", "toto@example.com"]
    assert run(*READ, *words).exit_code == 1
    result = run(*READ, *words, "--form", form, "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    shown = json.loads(result.stdout)
    assert (sorted(shown["codes"]), shown["kept"]) == ([56, 59], False)
    assert polls(sqlite) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>2250709999956 \x1b[2J</html>", "not the gateway's answer"),
        (b"<REPONSE><statut>0</statut><new><smsfid>s-1</smsfid></new></REPONSE>", "in a way that is not known"),
        (b"<REPONSE><statut>0</statut><messages><message><dlrs><dlr><smsfid>s", "the reply is damaged"),
    ],
    ids=["no answer", "no report that we know", "damaged"],
)
@pytest.mark.parametrize("as_json", [["--json"], []], ids=["json", "table"])
def test_a_body_that_cannot_be_read_whole_is_left_in_a_private_file(
    account: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: bytes, said: str, as_json: list[str]
) -> None:
    monkeypatch.setattr(Gateway, "fetch_reports", lambda *_, **__: body)
    result = run(*READ, "--yes", *as_json)
    (left,) = tmp_path.iterdir()
    assert (left.read_bytes(), left.stat().st_mode & 0o777) == (body, 0o600)
    assert result.exit_code == 1
    assert f"for you alone: {left}" in result.stderr
    assert said in result.stderr
    assert "0 of its reports could be read. Reports are handed out once" in result.stderr
    assert str(NUMBERS[0]) not in result.stderr
    if as_json:
        assert json.loads(result.stdout)["left_in"] == str(left)


def test_a_body_for_which_no_folder_has_room_is_shown(account: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError

    monkeypatch.setattr(unkept, "mkstemp", full)
    monkeypatch.setattr(Gateway, "fetch_reports", lambda *_, **__: b"<html>hello\x1b[2J")
    result = run(*READ, "--yes")
    assert result.exit_code == 1
    assert "<html>hello�[2J" in result.stderr


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("fault", ["cut_short", "reset", "http_500", "html_page"])
def test_what_a_bad_day_leaves_of_the_reports_is_shown_or_in_the_file(
    account: RunningSandbox, tmp_path: Path, fault: str, form: str
) -> None:
    sent()
    account.fault(fault, operation="reports")
    result = run(*READ, "--yes", "--form", form, "--json")
    assert result.exit_code == 1
    (left,) = tmp_path.iterdir()
    shown = json.loads(result.stdout)
    assert (shown["kept"], shown["left_in"]) == (False, str(left))
    assert "Reports are handed out once: what it had to hand out may be gone." in result.stderr
    assert len(result.stderr) < 1_000


@pytest.mark.parametrize("kept", [True, False], ids=["journal", "none"])
def test_a_reply_that_never_came_may_have_taken_reports_with_it(
    by_file: RunningSandbox, tmp_path: Path, kept: bool
) -> None:
    sent()
    by_file.fault("drop_reply", operation="reports")
    result = run(*READ, "--yes", *([] if kept else ["--no-journal"]))
    assert result.exit_code == 1
    assert "closed without a reply" in result.stderr
    assert "Reports are handed out once: what it had to hand out may be gone." in result.stderr
    assert {path for path in tmp_path.iterdir() if path.suffix == ".reply"} == set()


def test_where_nothing_was_asked_for_nothing_is_lost(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSECO_PASSWORD", "x")
    result = run(*READ, "--url", "http://127.0.0.1:9", "--login", "x", "--yes")
    assert result.exit_code == 1
    assert "does not answer (connection refused)" in result.stderr
    assert "may be gone" not in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_reports_that_cannot_be_shown_are_left_in_a_file(account: RunningSandbox, tmp_path: Path) -> None:
    sent()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *READ, "--yes"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    (left,) = tmp_path.iterdir()
    assert len(parse_reports(left.read_bytes())) == 2


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
