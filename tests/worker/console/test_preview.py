"""`campaigns preview`: what a person is told before anything is sent."""

import json
import re
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import campaigns
from campaigns import database
from campaigns.balances import Balance, note_balance
from tests.worker.terminal import PROGRAM, run

pytestmark = pytest.mark.usefixtures("bare")

ROWS = "nom;tel\nAwa;0707080910\nLoïc’;0505060708\nAwa;+225 07 07 08 09 10\nIssa;07 12\n;0505060709\n"
TEXT = ("--template", "Bonjour {{ nom }}")


def test_a_person_sees_whom_it_leaves_out_what_it_costs_and_how_it_looks() -> None:
    note_balance(database.default(), "default", Balance(Decimal(1), None, None, datetime(2026, 11, 28, tzinfo=UTC)))
    page = run("preview", "-", *TEXT, stdin=ROWS).stdout
    for line in (
        r"rows read +5",
        r"excluded: duplicate +1 +the first is row 4, \+22…10",
        r"excluded: invalid +1 +the first is row 5, …",
        r"excluded: unrenderable +1 +the first is row 6, 050…09: nom is missing or blank",
        r"messages +2",
        r"of 1 segment +2",
        r"in UCS-2 +1 +texts with a character that GSM-7 has not",
        r"because of ï U\+00EF +1",
        r"because of ’ U\+2019 +1",
        r"--transliterate saves +0 +segments",
        r"credits +2 +estimated",
        r"balance +1 +asked at 2026-11-28 00:00:00 UTC",
        r"missing +1 +top the account up",
        r"row 2, 225…10, 1 segment \(GSM-7\):\n  Bonjour Awa",
        r"row 3, 225…08, 1 segment \(UCS-2\):\n  Bonjour Loïc’",
    ):
        assert re.search(line, page), line


def test_it_says_when_its_window_will_open_for_numbers_of_each_country() -> None:
    clock = database.default().clock()
    hours = f"{clock - timedelta(hours=1):%H:%M}-{clock + timedelta(minutes=30):%H:%M}"  # in Lagos it is an hour later
    rows = ROWS + "Musa;+2348012345678\nBob;+12125550123\n"

    page = run("preview", "-", *TEXT, "--window", hours, "--window-zone", "recipient", stdin=rows).stdout

    for line in (
        r"may leave, by the clocks of CI +2 +at once: the window is open",
        r"may leave, by the clocks of NG +1 +from \w\w\w \d{4}-\d\d-\d\d \d\d:\d\d Africa/Lagos",
        r"may leave, by the clocks of US +1 +never: at no time is the window open in all time zones of US",
    ):
        assert re.search(line, page), page


def test_what_transliteration_saves_is_told_in_segments_and_credits() -> None:
    text = "Fête ! " + "x" * 100 + " {{ nom }}"
    page = run("preview", "-", "--template", text, stdin=ROWS).stdout
    assert re.search(r"--transliterate saves +2 +segments; 2 texts would be shorter: 2 credits less", page), page
    page = run("preview", "-", "--template", text, "--transliterate", stdin=ROWS).stdout
    assert "saves" not in page
    assert "every text fits the cheap alphabet" in page


def test_a_balance_that_nobody_asked_for_is_not_known(monkeypatch: pytest.MonkeyPatch, empty_sqlite_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_sqlite_url)
    result = run("preview", "-", *TEXT, stdin=ROWS)
    assert result.exit_code == 0
    assert re.search(r"balance +\? +not known of the account 'default'", result.stdout)


def test_a_script_gets_one_object_and_nobody_a_whole_number() -> None:
    result = run("preview", "-", *TEXT, "--texts", "1", "--json", stdin=ROWS)
    figures = json.loads(result.stdout)
    assert (figures["rows"], figures["messages"], figures["segments"], figures["credits"]) == (5, 2, {"1": 2}, 2)
    assert figures["excluded"]["duplicate"] == {"count": 1, "row": 4, "number": "+22…10", "why": None}
    assert [(its["row"], its["number"], its["text"]) for its in figures["texts"]] == [(2, "225…10", "Bonjour Awa")]
    for said in (result.output, run("preview", "-", *TEXT, stdin=ROWS).output):
        assert not re.search(r"7\s?0?7?\s?08\s?09|5\s?06\s?07", said)


def test_a_command_that_is_right_becomes_submit_by_one_word() -> None:
    words = ["-", "--name", "Rappel", *TEXT, "--rate", "20", "--lookup", "--flash"]
    assert run("preview", *words, stdin=ROWS).exit_code == 0
    assert campaigns.listing() == []
    assert run("submit", *words, stdin=ROWS).exit_code == 0


def test_what_a_submission_would_be_refused_for_is_said_by_its_options() -> None:
    refused = run("preview", "-", "--template", "{{ prenom }}", stdin=ROWS)
    assert refused.exit_code == 1
    assert "--template: there is no column for {{ prenom }}" in refused.stderr
    refused = run("preview", "-", *TEXT, stdin="nom;ville\nAwa;Bouaké\n")
    assert "name it as --number-column" in refused.stderr
    assert run("preview", *TEXT).exit_code == 2


def test_a_text_cannot_rewrite_the_terminal(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("Bonjour\n[bold]{{ nom }}\n", encoding="utf-8")
    page = run("preview", "-", "--template-file", str(text), stdin="nom;tel\n\x1b[2JAwa;0707080910\n").stdout
    assert page.endswith("  Bonjour\n  [bold][2JAwa\n")


def test_ctrl_c_ends_it_at_once_and_without_a_traceback() -> None:
    process = subprocess.Popen(
        [*PROGRAM, "preview", "-", *TEXT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    # The pipe takes no more than some tens of kilobytes: once all this is written, it is being read.
    process.stdin.write("nom;tel\n" + "".join(f"Awa;07{number:08d}\n" for number in range(50_000)))
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (130, "")
    assert "Traceback" not in errors
