"""Delivery reports in the XML form (III-1), and in SOAP's envelope (III-4), read so that none is lost.

A report can be asked for once, so a damaged body still yields every report that is whole in it. Bodies as the vendor
shows them, whole or cut short, are scanned: twice as quick as a tree of them, and a poll may bring a hundred thousand.
Whatever the scan cannot account for to the last report goes through the parser, and what is no XML any more is searched
for the reports that are left, as is what would make too large a tree. Both go through a body piece by piece, so that
they hold little beside it and its reports.
"""

import codecs
import re
from collections.abc import Iterator

from lxml import etree

from worker.smseco.codes import check_report_status
from worker.smseco.errors import BadReply, what_else
from worker.smseco.fields import CELLS, Row, batch_of, columns_of, integer, spelt, status_of
from worker.smseco.values import ReportBatch
from worker.smseco.xml_tree import TOO_LARGE, fields_of, is_typed, name_of, parse_reply

_MESSAGE = re.compile(r"<message>\s*<msgfid>([^<&]*)</msgfid>\s*<dlrs>")
# Possessive: nothing here could be matched in two ways, and the way back need not be remembered.
_REPORT = re.compile(
    r"<dlr>\s*+<smsfid>([^<&]*+)</smsfid>\s*+<destination>([^<&]*+)</destination>\s*+<date>([^<&]*+)</date>"
    r"\s*+<statut>([^<&]*+)</statut>(?:\s*+<libelle>[^<]*+</libelle>)?+(?:\s*+<texte>[^<]*+</texte>)?+\s*+</dlr>"
)
# From what stands before a report to what stands before the next, where a body is cut at its reports.
_STEP = 1 + len(CELLS)
# A report, or the begin or id of a message, in lower case, or what might hold one: it is spelt as the scan knows none.
_MORE = re.compile(r"dlr(?!s)|[<:]message(?!s)|msgfid|<!")
_REPORT_END = "</dlr>"
_REPLY_END = re.compile(rb"</(?:[\w.-]+:)?(?:reponse|envelope)\s*>\s*\Z", re.IGNORECASE)

_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r")) + b"\x7f"

_PIECE = 1 << 20
# Characters from the end of a report to that of the next: what is longer is none of ours.
_LONGEST_REPORT = 1 << 16

# For what is no XML any more.
_PREFIX = r"(?:[\w.-]+:)?"
_REPLY_ROOT = re.compile(rf"<{_PREFIX}(?:reponse|envelope)[\s>]", re.IGNORECASE)
_FAULT = re.compile(rf"<{_PREFIX}fault[\s>]", re.IGNORECASE)
_DAMAGED_REPORT_END = re.compile(rf"</{_PREFIX}dlr\s*>", re.IGNORECASE)
_DAMAGED_CELL = re.compile(
    rf"<{_PREFIX}(msgfid|smsfid|destination|date|statut|statur)(?:\s[^<>]*)?>([^<]*)</", re.IGNORECASE
)


def parse_reports(raw: bytes) -> ReportBatch:
    """The reports in a reply to a report request; empty if it says that there are none (0 or -15).

    Raises Refused for a documented refusal, BadReply if this is no reply of the API and holds no report.
    """
    batch = _scan(raw)
    if batch is not None:
        return batch
    try:
        root = parse_reply(raw)
    except BadReply as error:
        if is_typed(raw):
            raise
        return _salvage(raw, error)
    batch = _reports_below(root)
    if not len(batch):
        check_report_status(status_of(fields_of(root), raw), raw)
    return batch


