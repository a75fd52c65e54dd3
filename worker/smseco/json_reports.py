"""Delivery reports in the JSON form (III-3-2), read so that none is lost.

A report can be asked for once, so a body that was cut short still yields every report that is whole in it: its end is
cut back to the last of them, and the brackets that it lacks are put there. Whatever comes before and after the document
(PHP's notices) is left away. What is too large for that, or broken within, is read in `json_pieces.py`.
"""

import re
from dataclasses import replace
from typing import Any

from worker.smseco.codes import check_report_status
from worker.smseco.errors import BadReply, what_else
from worker.smseco.fields import CELLS, Row, batch_of, columns_of, status_of
from worker.smseco.json_pieces import one_by_one
from worker.smseco.json_tree import Object, decoded, is_too_large, text_of, texts_of, too_large, unescaped
from worker.smseco.values import ReportBatch

_BEGIN = re.compile(r'\A\[|\{\s*"')
# A text is one token even if its end is missing, so that no bracket within it counts.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[][{},]', re.DOTALL)
_ENDS = {"{": "}", "[": "]"}
_DEEPEST = 100


def parse_reports(raw: bytes) -> ReportBatch:
    """The reports in a reply to a report request; empty if it says that there are none (0 or -15).

    Raises Refused for a documented refusal, BadReply if this is no reply of the API and holds no report.
    """
    if is_too_large(raw):
        return one_by_one(raw, _row_of, too_large(raw))
    # A broken letter can only stand in a label: in a number or an id it would match nothing anyway.
    text = raw.decode("utf-8-sig", "replace").strip()
    truncated = False
    try:
        document = decoded(text, strict=False)
    except ValueError:
        truncated = True
        try:
            document = _salvage(text, raw)
        except BadReply as error:
            return replace(one_by_one(raw, _row_of, error), truncated=True)
    msgfids, rows = _reports_below(document)
    if not rows:
        _check_nothing(document, raw)
    return batch_of(msgfids, columns_of(rows), truncated=truncated)


def _reports_below(document: Any) -> tuple[list[str], list[Row]]:
    """Each report wherever it stands, and the msgfid that is nearest above it."""
    msgfids: list[str] = []
    rows: list[Row] = []
    waiting = [("", document)]
    while waiting:
        msgfid, value = waiting.pop()
        if isinstance(value, dict):
            msgfid = text_of(value.get("msgfid")) or msgfid
            if row := _row_of(value):
                msgfids.append(msgfid)
                rows.append(row)
                continue
            value = list(value.values())
        if isinstance(value, list):
            waiting += [(msgfid, each) for each in reversed(value) if isinstance(each, dict | list)]
    return msgfids, rows


def _row_of(value: Object) -> Row | None:
    """A report as a row, or None if the object is none."""
    if "statut" not in value or not ("smsfid" in value or "destination" in value):
        return None
    return tuple([text_of(value.get(name)) for name in CELLS])


def _check_nothing(document: Any, raw: bytes) -> None:
    if not isinstance(document, dict):
        raise BadReply("an unknown document", partial=raw)
    check_report_status(status_of(texts_of(document), raw), raw)


def _salvage(text: str, raw: bytes) -> Any:
    """What is whole of a document that is broken somewhere; raises BadReply if that is nothing."""
    begin = _BEGIN.search(text)
    if begin is None:
        raise BadReply("broken JSON" if text.startswith("{") else what_else(text), partial=raw)
    try:
        return decoded(_closed(unescaped(text[begin.start() :])), strict=False)
    except ValueError:
        raise BadReply("broken JSON", partial=raw) from None


def _closed(text: str) -> str:
    """A document up to its end or, if it has none, up to the last object or field of the reply that is whole."""
    opened: list[str] = []
    end = depth = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in _ENDS:
            opened.append(mark)
        elif mark in "]}":
            opened.pop()
            end, depth = token.end(), len(opened)
        elif mark == "," and len(opened) == 1:
            end, depth = token.start(), 1
        if not 0 < len(opened) < _DEEPEST:
            break
    return text[:end] + "".join(_ENDS[mark] for mark in reversed(opened[:depth]))
