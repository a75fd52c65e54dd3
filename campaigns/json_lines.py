"""JSON lines (one object a line) → columns and numbered rows of cells, streamed. Its encoding is `decoding.py`."""

import io
import json
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from campaigns.cells import AudienceError, text_of
from campaigns.decoding import LONGEST_LINE, MARK, LineTooLongError, beginning, texts
from campaigns.delimited import NumberedRow
from campaigns.language import _, figure

_SAMPLED = 1_000
"""Objects whose keys are the columns: what is null in a row is often left out of it, and so is not in the first."""


def is_json_lines(head: bytes | str) -> bool:
    """Whether a file that begins so is one. Raises AudienceError for one array of everything, which cannot stream."""
    first = beginning(head)
    if first.startswith("[") and first[1:].lstrip().startswith("{"):
        raise AudienceError(_("this is one JSON array: save one object a line, as `jq -c '.[]' FILE` does"))
    return first.startswith("{")


def read_objects(blocks: Iterator[bytes | str]) -> tuple[tuple[str, ...], Iterator[NumberedRow]]:
    """The columns, which are the keys of the first thousand objects, and the rows, numbered by their lines.

    A key that a row lacks is "", and so is one that holds a list or an object; other keys are passed over, as blank
    lines are. Raises AudienceError, now or while rows are drawn, for a line that is no object.
    """
    objects = _objects(blocks)
    sample = list(islice(objects, _SAMPLED))
    columns = tuple(dict.fromkeys(chain.from_iterable(found for _, found in sample)))
    return columns, ((number, _cells(number, found, columns)) for number, found in chain(sample, objects))


def _objects(blocks: Iterator[bytes | str]) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        # By line ends alone: U+2028, which other ways of splitting stop at, may stand inside a text of JSON.
        lines = chain.from_iterable(io.StringIO(text, newline=None) for text in texts(blocks))
        for number, line in enumerate(lines, 1):
            line = line.removeprefix(MARK) if number == 1 else line
            if not line.isspace():
                yield number, _object(number, line)
    except LineTooLongError:
        raise AudienceError(
            _("line {line} is longer than {most} characters").format(line=number + 1, most=figure(LONGEST_LINE))
        ) from None
    except UnicodeDecodeError:
        raise AudienceError(
            _("line {line} or soon after: not the text that it claims to be; save as UTF-8").format(line=number + 1)
        ) from None


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise AudienceError(
            _("line {line} is no JSON: one whole object is expected on each line").format(line=number)
        ) from None
    if not isinstance(found, dict):
        raise AudienceError(_('line {line} is no JSON object, such as {{"tel": "…", "nom": "…"}}').format(line=number))
    return found


def _cells(number: int, found: dict[str, Any], columns: tuple[str, ...]) -> list[str]:
    try:
        return [
            value if type(value) is str and "\0" not in value and len(value) < 1_000 else _text(value)
            for value in map(found.get, columns)
        ]
    except AudienceError as error:
        raise AudienceError(_("line {line}: {error}").format(line=number, error=error)) from None


def _text(value: object) -> str:
    # Nobody wants to be sent a list as a program writes it: it is a gap, and a gap is never sent.
    return "" if isinstance(value, list | dict) else text_of(value)
