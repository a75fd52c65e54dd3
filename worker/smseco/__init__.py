"""A client for the SMSECO API v2, of use without the rest of this project."""

from worker.smseco.client import Gateway
from worker.smseco.codes import REFUSALS, REPORT_CODES, Refusal, ReportCode
from worker.smseco.errors import (
    BadReply,
    BadRequest,
    GatewayError,
    InDoubt,
    NeedsPerson,
    NotEnoughCredits,
    NotSent,
    ReadFailed,
    Refused,
    Unreachable,
)
from worker.smseco.reports import parse_reports
from worker.smseco.values import Balance, Credentials, Receipt, ReportBatch, Sending

__all__ = [
    "REFUSALS",
    "REPORT_CODES",
    "BadReply",
    "BadRequest",
    "Balance",
    "Credentials",
    "Gateway",
    "GatewayError",
    "InDoubt",
    "NeedsPerson",
    "NotEnoughCredits",
    "NotSent",
    "ReadFailed",
    "Receipt",
    "Refusal",
    "Refused",
    "ReportBatch",
    "ReportCode",
    "Sending",
    "Unreachable",
    "parse_reports",
]
