"""`campaigns reports`: the account of the journal, and the reports of other programs, which nobody else can have."""

import csv
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from campaigns import journal, reports, settling, unapplied
from campaigns.database import Database
from campaigns.models import report_polls
from campaigns.phone import masked
from tests.campaigns import making
from tests.worker.terminal import forget, run
from worker import spool
from worker.smseco.reports import parse_reports
from worker.spool import Arrived
from worker.tracking import STATUSES

NUMBER = "2250709080706"


@pytest.fixture
def database(
    any_database: Database, any_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Database]:
    monkeypatch.chdir(tmp_path)  # away from any .env
    monkeypatch.setenv("DATABASE_URL", any_database_url)
    monkeypatch.delenv("ACCOUNTS", raising=False)
    forget()
    yield any_database
    forget()


def body(*found: tuple[str, str, int]) -> bytes:
    """Reports: msgfid, number, code."""
    messages = "".join(
        f"<message><msgfid>{msgfid}</msgfid><dlrs><dlr><smsfid>=s</smsfid><destination>{number}</destination>"
        f"<date>2026-01-01 00:00:00</date><statut>{code}</statut></dlr></dlrs></message>"
        for msgfid, number, code in found
    )
    return f"<REPONSE><statut>0</statut><messages>{messages}</messages></REPONSE>".encode()


def read(database: Database, raw: bytes, *, account: str = making.ACCOUNT, cut: bool = False) -> int:
    poll = journal.note(database, account)
    journal.store(database, account, poll, raw, cut=cut)
    batch = parse_reports(raw)
    statuses = [STATUSES[code] for code in batch.codes]
    reports.apply(database, poll, reports.Reports(batch.msgfids, batch.smsfids, batch.destinations, statuses))
    return poll


