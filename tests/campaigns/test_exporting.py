"""A campaign's account as a file: whole or not there at all, private, and masked if asked."""

import csv
import errno
import io
import os
import re
from pathlib import Path

import pytest

import campaigns
from campaigns.beside import new_file
from campaigns.database import Database
from campaigns.states import MessageStatus
from tests.campaigns import making


@pytest.fixture
def campaign(sqlite: Database) -> int:
    """Three messages, one of them delivered, a row that is no number and one that looks like a formula."""
    rows = [f"+{number}" for number in making.numbers(3)] + ["Awa Kone", "=HYPERLINK(1)"]
    spec = {"name": "Rappel", "template": "Bonjour", "sender": making.SENDER}
    made = campaigns.submit(spec, [{"numero": row} for row in rows], database=sqlite)
    making.fund(sqlite)
    making.reported(sqlite, making.report(making.accepted(sqlite, made.id), (0, MessageStatus.DELIVERED)))
    return made.id


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_row_is_in_the_file_with_its_status(sqlite: Database, campaign: int, tmp_path: Path) -> None:
    done = campaigns.export(campaign, tmp_path / "out.csv", database=sqlite)

    rows = rows_of(tmp_path / "out.csv")
    assert (done.rows, done.gone) == (5, 0)
    assert [row["status"] for row in rows] == ["delivered", "in_flight", "in_flight", "invalid", "invalid"]
    assert [row["number"] for row in rows[:3]] == [str(number) for number in making.numbers(3)]
    assert rows[4]["number"] == "'=HYPERLINK(1)"
    assert (rows[0]["credits"], rows[0]["batch"], rows[0]["row"]) == ("1", "1", "1")


def test_masked_it_shows_no_whole_number(sqlite: Database, campaign: int, tmp_path: Path) -> None:
    campaigns.export(campaign, tmp_path / "out.csv", masked=True, database=sqlite)

    text = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert [row["number"] for row in rows_of(tmp_path / "out.csv")][:4] == ["225…00", "225…01", "225…02", "Awa…ne"]
    assert not any(str(number) in text for number in making.numbers(3))


def test_the_file_is_its_owners_alone_and_no_other_is_left_beside_it(
    sqlite: Database, campaign: int, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    campaigns.export(campaign, folder / "out.csv", database=sqlite)

    assert [path.name for path in folder.iterdir()] == ["out.csv"]
    assert (folder / "out.csv").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_kept_unless_it_is_to_be_replaced(
    sqlite: Database, campaign: int, tmp_path: Path
) -> None:
    path = tmp_path / "clients.csv"
    path.write_text("tel\n", encoding="utf-8")

    with pytest.raises(FileExistsError, match="choose another name"):
        campaigns.export(campaign, path, database=sqlite)
    assert path.read_text(encoding="utf-8") == "tel\n"
    campaigns.export(campaign, path, replace=True, database=sqlite)
    assert len(rows_of(path)) == 5


@pytest.mark.parametrize("why", [errno.ENOENT, errno.EACCES, errno.EROFS], ids=["missing", "not allowed", "read-only"])
def test_a_folder_in_which_no_file_can_be_made_is_named_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: int
) -> None:
    def refused(path: Path, *_: int) -> int:
        raise OSError(why, os.strerror(why), str(path))

    monkeypatch.setattr("campaigns.beside.os.open", refused)
    with pytest.raises(OSError, match=re.escape(os.strerror(why))) as caught, new_file(tmp_path / "r", replace=False):
        pass
    assert (caught.value.errno, caught.value.filename) == (why, str(tmp_path))


def test_a_name_that_is_too_long_is_named_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / ("r" * 255)
    with pytest.raises(OSError, match="too long") as caught, new_file(path, replace=False):
        pass
    assert caught.value.filename == str(path)


def test_ctrl_c_leaves_no_half_file_and_the_old_one_as_it_was(
    sqlite: Database, campaign: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old.csv").write_text("old", encoding="utf-8")
    monkeypatch.setattr("campaigns.exporting._TOLD_EVERY", 2)

    def stop(done: int, total: int) -> None:
        assert (done, total) == (2, 5)
        raise KeyboardInterrupt

    for name in ("new.csv", "old.csv"):
        with pytest.raises(KeyboardInterrupt):
            campaigns.export(campaign, folder / name, replace=True, told=stop, database=sqlite)
    assert [(path.name, path.read_text(encoding="utf-8")) for path in folder.iterdir()] == [("old.csv", "old")]


def test_an_open_file_stays_open(sqlite: Database, campaign: int) -> None:
    file = io.BytesIO()

    campaigns.export(campaign, file, database=sqlite)

    assert file.getvalue().count(b"\r\n") == 6


def test_how_far_it_is_is_told_and_at_last_that_all_is_written(
    sqlite: Database, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.exporting._TOLD_EVERY", 2)
    told: list[tuple[int, int]] = []

    campaigns.export(campaign, io.BytesIO(), told=lambda *counts: told.append(counts), database=sqlite)

    assert told == [(2, 5), (4, 5), (5, 5)]


def test_rows_that_a_cancelled_campaign_has_dropped_are_counted(sqlite: Database) -> None:
    rows = [{"numero": f"+{number}"} for number in making.numbers(5)]
    made = campaigns.submit({"name": "x", "template": "Bonjour", "batch_size": 2}, rows, database=sqlite)
    campaigns.cancel(made.id, database=sqlite)

    done = campaigns.export(made.id, io.BytesIO(), database=sqlite)

    assert (done.rows, done.gone) == (0, 5)


def test_no_campaign_makes_no_file(sqlite: Database, tmp_path: Path) -> None:
    with pytest.raises(campaigns.UnknownCampaignError, match="no campaign has the id 9"):
        campaigns.export(9, tmp_path / "out.csv", database=sqlite)
    assert not (tmp_path / "out.csv").exists()


def test_a_format_that_there_is_not_is_refused(sqlite: Database, campaign: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="choose one of csv, xlsx, parquet"):
        campaigns.export(campaign, tmp_path / "out.dbf", kind="dbf", database=sqlite)
    assert list(tmp_path.glob("*out*")) == []
