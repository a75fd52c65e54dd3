"""`campaigns optout`: what a person writes, and what is shown of a number."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.terminal import forget, run

NUMBER, SAME = "07 07 08 09 10", "2250707080910"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)  # away from any .env
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("ACCOUNTS__SHOP__LOGIN", "toto")
    monkeypatch.setenv("ACCOUNTS__SHOP__PASSWORD", "s3cret")
    forget()
    yield
    monkeypatch.undo()
    forget()


def test_a_number_is_added_listed_masked_and_removed() -> None:
    assert run("optout", "add", NUMBER, "--source", "hotline").stdout == "1 added\n"
    assert run("optout", "add", NUMBER).stdout == "0 added\n"

    masked = run("optout", "list").stdout
    whole = run("optout", "list", "--numbers").stdout

    assert masked.startswith("225…10\tall accounts\t")
    assert masked.endswith("\thotline\n")
    assert SAME not in masked
    assert whole.startswith(f"+{SAME}\t")
    assert run("optout", "remove", NUMBER).stdout == "1 removed\n"
    assert "nobody" in run("optout", "list").stderr


def test_who_is_off_one_list_and_on_another_is_told_of() -> None:
    run("optout", "add", NUMBER)
    run("optout", "add", NUMBER, "--account", "shop")

    told = run("optout", "remove", NUMBER, "--account", "shop")

    assert told.stdout == "1 removed\n"
    assert "still on other lists: 1" in told.stderr


def test_a_file_is_imported_and_its_bad_rows_are_named(tmp_path: Path) -> None:
    (tmp_path / "stops.csv").write_text(f"nom;tel\nAwa;{NUMBER}\nKoffi;none\n", encoding="utf-8")

    told = run("optout", "import", "stops.csv", "--json")

    assert json.loads(told.stdout) == {"rows": 2, "added": 1, "known": 0, "invalid": 1}
    assert told.exit_code == 1
    assert "without a mobile number: row 3; all others are on the list" in told.stderr
    assert run("optout", "list").stdout.endswith("\tstops.csv\n")


def test_what_is_listed_whole_can_be_imported_again_and_is_hashed_then(monkeypatch: pytest.MonkeyPatch) -> None:
    run("optout", "add", NUMBER, "0505060708")
    listed = run("optout", "list", "--all", "--numbers").stdout
    monkeypatch.setenv("OPT_OUT_KEY", "a secret of some length")
    forget()

    told = run("optout", "import", "-", stdin="\n".join(line.split("\t")[0] for line in listed.splitlines()) + "\n")

    assert told.stdout == "2 rows, 0 added, 2 known, 0 invalid\n"
    assert run("optout", "list", "--numbers").stdout.count("hashed\t") == 2
    assert run("optout", "list", NUMBER, "--numbers").stdout.startswith(f"+{SAME}\t")
    monkeypatch.delenv("OPT_OUT_KEY")
    forget()
    refused = run("optout", "list", NUMBER)
    assert refused.exit_code == 1
    assert "set the one that they were written with" in refused.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "12"], "the number is no mobile number: write it with its country code"),
        (["add", NUMBER, "--account", "shp"], "no account 'shp' is known"),
        (["import", "none.csv"], "none.csv cannot be opened"),
    ],
    ids=["no number", "no account", "no file"],
)
def test_what_is_wrong_is_a_sentence(words: list[str], said: str) -> None:
    told = run("optout", *words)

    assert told.exit_code == 1
    assert said in told.stderr


def test_a_script_gets_objects_and_is_told_that_there_are_more() -> None:
    run("optout", "add", NUMBER, "0505060708")

    told = run("optout", "list", "-n", "1", "--json")

    [entry] = json.loads(told.stdout)
    assert (entry["number"], entry["account"], entry["source"]) == ("225…08", "all accounts", "command line")
    assert "--all lists them" in told.stderr