def shown(*words: str) -> Any:
    result = run("reports", *words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def account_of(database: Database, account: str = making.ACCOUNT) -> dict[str, Any]:
    del database
    [found] = [its for its in shown()["accounts"] if its["account"] == account]
    return dict(found)


def test_nothing_read_is_said(database: Database) -> None:
    del database
    assert run("reports").stdout == "no delivery reports have been asked for yet\n"
    assert shown() == {"accounts": [], "spool": None}


def test_what_is_known_of_each_body_is_counted_once(database: Database) -> None:
    known = making.accepted(database, making.funded(database, making.numbers(1)), "ours")
    read(database, body(("ours", str(known.payload.numbers[0]), 56)))
    read(database, body(("foreign", NUMBER, 56), ("foreign-2", NUMBER, 56)))
    read(database, body(("foreign", NUMBER, 56)))
    doubt = making.claimed(database, making.funded(database, making.numbers(1, first=making.FIRST + 10)))
    settling.doubt(database, doubt, "timed out")
    read(database, body(("whose", NUMBER, 56)))
    making.stored(database)
    journal.note(database, making.ACCOUNT)

    its = account_of(database)

    assert {name: its[name] for name in ("readings", "reports", "asking", "unapplied", "parked", "broken", "gaps")} == {
        "readings": 5,
        "reports": 5,
        "asking": 1,
        "unapplied": 1,
        "parked": 1,
        "broken": 0,
        "gaps": 0,
    }
    assert (its["foreign"], its["foreign_readings"], its["parked_for"]) == (2, 2, [doubt.campaign_id])


def test_gaps_are_what_never_came_what_was_cut_and_what_nobody_answered_for_long(database: Database) -> None:
    journal.lose(database, journal.note(database, making.ACCOUNT))
    read(database, body(("foreign", NUMBER, 56)), cut=True)
    died = journal.note(database, making.ACCOUNT, "f1")
    long_ago = making._earlier(database, report_polls.c.asked_at, unapplied.ASKED_SECONDS + 1)
    making.change(database, update(report_polls).where(report_polls.c.id == died).values(asked_at=long_ago))
    never_left = journal.note(database, making.ACCOUNT)
    journal.forget(database, never_left)
    journal.note(database, making.ACCOUNT)

    its = account_of(database)
    page = run("reports").stdout

    assert (its["lost"], its["cut"], its["gaps"], its["asking"]) == (2, 1, 3, 1)
    assert [(gap["id"], gap["msgfid"], gap["cut"]) for gap in its["latest_gaps"]] == [
        (3, "f1", False),
        (2, None, True),
        (1, None, False),
    ]
    assert page.count("  gap: asked at ") == 3
    assert "600 seconds" in page


def test_a_broken_body_is_shown_with_its_reason_and_tried_anew_when_that_is_asked(database: Database) -> None:
    poll = making.stored(database)
    for _ in range(unapplied.TRIES):
        unapplied.begin(database, poll)
    assert unapplied.failed(database, poll, "KeyError")

    page = run("reports").stdout
    again = run("reports", "--retry", str(poll))
    none = run("reports", "--retry", str(poll))

    assert f"  broken: {poll}, of " in page
    assert ": KeyError" in page
    assert again.exit_code == 0
    assert [each.id for each in unapplied.due(database, making.ACCOUNT)] == [poll]
    assert (none.exit_code, f"there is no broken body {poll}" in none.stderr) == (1, True)


def test_a_screen_shows_no_whole_number_and_json_does(database: Database) -> None:
    making.accepted(database, making.funded(database, making.numbers(1)), "ours")
    read(database, body(("ours", str(making.FIRST), 56), ("foreign", NUMBER, 55)))
    read(database, body(("theirs", NUMBER, 59)), account="other")

    page = run("reports", "--foreign")
    found = shown("--foreign")

    assert NUMBER not in page.stdout
    assert "225…06  handed_over  2026-01-01 00:00:00  foreign  =s" in page.stdout
    assert "2 reports of other programs" in page.stderr
    assert [(its["account"], its["msgfid"], its["number"], its["code"]) for its in found] == [
        ("default", "foreign", NUMBER, 55),
        ("other", "theirs", NUMBER, 59),
    ]
    assert [its["msgfid"] for its in shown("--foreign", "--account", "other")] == ["theirs"]


def test_a_csv_is_private_whole_harmless_and_overwrites_nothing(database: Database, tmp_path: Path) -> None:
    read(database, body(("foreign", f"+{NUMBER}", 56)))
    path = tmp_path / "others.csv"

    first, second = run("reports", "--foreign", "-o", str(path)), run("reports", "--foreign", "-o", str(path))

    with path.open(newline="", encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    assert (row["number"], row["smsfid"], row["status"], row["account"]) == (
        f"+{NUMBER}",
        "'=s",
        "delivered",
        "default",
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (first.exit_code, first.stdout, second.exit_code) == (0, "", 1)
    assert "is there already" in second.stderr


def test_only_those_since_a_time_can_be_had(database: Database) -> None:
    read(database, body(("old", NUMBER, 56)))
    making.clock_goes_on(database, 86_400 * 3, report_polls.c.stored_at)
    read(database, body(("new", NUMBER, 56)))
    today = database.clock().date().isoformat()

    assert [its["msgfid"] for its in shown("--foreign")] == ["old", "new"]
    assert [its["msgfid"] for its in shown("--foreign", "--since", today)] == ["new"]
    assert run("reports", "--foreign", "--since", "soon").exit_code == 2


def test_what_is_parked_is_not_called_foreign_and_is_named(database: Database) -> None:
    making.claimed(database, making.funded(database, making.numbers(1)))
    read(database, body(("whose", NUMBER, 56)))

    found = run("reports", "--foreign")

    assert found.stdout == ""
    assert "not among these: 1 more reading, parked" in found.stderr


def test_what_waits_in_the_spool_of_this_host_is_named(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del database
    account = {"base_url": "http://127.0.0.1:9", "login": "toto", "password": "s3cret"}
    monkeypatch.setenv("ACCOUNTS", json.dumps({"default": account}))
    monkeypatch.setenv("SPOOL_DIR", str(tmp_path / "spool"))
    forget()
    path = spool.write(tmp_path / "spool", Arrived("former", 3, body(("x", NUMBER, 56)), None, cut=False, at=1.0))

    assert f"in the spool, a body of the account former: {path}" in run("reports").stderr
    assert [each["account"] for each in shown()["spool"]] == ["former"]


@pytest.mark.parametrize(("number", "seen"), [(NUMBER, "225…06"), ("1234567", "…"), ("", "…")])
def test_a_short_number_is_not_shown_at_all(number: str, seen: str) -> None:
    assert masked(number) == seen


@pytest.mark.parametrize(
    "words",
    [["--since", "2026-01-01"], ["-o", "x.csv"], ["--retry", "1", "--foreign"], ["--foreign", "-o", "x", "--json"]],
)
def test_what_does_not_go_together_is_refused(database: Database, words: list[str]) -> None:
    del database
    assert run("reports", *words).exit_code == 2
