"""Whatever a producer hands over → numbered rows of text cells: files and streams by their content, or an iterable.

Delimited text is read by `delimited.py`, JSON lines by `json_lines.py`, Parquet by `parquet.py`, workbooks here. Which
cell means what is left to `audience.py`.
"""

import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, cast

import python_calamine

from campaigns.cells import AudienceError, text_of
from campaigns.decoding import BLOCK
from campaigns.delimited import NumberedRow, read_rows
from campaigns.json_lines import is_json_lines, read_objects
from campaigns.language import _
from campaigns.parquet import SIGNATURE, read_parquet
from campaigns.reasons import retold


class Stream(Protocol):
    """An open file, binary or text; it is read from where it stands, and need not be seekable."""

    def read(self, size: int, /) -> Any: ...


Row = Mapping[str, Any] | Sequence[Any] | str | float | None
Source = str | os.PathLike[str] | Stream | Iterable[Row]

_WORKBOOK_SIGNATURES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_ENOUGH_TO_TELL = 65_536


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of text cells with their numbers, from 1."""

    numbered: Iterator[NumberedRow]
    columns: tuple[str, ...] | None = None
    """The names of the columns, where the source knows them; else the first row may be a header."""


def open_rows(source: Source, stack: ExitStack) -> Rows:
    """The rows of a source; what is opened for them is closed by `stack`.

    Raises AudienceError for a file that cannot be read, now or while rows are drawn; TypeError for what is no source.
    """
    if isinstance(source, str | os.PathLike):
        return _stream_rows(_open(Path(source), stack))
    if hasattr(source, "read"):
        return _stream_rows(cast(Stream, source))
    if isinstance(source, bytes | bytearray | Mapping) or not isinstance(source, Iterable):
        raise TypeError(
            _("an audience is a path, an open file or an iterable of rows, not {kind}").format(
                kind=type(source).__name__
            )
        )
    return _iterable_rows(iter(source))


def _open(path: Path, stack: ExitStack) -> Stream:
    try:
        return stack.enter_context(path.open("rb"))
    except OSError as error:
        raise AudienceError(
            _("{path} cannot be opened ({why}): check the name and who may read it").format(
                path=path, why=retold(error.strerror or "")
            )
        ) from None


def _stream_rows(stream: Stream) -> Rows:
    blocks = _blocks(stream)
    head = next(blocks, b"")
    if isinstance(head, bytes) and head.startswith(_WORKBOOK_SIGNATURES):
        return Rows(_workbook_rows(io.BytesIO(head + b"".join(cast(Iterator[bytes], blocks)))))
    if isinstance(head, bytes) and head.startswith(SIGNATURE):
        columns, numbered = read_parquet(stream, head, cast(Iterator[bytes], blocks))
        return Rows(numbered, columns)
    everything = chain([head], blocks)
    if is_json_lines(head):
        columns, numbered = read_objects(everything)
        return Rows(numbered, columns)
    return Rows(read_rows(everything))


def _blocks(stream: Stream) -> Iterator[bytes | str]:
    """What a stream holds; the first block is long enough to tell its kind, even if a socket gives little at a time."""
    try:
        head = stream.read(BLOCK)
        while 0 < len(head) < _ENOUGH_TO_TELL and (more := stream.read(BLOCK)):
            head += more
        while head:
            yield head
            head = stream.read(BLOCK)
    except UnicodeDecodeError:
        raise AudienceError(
            _("the file was opened as text in another encoding than its own: open it in binary")
        ) from None
    except OSError as error:
        raise AudienceError(
            _("the file cannot be read to its end ({why})").format(why=retold(error.strerror or ""))
        ) from None


def _workbook_rows(file: io.BytesIO) -> Iterator[NumberedRow]:
    """The first sheet that holds anything, XLSX, XLS or ODS. The sheet is in memory as a whole (no streaming)."""
    try:
        workbook = python_calamine.load_workbook(file)
        for name in workbook.sheet_names:
            sheet = workbook.get_sheet_by_name(name)
            if sheet.start is not None:
                return _numbered(sheet.to_python(), _sequence_cells, first=sheet.start[0] + 1)
    except python_calamine.PasswordError:
        raise AudienceError(_("the workbook is protected by a password: save it without one")) from None
    except python_calamine.CalamineError:
        raise AudienceError(_("the workbook cannot be read: save it anew as XLSX, or as CSV (UTF-8)")) from None
    return iter(())


def _iterable_rows(rows: Iterator[Any]) -> Rows:
    """Mappings (columns: the keys of the first), rows with named fields, sequences, or plain numbers."""
    try:
        first = next(rows)
    except StopIteration:
        return Rows(iter(()))
    everything = chain([first], rows)
    if isinstance(first, Mapping):
        keys = tuple(first)
        return Rows(_numbered(everything, lambda row: [text_of(row.get(key)) for key in keys]), tuple(map(str, keys)))
    if first is None or isinstance(first, str | int | float):
        return Rows(_numbered(everything, _plain_cells), ("number",))
    if isinstance(first, Sequence) and not isinstance(first, bytes | bytearray):
        fields = getattr(first, "_fields", None)
        return Rows(_numbered(everything, _sequence_cells), tuple(fields) if fields else None)
    raise TypeError(_("a row is a mapping, a sequence, or a number, not {kind}").format(kind=type(first).__name__))


def _plain_cells(value: object) -> list[str]:
    if value is not None and not isinstance(value, str | int | float):
        raise TypeError
    return [text_of(value)]


def _sequence_cells(row: Sequence[object]) -> list[str]:
    if isinstance(row, str):
        raise TypeError
    return list(map(text_of, row))


def _numbered(rows: Iterable[Any], cells_of: Callable[[Any], list[str]], *, first: int = 1) -> Iterator[NumberedRow]:
    for number, row in enumerate(rows, first):
        try:
            cells = cells_of(row)
        except (AttributeError, TypeError):
            raise AudienceError(
                _("row {row} is a {kind}, unlike the rows before it").format(row=number, kind=type(row).__name__)
            ) from None
        except AudienceError as error:
            raise AudienceError(_("row {row}: {error}").format(row=number, error=error)) from None
        yield number, cells
