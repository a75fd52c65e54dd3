"""Files that a table is written to: what comes out is what went in, and nothing in it does anything."""

import csv
import gc
import io
import sys
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from campaigns import tables

COLUMNS: tuple[tables.Column, ...] = (("row", int), ("number", str), ("sent_at", datetime), ("credits", Decimal))
NOON = datetime(2026, 11, 28, 12, 0, 30, 250_000, tzinfo=UTC)


def written(kind: str, *rows: tuple[tables.Cell, ...]) -> bytes:
    """The bytes of a file with these rows; the file itself stays open."""
    file = io.BytesIO()
    table = tables.WRITERS[kind](file, COLUMNS)
    for row in rows:
        table.add(row)
    table.close()
    return file.getvalue()


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


@pytest.mark.parametrize("cell", ["=1+1", "+225 07", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert tables.harmless(cell) == f"'{cell}"
    assert read(written("csv", (1, cell, None, None)))[1][1] == f"'{cell}"


@pytest.mark.parametrize("cell", ["2250708091011", "", "awa =1", "delivered"])
def test_what_it_does_not_stays_as_it_is(cell: str) -> None:
    assert tables.harmless(cell) == cell


def test_a_csv_has_instants_in_utc_and_credits_without_noughts() -> None:
    abroad = NOON.astimezone(timezone(timedelta(hours=2)))

    rows = read(written("csv", (1, "a,b", abroad, Decimal("1.5000")), (2, 'c"d', None, None)))

    assert rows == [
        ["row", "number", "sent_at", "credits"],
        ["1", "a,b", "2026-11-28T12:00:30+00:00", "1.5"],
        ["2", 'c"d', "", ""],
    ]


@pytest.mark.parametrize(
    ("amount", "said"), [("0", "0"), ("10", "10"), ("100.0000", "100"), ("0.25", "0.25"), ("0.33333333", "0.3333")]
)
def test_credits_are_digits(amount: str, said: str) -> None:
    assert tables.plain(Decimal(amount)) == said


def test_half_a_character_does_not_stop_a_table() -> None:
    assert read(written("csv", (1, "\ud83d", None, None)))[1][1] == "?"


def test_a_csv_that_is_given_up_leaves_its_file_open() -> None:
    file = io.BytesIO()
    tables.CsvWriter(file, COLUMNS).drop()
    assert not file.closed


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_a_format_whose_package_is_missing_says_how_to_have_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("xlsxwriter", "pyarrow"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(tables.NotInstalledError, match=rf"pip install 'sms-campaigns\[{kind}\]', or choose csv"):
        written(kind)


def test_a_workbook_reads_back_as_it_was_written() -> None:
    pytest.importorskip("xlsxwriter")
    data = written("xlsx", (1, "2250708091011", NOON, Decimal("1.5")), (2, "=1+1", None, None))

    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()

    assert rows[0] == ["row", "number", "sent_at (UTC)", "credits"]
    assert rows[1] == [1, "2250708091011", NOON.replace(tzinfo=None), 1.5]
    assert rows[2] == [2, "'=1+1", "", ""]


def test_what_does_not_fit_in_a_sheet_is_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xlsxwriter")
    monkeypatch.setattr(tables, "ROWS_OF_A_SHEET", 2)

    book = CalamineWorkbook.from_filelike(io.BytesIO(written("xlsx", *[(n, "x", None, None) for n in range(5)])))

    sheets = [book.get_sheet_by_index(place).to_python() for place in range(len(book.sheet_names))]
    assert [[row[0] for row in rows] for rows in sheets] == [["row", 0, 1], ["row", 2, 3], ["row", 4]]


def test_a_workbook_that_is_given_up_leaves_nothing_on_the_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("xlsxwriter")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    table = tables.XlsxWriter(io.BytesIO(), COLUMNS)
    table.add((1, "x", None, None))
    assert list(tmp_path.iterdir())

    table.drop()
    del table
    gc.collect()  # says so, if a file is still open

    assert not list(tmp_path.iterdir())


def test_a_parquet_file_has_types_and_texts_as_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(tables, "_ROWS_OF_A_GROUP", 2)
    rows = [(1, "=1+1", NOON, Decimal("0.33333333")), (2, "b", None, None), (3, "c", NOON, Decimal(2))]

    table = parquet.read_table(io.BytesIO(written("parquet", *rows)))

    assert table.column("number").to_pylist() == ["=1+1", "b", "c"]
    assert table.column("sent_at").to_pylist() == [NOON, None, NOON]
    assert table.column("credits").to_pylist() == [Decimal("0.3333"), None, Decimal(2)]
    assert parquet.ParquetFile(io.BytesIO(written("parquet", *rows))).num_row_groups == 2