def _scan(raw: bytes) -> ReportBatch | None:
    """The reports of a body that is exactly as the vendor shows it, or was until it was cut short; None otherwise."""
    truncated = not _is_ended(raw)
    msgfids: list[str] = []
    columns: list[list[str]] = [[] for _ in CELLS]
    above: str | None = None
    for text in _runs(raw, truncated=truncated):
        if text is None:
            return None
        left: list[str] = []
        before, *messages = _MESSAGE.split(text)
        for msgfid, reports in zip((above, *messages[::2]), (before, *messages[1::2]), strict=True):
            above = msgfid
            cut = _REPORT.split(reports)
            left += cut[::_STEP]
            msgfids += [(above or "").strip()] * (len(cut) // _STEP)
            for column, start in zip(columns, range(1, _STEP), strict=True):
                column += cut[start::_STEP]
        if _MORE.search("\n".join(left).lower()):
            return None
    return None if above is None else batch_of(msgfids, columns, truncated=truncated)


def _is_ended(raw: bytes) -> bool:
    return bool(_REPLY_END.search(raw, max(0, len(raw) - 100)))


def _runs(raw: bytes, *, truncated: bool) -> Iterator[str | None]:
    """The body in runs that end with a report, and then what follows, unless that was cut short.

    None if between two ends there is more than a report can be, or if an end is in what was cut short, spelt otherwise.
    """
    rest = ""
    for text in _pieces(raw):
        whole, end, rest = (rest + text).rpartition(_REPORT_END)
        if end:
            yield whole + end
        if len(rest) > _LONGEST_REPORT:
            yield None
    if not truncated:
        yield rest
    elif _DAMAGED_REPORT_END.search(rest):
        yield None


def _pieces(raw: bytes) -> Iterator[str]:
    """A body to be searched. XML knows no control characters, and no database takes an id with a NUL in it."""
    # A broken letter can only stand in a label: in a number or an id it would match nothing anyway.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for start in range(0, len(raw), _PIECE):
        yield decoder.decode(raw[start : start + _PIECE].translate(None, _CONTROLS))


def _reports_below(root: etree._Element) -> ReportBatch:
    msgfids: list[str] = []
    rows: list[Row] = []
    for report in root.iter():
        if name_of(report) != "dlr":
            continue
        cells = fields_of(report)
        msgfids.append(_msgfid_above(report))
        rows.append(tuple(cells.get(name, "") for name in CELLS))
    return batch_of(msgfids, columns_of(rows), truncated=False)


def _msgfid_above(report: etree._Element) -> str:
    message = next((element for element in report.iterancestors() if name_of(element) == "message"), None)
    return "" if message is None else fields_of(message).get("msgfid", "")


def _salvage(raw: bytes, fault: BadReply) -> ReportBatch:
    """The reports whose end is there in a body that is no tree because of `fault`.

    Raises Refused or BadReply if there is none.
    """
    msgfid = ""
    msgfids: list[str] = []
    rows: list[Row] = []
    for report in _ended_reports(raw):
        cells = _cells(report)
        msgfid = cells.get("msgfid", msgfid)
        if "statut" in cells:
            msgfids.append(msgfid)
            rows.append(tuple(cells.get(name, "") for name in CELLS))
    too_large = fault.reason in TOO_LARGE
    if not rows and too_large:
        raise fault
    if not rows:
        _check_remains(next(_pieces(raw), ""), raw)
    # What is only too large may be whole.
    return batch_of(msgfids, columns_of(rows), truncated=not (too_large and _is_ended(raw)))


def _ended_reports(raw: bytes) -> Iterator[str]:
    """What stands between the ends of two reports; what follows the last was cut short."""
    rest = ""
    for text in _pieces(raw):
        *reports, rest = _DAMAGED_REPORT_END.split(rest + text)
        yield from reports
        # Of two values of a name the last counts, so the nearest to the end are enough.
        rest = rest[-_LONGEST_REPORT:]


def _cells(text: str) -> dict[str, str]:
    """The values by name; of two of a name the last, because what was begun before it was never ended."""
    return {spelt(name): value.strip() for name, value in _DAMAGED_CELL.findall(text)}


def _check_remains(text: str, raw: bytes) -> None:
    root = _REPLY_ROOT.search(text)
    if root is None or _FAULT.search(text):
        raise BadReply("SOAP fault" if _FAULT.search(text) else what_else(text), partial=raw)
    statuses = [integer(value.strip()) for name, value in _DAMAGED_CELL.findall(text, root.end()) if name == "statut"]
    check_report_status((statuses and statuses[0]) or 0, raw)
