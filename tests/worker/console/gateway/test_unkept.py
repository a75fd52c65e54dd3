"""`campaigns gateway reports` without a journal: asked about, shown, and left in a file if it cannot be read."""

import json
import subprocess
from pathlib import Path

import pytest

from campaigns.database import Database
from tests.worker.console.gateway.conftest import NUMBERS, READ, asked, polls, sent
from tests.worker.terminal import PROGRAM, forget, run
from worker.console.gateway import unkept
from worker.sandbox.server import RunningSandbox
from worker.smseco import Gateway, parse_reports


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
            [*PROGRAM, *READ, "--yes"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    assert done.returncode == 1
    (left,) = tmp_path.iterdir()
    assert len(parse_reports(left.read_bytes())) == 2
