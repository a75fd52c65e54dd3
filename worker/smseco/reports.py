"""Delivery reports out of a body, whatever form it is in: the form is told by how the body begins.

A body that was kept years ago, or was asked for by hand in another form, is therefore read like any other.
"""

from worker.smseco import xml_reports
from worker.smseco.values import ReportBatch


def parse_reports(raw: bytes) -> ReportBatch:
    """The reports in a reply to a report request (III-1); empty if it says that there are none (0 or -15).

    Raises Refused for a documented refusal, BadReply if this is no reply of the API and holds no report.
    """
    return xml_reports.parse_reports(raw)
