"""A file of the spool is whole or none, is nobody else's to read, and what is no such file is left alone."""

import os
import stat
from pathlib import Path

import pytest

from worker import spool
from worker.spool import Arrived

BODY = b"<REPONSE>2250700000000</REPONSE>"


def arrived(account: str = "default", *, poll_id: int = 7) -> Arrived:
    return Arrived(account, poll_id, BODY, "f1", cut=True, at=1_700_000_000.5)


def read(path: Path) -> Arrived | None:
    with spool.opened(path) as found:
        return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "spool"


def test_what_is_written_is_read_again_and_nobody_else_may_read_it(folder: Path) -> None:
    before = os.umask(0)
    try:
        path = spool.write(folder, arrived())
    finally:
        os.umask(before)

    assert path is not None
    assert read(path) == arrived()
    assert (mode(folder), mode(path)) == (0o700, 0o600)
    assert spool.files(folder) == [path]


def test_two_bodies_of_one_reading_have_a_file_each(folder: Path) -> None:
    for _ in range(2):
        spool.write(folder, arrived())
    assert len(spool.files(folder)) == 2


@pytest.mark.parametrize("name", ["../../etc", "a/b", "Été", "x" * 300, ".."])
def test_an_account_of_any_name_has_its_file_in_the_folder_and_its_name_in_the_file(folder: Path, name: str) -> None:
    path = spool.write(folder, arrived(name))

    assert path is not None
    assert path.parent == folder
    found = read(path)
    assert found is not None
    assert found.account == name


def test_where_no_file_fits_that_is_said_without_what_is_in_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()

    assert spool.write(tmp_path / "file" / "spool", arrived()) is None

    assert "fit neither the database nor a file" in caplog.text
    assert "22507" not in caplog.text


def test_a_full_disk_leaves_no_half_of_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    assert spool.write(folder, arrived()) is None
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("cut", [0, 10, 40, 120, -1])
def test_a_file_that_is_not_whole_is_left_alone_and_named_once_it_will_not_be_any_more(
    folder: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = spool.write(folder, arrived())
    assert path is not None
    path.write_bytes(path.read_bytes()[:cut])
    caplog.clear()

    young = read(path), caplog.text
    os.utime(path, (0, 0))
    old = [read(path) for _ in range(2)]

    assert young == (None, "")
    assert old == [None, None]
    assert caplog.text.count("is none of ours, or damaged") == 1
    assert path.exists()


def test_a_file_of_somebody_else_is_none_of_ours_and_a_link_is_not_followed(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    (tmp_path / "secret").write_text("secret")
    (folder / "link.reports").symlink_to(tmp_path / "secret")

    assert [path.name for path in spool.files(folder)] == ["link.reports"]
    assert read(folder / "link.reports") is None
    assert "cannot be read" in caplog.text


def test_whoever_has_a_file_has_it_alone(folder: Path) -> None:
    path = spool.write(folder, arrived())
    assert path is not None
    with spool.opened(path) as first, spool.opened(path) as second:
        assert first == arrived()
        assert second is None
        assert spool.waiting(folder) == []
    assert [(each.account, each.path) for each in spool.waiting(folder)] == [("default", path)]


def test_a_file_that_was_taken_while_one_waited_for_it_is_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = spool.write(folder, arrived())
    assert path is not None
    monkeypatch.setattr(spool, "_lock", lambda _file: path.unlink() is None)

    assert read(path) is None


def test_a_folder_that_is_not_there_holds_nothing(folder: Path) -> None:
    assert spool.files(folder) == []
    assert spool.waiting(folder) == []
