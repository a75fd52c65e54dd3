"""`campaigns export`: a file, or standard output for the next program."""

import csv
import io
from pathlib import Path

import pytest

from tests.worker.command_line import submitted
from tests.worker.terminal import run

pytestmark = pytest.mark.usefixtures("bare")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_it_writes_each_row_to_standard_output(clients: str) -> None:
    campaign = submitted(clients)

    result = run("export", str(campaign))

    assert [(row["row"], row["status"]) for row in rows_of(result.stdout)] == [
        ("2", "pending"),
        ("3", "pending"),
        ("4", "duplicate"),
    ]
    assert result.stderr == ""


def test_it_writes_a_file_and_says_how_many_rows_are_in_it(clients: str, tmp_path: Path) -> None:
    campaign, file = submitted(clients), tmp_path / "out.csv"

    result = run("export", str(campaign), "-o", str(file), "--masked")

    assert (result.exit_code, result.stderr) == (0, f"{file}: 3 rows\n")
    assert {row["number"] for row in rows_of(file.read_text(encoding="utf-8"))} == {"225…10", "225…08", "'+22…08"}


def test_a_file_that_is_there_is_not_overwritten(clients: str) -> None:
    campaign = submitted(clients)

    result = run("export", str(campaign), "-o", clients)

    assert result.exit_code == 1
    assert "is there already: choose another name" in result.stderr
    assert run("export", str(campaign), "-o", clients, "--replace").exit_code == 0


def test_a_cancelled_campaign_says_which_rows_are_gone(tmp_path: Path) -> None:
    clients = tmp_path / "many.csv"
    clients.write_text("nom;tel\n" + "".join(f"N;07000000{n:02}\n" for n in range(9)), encoding="utf-8")
    campaign = submitted(str(clients), "--batch-size", "3")
    run("cancel", str(campaign))

    result = run("export", str(campaign))

    assert rows_of(result.stdout) == []
    assert result.stderr == "9 rows of its audience cannot be told: it was cancelled before it was expanded\n"


def test_no_campaign_is_no_traceback() -> None:
    result = run("export", "9")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no campaign has the id 9" in result.stderr


def test_ctrl_c_says_that_no_file_was_written(clients: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign, file = submitted(clients), tmp_path / "out.csv"

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("campaigns.tables.CsvWriter.add", interrupted)
    result = run("export", str(campaign), "-o", str(file))

    assert (result.exit_code, result.stderr) == (130, f"\n{file} was not written\n")
    assert list(tmp_path.glob("*out*")) == []
    assert list(tmp_path.glob(".*.part")) == []


@pytest.mark.parametrize("command", ["export", "report"])
def test_a_folder_that_is_not_there_is_said_by_its_own_name(clients: str, tmp_path: Path, command: str) -> None:
    campaign, folder = submitted(clients), tmp_path / "nowhere"
    result = run(command, str(campaign), "-o", str(folder / "r.csv"))
    assert (result.exit_code, result.stderr) == (1, f"Error: {folder}: No such file or directory\n")
