"""Delivery reports out of a body in the JSON form that is too large or too broken for a tree: object by object.

Only braces and texts are looked at, so that a body of any size takes no more memory than the reports in it; what is
wrong between them is not noticed. A report is of the sending whose `msgfid` stands, before it or after, in the nearest
object around it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from worker.smseco.errors import BadReply
from worker.smseco.fields import Row, batch_of, columns_of
from worker.smseco.json_tree import MOST_VALUES, Object, decoded, text_of, unescaped
from worker.smseco.values import ReportBatch

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# An object without others in it, which most reports are; an id; or what tells where objects begin and end.
_TOKEN = re.compile(
    rb'(?P<flat>\{[^{}"]*+(?:' + _TEXT + rb'[^{}"]*+)*+\})'
    rb'|(?i:"msgfid")\s*+:\s*+(?P<msgfid>' + _TEXT + rb"|[0-9]++)"
    rb"|" + _TEXT + rb"?|[{}]",
    re.DOTALL,
)
_TOKENS_A_REPORT = 50
_LONGEST_REPORT = 1 << 13  # bytes; real ones have 250
_DEEPEST = 12


@dataclass(slots=True)
class _Opened:
    """An object whose end is not seen yet: where it begins, the first report that can be in it, and its id."""

    start: int
    first: int
    msgfid: str = ""


@dataclass(slots=True)
class _Reading:
    raw: bytes
    row_of: Callable[[Object], Row | None]
    msgfids: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    opened: list[_Opened] = field(default_factory=list)

    def take(self, start: int, end: int) -> None:
        """Adds the object between these offsets if it is a report."""
        value = _value(self.raw[start:end]) if end - start <= _LONGEST_REPORT else None
        row = self.row_of(value) if isinstance(value, dict) else None
        if row is not None and isinstance(value, dict):
            self.rows.append(row)
            self.msgfids.append(text_of(value.get("msgfid")))

    def close(self, end: int) -> None:
        """Ends the innermost object, which is a report itself or may hold some."""
        if not self.opened:
            return
        ended = self.opened.pop()
        if ended.first == len(self.rows):
            self.take(ended.start, end)
        elif ended.msgfid:
            for at in range(ended.first, len(self.rows)):
                self.msgfids[at] = self.msgfids[at] or ended.msgfid


def one_by_one(raw: bytes, row_of: Callable[[Object], Row | None], fault: BadReply) -> ReportBatch:
    """The reports in a body; `row_of` makes one of an object, or None. Raises `fault` if there is none."""
    reading = _Reading(raw, row_of)
    whole = _read(reading) and not reading.opened and raw[-100:].rstrip().endswith((b"}", b"]"))
    while reading.opened:
        reading.close(len(raw))
    if not reading.rows:
        raise fault
    return batch_of(reading.msgfids, columns_of(reading.rows), truncated=not whole)


def _read(reading: _Reading) -> bool:
    """Reads to the end, or to where there is too much that is no report: False then."""
    opened = reading.opened
    for count, token in enumerate(_TOKEN.finditer(reading.raw)):
        if count > MOST_VALUES + _TOKENS_A_REPORT * len(reading.rows) or len(opened) > _DEEPEST:
            return False
        start, end = token.span()
        mark = reading.raw[start]
        if token.lastgroup == "flat":
            reading.take(start, end)
        elif token.lastgroup == "msgfid" and opened:
            opened[-1].msgfid = text_of(_value(token["msgfid"]))
        elif mark == ord("{"):
            opened.append(_Opened(start, len(reading.rows)))
        elif mark == ord("}"):
            reading.close(end)
    return True


def _value(piece: bytes) -> object:
    """An object or a text; None if it is none. A broken letter can only stand in a label."""
    text = piece.decode("utf-8", "replace")
    for attempt in (text, unescaped(text)):
        try:
            return decoded(attempt, strict=False)
        except ValueError:
            continue
    return None
