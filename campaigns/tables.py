"""Files that a table is written to, row after row, in memory that does not grow: CSV, XLSX, Parquet.

What a spreadsheet would take for a formula is defused: a cell may hold what a stranger typed into a form.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Protocol

from campaigns.language import _

Kind = type[int] | type[str] | type[datetime] | type[Decimal]
Cell = int | str | datetime | Decimal | None
Column = tuple[str, Kind]
"""A column's name, and what its cells are; any of them may be none."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet takes for more than a text."""

ROWS_OF_A_SHEET = 1_048_575
"""Of an XLSX, below its header."""

_ROWS_OF_A_GROUP = 50_000
_EXACT = Decimal("0.0001")  # as the columns of credits have it


class NotInstalledError(RuntimeError):
    """A format needs a package that is not here; the message says how to have it."""


class TableWriter(Protocol):
    """A table that is being written."""

    def add(self, cells: Sequence[Cell]) -> None:
        """Write a row, with as many cells as columns."""

    def close(self) -> None:
        """Write what is left. The file itself stays open."""

    def drop(self) -> None:
        """Write no more, and leave nothing behind but the file as it is."""


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula: `'=1+1`."""
    return f"'{text}" if text.startswith(FORMULA) else text


@lru_cache(1_000)
def plain(amount: Decimal) -> str:
    """Credits as digits, without noughts at the end: `1`, `0.5`."""
    written = f"{amount.quantize(_EXACT):f}"
    return written.rstrip("0").rstrip(".")


class CsvWriter:
    """UTF-8, commas, instants in ISO 8601 (UTC)."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="", write_through=False)
        self._rows = csv.writer(self._text)
        self._rows.writerow([name for name, _ in columns])

    def add(self, cells: Sequence[Cell]) -> None:
        """Write a row."""
        self._rows.writerow([cell if cell is None or type(cell) is int else self._written(cell) for cell in cells])

    @staticmethod
    def _written(cell: Cell) -> str:
        if isinstance(cell, str):
            return harmless(cell)
        if isinstance(cell, datetime):
            return _instant(cell)
        return plain(cell) if isinstance(cell, Decimal) else str(cell)

    def close(self) -> None:
        """Write what is left."""
        self._text.flush()
        self._text.detach()

    def drop(self) -> None:
        """Write no more."""
        with suppress(OSError):  # what takes no more bytes need not be told so twice
            self._text.detach()


@lru_cache(1_000)
def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


class XlsxWriter:
    """A workbook; instants are in UTC, for its cells know no time zone. What does not fit in a sheet is in the next."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        package = _package("xlsxwriter", "xlsx")
        # Rows go to the disk until the workbook is put together; in a folder of our own, or they would stay there.
        self._folder = TemporaryDirectory(prefix="campaigns-")
        self._book = package.Workbook(file, {"constant_memory": True, "tmpdir": self._folder.name})
        self._when = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._header = self._book.add_format({"bold": True})
        self._columns = columns
        self._begin_sheet()

    def _begin_sheet(self) -> None:
        self._sheet, self._row = self._book.add_worksheet(), 0
        self._sheet.freeze_panes(1, 0)
        for place, (name, kind) in enumerate(self._columns):
            self._sheet.set_column(place, place, 20 if kind in (str, datetime) else 10)
            self._sheet.write_string(0, place, f"{name} (UTC)" if kind is datetime else name, self._header)

    def add(self, cells: Sequence[Cell]) -> None:
        """Write a row."""
        if self._row == ROWS_OF_A_SHEET:
            self._begin_sheet()
        self._row += 1
        for place, cell in enumerate(cells):
            if cell is None:
                continue
            if isinstance(cell, str):
                self._sheet.write_string(self._row, place, harmless(cell))
            elif isinstance(cell, datetime):
                self._sheet.write_datetime(self._row, place, cell.astimezone(UTC).replace(tzinfo=None), self._when)
            else:
                self._sheet.write_number(self._row, place, cell)

    def close(self) -> None:
        """Write what is left."""
        self._book.close()
        self._folder.cleanup()

    def drop(self) -> None:
        """Write no more."""
        for sheet in self._book.worksheets():
            sheet._opt_close()  # noqa: SLF001  (a workbook has no way to be given up, and would leave its rows open)
        self._folder.cleanup()


class ParquetWriter:
    """Columns with their types; texts are as they came, for no program takes them for formulas."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        self._arrow = _package("pyarrow", "parquet")
        types = {
            int: self._arrow.int64(),
            str: self._arrow.string(),
            datetime: self._arrow.timestamp("us", tz="UTC"),
            Decimal: self._arrow.decimal128(14, 4),
        }
        self._schema = self._arrow.schema([(name, types[kind]) for name, kind in columns])
        self._file = _package("pyarrow.parquet", "parquet").ParquetWriter(file, self._schema)
        self._rows: list[Sequence[Cell]] = []

    def add(self, cells: Sequence[Cell]) -> None:
        """Write a row."""
        self._rows.append([cell.quantize(_EXACT) if isinstance(cell, Decimal) else cell for cell in cells])
        if len(self._rows) == _ROWS_OF_A_GROUP:
            self._write()

    def _write(self) -> None:
        columns = [
            self._arrow.array(cells, type=kind)
            for cells, kind in zip(zip(*self._rows, strict=True), self._schema.types, strict=True)
        ]
        self._file.write_batch(self._arrow.record_batch(columns, schema=self._schema))
        self._rows.clear()

    def close(self) -> None:
        """Write what is left."""
        if self._rows:
            self._write()
        self._file.close()

    def drop(self) -> None:
        """Write no more."""
        with suppress(OSError):
            self._file.close()


WRITERS: dict[str, Callable[[BinaryIO, Sequence[Column]], TableWriter]] = {
    "csv": CsvWriter,
    "xlsx": XlsxWriter,
    "parquet": ParquetWriter,
}
"""By the format's name, which is how such a file's name ends."""


def _package(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise NotInstalledError(
            _(
                "{extra} needs a package that is not installed: pip install 'sms-campaigns[{extra}]', or choose csv"
            ).format(extra=extra)
        ) from None
