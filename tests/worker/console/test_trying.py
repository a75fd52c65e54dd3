"""`campaigns submit --test`: one's own phone first, and nobody else before a person has said so."""

import json
from pathlib import Path

import pytest

import campaigns
from tests.worker.command_line import ROWS, TEXT
from tests.worker.terminal import at_a_terminal, run

pytestmark = pytest.mark.usefixtures("bare")

MINE = ("--test", "+225 01 02 03 04 05")
NOT_SUBMITTED = "the campaign itself was not submitted"


def names() -> list[str]:
    return [its.name for its in reversed(campaigns.listing())]


def test_a_person_sees_the_text_and_decides(clients: str) -> None:
    status, screen = at_a_terminal("submit", clients, *TEXT, *MINE, answers={"Go on? [y/N]: ": "y\n"})
    assert status == 0
    assert "campaign 1 is the test: the text of row 2 (1 segment) to 1 phone of yours" in screen
    assert "  Bonjour Awa" in screen
    assert "campaign 2 is made, 3 rows taken in" in screen
    assert names() == ["Test of Rappel", "Rappel"]


@pytest.mark.parametrize(("answer", "status"), [("n\n", 1), ("\x03", 130)], ids=["no", "Ctrl-C"])
def test_whoever_does_not_agree_has_sent_to_nobody_else(clients: str, answer: str, status: int) -> None:
    ended, screen = at_a_terminal("submit", clients, *TEXT, *MINE, answers={"Go on? [y/N]: ": answer})
    assert ended == status
    assert NOT_SUBMITTED in screen
    assert names() == ["Test of Rappel"]


@pytest.mark.parametrize(
    ("answer", "goes_on"), [("o\n", True), ("peut-être\nOui\n", True), ("yes\n", True), ("non\n", False), ("\n", False)]
)
def test_a_person_answers_in_french_or_in_english(
    clients: str, monkeypatch: pytest.MonkeyPatch, answer: str, goes_on: bool
) -> None:
    monkeypatch.setenv("LANGUAGE", "fr")
    asked = {"Continuer\u202f? [o/N]: ": answer}
    status, _ = at_a_terminal("submit", clients, *TEXT, *MINE, answers=asked)
    assert status == (0 if goes_on else 1)
    assert names() == (["Test of Rappel", "Rappel"] if goes_on else ["Test of Rappel"])


def test_without_a_terminal_it_stops_after_the_test_and_says_how_to_go_on(clients: str) -> None:
    stopped = run("submit", clients, *TEXT, *MINE)
    assert (stopped.exit_code, stopped.stdout) == (1, "")
    assert f"{NOT_SUBMITTED}: there is no terminal to ask at; --yes agrees to it beforehand" in stopped.stderr
    assert names() == ["Test of Rappel"]


def test_yes_goes_on_at_once_and_a_script_is_told_both_ids(clients: str) -> None:
    result = run("submit", clients, *TEXT, *MINE, "--test", "0102030406", "--yes", "--json")
    assert json.loads(result.stdout) == {"id": 2, "state": "funding", "created": True, "rows": 3, "test": 1}
    assert campaigns.progress(1).messages == 2


def test_standard_input_is_read_once_and_no_copy_of_it_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    result = run("submit", "-", *TEXT, *MINE, "--yes", "--json", stdin=ROWS)
    assert json.loads(result.stdout)["rows"] == 3
    assert campaigns.progress(1).messages == 1
    assert list(folder.iterdir()) == []


def test_what_is_wrong_is_said_before_anything_is_sent_and_no_number_is_repeated(clients: str) -> None:
    refused = run("submit", clients, *TEXT, "--test", "0102")
    assert refused.exit_code == 1
    assert "--test: number 1 of 1 is no mobile number" in refused.stderr
    refused = run("submit", clients, "--name", "x", "--template", "{{ prenom }}", *MINE)
    assert "--template: there is no column for" in refused.stderr
    assert names() == []


def test_no_number_is_shown(clients: str) -> None:
    for words in ([*MINE], [*MINE, "--yes"], [*MINE, "--yes", "--json"]):
        said = run("submit", clients, *TEXT, *words).output
        assert "0102030405" not in said
        assert "02 03 04" not in said


def test_ctrl_c_while_the_workers_are_told_of_the_test_texts_nobody_else(
    clients: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("worker.ringing.ring", interrupted)
    assert run("submit", clients, *TEXT, *MINE, "--yes").exit_code == 130
    assert names() == ["Test of Rappel"]
