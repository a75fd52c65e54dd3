"""A Parquet file → columns and numbered rows; it is told by content, and its package may be missing."""

import io
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from campaigns.audience import open_audience
from campaigns.cells import AudienceError

Rows = list[tuple[int, list[str]]]


def written(columns: dict[str, list[Any]], **options: Any) -> bytes:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    parquet.write_table(arrow.table(columns), file, **options)
    return file.getvalue()


def read(source: Any) -> tuple[tuple[str, ...], Rows]:
    with open_audience(source) as audience:
        return audience.columns, list(audience)


class Pipe:
    """It cannot be gone back in."""

    def __init__(self, data: bytes) -> None:
        self.read = io.BytesIO(data).read


def test_rows_are_read_from_a_path_a_file_and_a_pipe(tmp_path: Path) -> None:
    data = written({"nom": ["Awa", None], "tel": [22507080910, 22505060708]})
    path = tmp_path / "clients.csv"
    path.write_bytes(data)
    expected = (("nom", "tel"), [(1, ["Awa", "22507080910"]), (2, ["", "22505060708"])])
    assert read(path) == read(io.BytesIO(data)) == read(Pipe(data)) == expected


def test_more_rows_than_are_read_at_once_are_numbered_through() -> None:
    count = 12_000
    data = written({"tel": [f"07{at:08d}" for at in range(count)]}, row_group_size=7_000)
    _, rows = read(io.BytesIO(data))
    assert [number for number, _ in rows] == list(range(1, count + 1))
    assert rows[-1][1] == [f"07{count - 1:08d}"]


def test_values_are_the_text_that_a_person_would_write_and_a_structure_is_a_gap() -> None:
    arrow = pytest.importorskip("pyarrow")
    moment = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
    nanoseconds = arrow.array([1_764_322_200_000_000_001], type=arrow.timestamp("ns"))
    cells = [["0708091011"], [Decimal("1.50")], [moment], nanoseconds, [["a"]], [{"a": 1}], [b"Zo\xc3\xa9"], [True]]
    data = written(dict(zip(("tel", *"bcdefgh"), cells, strict=True)))
    ((_, row),) = read(io.BytesIO(data))[1]
    assert row == ["0708091011", "1.50", "2026-11-28 09:30+00:00", "2025-11-28 09:30", "", "", "Zoé", "true"]


@pytest.mark.parametrize("cut", [5, 200], ids=["its beginning only", "without its end"])
def test_a_file_that_is_cut_short_says_so(cut: int) -> None:
    data = written({"tel": ["0708091011"] * 1_000})
    with pytest.raises(AudienceError, match="cut short or damaged"):
        read(io.BytesIO(data[:cut]))


def test_without_its_package_it_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(AudienceError, match=r"pip install 'sms-campaigns\[parquet\]'; or save it as CSV"):
        read(io.BytesIO(b"PAR1" + b"\0" * 100))
