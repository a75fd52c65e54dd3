import pytest

from worker.sandbox.appending import AppendedFile, Unwritten


@pytest.fixture
def file(tmp_path):
    opened = AppendedFile(tmp_path / "file")
    yield opened
    opened.close()


class Full:
    """A disk with room for so many bytes more."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, content):
        if not self._room:
            raise OSError(28, "No space left on device")
        written = self._file.write(content[: self._room])
        self._room -= written
        return written


def test_what_is_written_in_parts_is_written_whole(file, tmp_path, monkeypatch):
    monkeypatch.setattr(file, "_file", Full(file._file, 6))
    file.append(b"one\n")
    assert (tmp_path / "file").read_bytes() == b"one\n"


def test_half_a_line_never_stays_and_nothing_follows_it(file, tmp_path, monkeypatch):
    file.append(b"one\n")
    monkeypatch.setattr(file, "_file", Full(file._file, 2))
    for line in (b"two\n", b""):
        with pytest.raises(Unwritten, match="file: No space left on device"):
            file.append(line)
    assert (tmp_path / "file").read_bytes() == b"one\n"


def test_what_was_there_stays(tmp_path):
    (tmp_path / "file").write_bytes(b"one\n")
    file = AppendedFile(tmp_path / "file", fsync=True)
    file.append(b"two\n")
    file.close()
    assert (tmp_path / "file").read_bytes() == b"one\ntwo\n"
