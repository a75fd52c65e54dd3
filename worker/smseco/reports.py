"""Delivery reports out of a body, whatever form it is in: the form is told by how the body begins.

A body that was kept years ago, or was asked for by hand in another form, is therefore read like any other.
"""

import re

from worker.smseco import json_reports, xml_reports
from worker.smseco.values import ReportBatch

_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{[]")
# An SMS that is named, in a field that is not empty, under whatever it stands.
_TRACE = re.compile(rb'(?:smsfid|destination)(?:\s[^<>]{0,200})?(?:>|"\s*:)\s*"?[^<"\s]', re.IGNORECASE)
_UNUSUAL = re.compile(rb'</(?:[\w.-]+:)?dlr\s*>|"smsfid"', re.IGNORECASE)


def parse_reports(raw: bytes) -> ReportBatch:
    """The reports in a reply to a report request (III-1); empty if it says that there are none (0 or -15).

    Raises Refused for a documented refusal, BadReply if this is no reply of the API and holds no report.
    """
    return json_reports.parse_reports(raw) if _is_json(raw) else xml_reports.parse_reports(raw)


def count_reports(raw: bytes) -> int:
    """About how many reports are in a body, at a glance; one that was cut in two may count."""
    return raw.count(b"</dlr>") or raw.count(b'"smsfid"') or sum(1 for _ in _UNUSUAL.finditer(raw))


def names_an_sms(raw: bytes) -> bool:
    """Whether a body names an SMS: then it is not known to be empty, even if no report can be made out in it."""
    return _TRACE.search(raw) is not None


def _is_json(raw: bytes) -> bool:
    """Told by the first bracket; where something else stands before it, a notice of PHP perhaps, by a name of each."""
    return bool(_JSON.match(raw)) or (b'"dlrs"' in raw and b"<dlrs" not in raw)
