"""A Parquet file → columns and numbered rows of cells, some thousands at a time; by pyarrow, where it is installed."""

import io
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from campaigns.cells import AudienceError, text_of
from campaigns.delimited import NumberedRow
from campaigns.language import N_, _

SIGNATURE = b"PAR1"

_ROWS_AT_A_TIME = 5_000


def read_parquet(stream: Any, head: bytes, rest: Iterator[bytes]) -> tuple[tuple[str, ...], Iterator[NumberedRow]]:
    """The columns, and the rows, numbered from 1. What is null is "", and so are lists, maps and structures.

    Args:
        stream: where the file comes from, at its beginning before `head` was read of it; one that cannot be gone back
            in, such as a pipe, is held in memory, for a Parquet file is read from its end.
        head: what was read of it.
        rest: what was not.

    Raises:
        AudienceError: now or while rows are drawn; it cannot be read, or pyarrow is not installed.
    """
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError:
        raise AudienceError(
            _("this is a Parquet file, which needs a package: pip install 'sms-campaigns[parquet]'; or save it as CSV")
        ) from None
    try:
        # Buffers of whole columns would make memory grow with the file.
        file = parquet.ParquetFile(_seekable(stream, head, rest), pre_buffer=False)
        return tuple(file.schema_arrow.names), _rows(file)
    except (ValueError, OSError):  # every error of pyarrow's is one of these
        raise AudienceError(_(_DAMAGED)) from None


_DAMAGED = N_("the Parquet file cannot be read: it is cut short or damaged; write it anew, or save it as CSV")


def _seekable(stream: Any, head: bytes, rest: Iterator[bytes]) -> Any:
    try:
        if stream.seekable() and stream.tell() == len(head):
            stream.seek(0)
            return stream
    except (AttributeError, OSError):
        pass
    return io.BytesIO(head + b"".join(rest))


def _rows(file: Any) -> Iterator[NumberedRow]:
    number = 0
    try:
        for batch in file.iter_batches(batch_size=_ROWS_AT_A_TIME):
            columns = [list(map(_text, _values(column))) for column in batch.columns]
            for cells in zip(*columns, strict=True):
                number += 1
                yield number, list(cells)
    except AudienceError as error:
        raise AudienceError(_("row {row} or soon after: {error}").format(row=number + 1, error=error)) from None
    except (ValueError, OSError):
        raise AudienceError(_(_DAMAGED)) from None


def _values(column: Any) -> Any:
    arrow = import_module("pyarrow")
    if arrow.types.is_timestamp(column.type):  # Python's times have no nanoseconds
        column = column.cast(arrow.timestamp("us", column.type.tz), safe=False)
    return column.to_pylist()


def _text(value: object) -> str:
    if isinstance(value, bytes):  # as some programs of old wrote text
        return text_of(value.decode(errors="replace"))
    return "" if isinstance(value, list | dict | tuple) else text_of(value)
