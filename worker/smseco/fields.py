"""The fields of a reply, whatever form it came in: their names, and the small values in them, read leniently.

A form (`xml.py`, say) turns a body into texts by name; here they become numbers, amounts and moments. The vendor's own
document spells `text` for `texte` and `statur` for `statut`, and puts numbers into strings.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from worker.smseco.errors import BadReply
from worker.smseco.outcome import Answer
from worker.smseco.values import Balance, ReportBatch

_SPELLINGS = {"text": "texte", "statur": "statut"}
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_LONGEST_VALUE = 100  # characters of an amount or a date: longer ones would be searched for nothing
_DATE_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")

Row = tuple[str, ...]
"""A report as text: the values of `CELLS`."""

CELLS = ("smsfid", "destination", "date", "statut")

Columns = tuple[Sequence[str], Sequence[str], Sequence[str]]
"""smsfid, destination and credits of each `sms` in a reply to a send or lookup."""


def spelt(name: str) -> str:
    """A field's name in lower case and in its usual spelling."""
    name = name.lower()
    return _SPELLINGS.get(name, name)


def answer_of(fields: Mapping[str, str], columns: Columns) -> Answer:
    """The reply to a send or lookup (I-1-1, V-1); raises BadReply if it has no `statut`."""
    smsfids, destinations, amounts = columns
    # There are one or two of them, in a batch of hundreds.
    known = {text: amount(text) for text in set(amounts)}
    return Answer(
        status=status_of(fields),
        text=fields.get("texte", ""),
        msgfid=fields.get("msgfid") or None,
        msgid=fields.get("msgid") or None,
        recipients=integer(fields.get("destinataires", "")),
        sms=integer(fields.get("sms", "")),
        credits=amount(fields.get("credits", "")),
        balance=amount(fields.get("solde", "")),
        smsfids=list(smsfids),
        destinations=list(destinations),
        message_credits=[known[text] for text in amounts],
    )


def balance_of(fields: Mapping[str, str], body: bytes) -> Balance:
    """The account's balance (IV-1-1); raises BadReply, with `body`, if it has no credits."""
    left = amount(fields.get("credits", ""))
    if left is None:
        raise BadReply("no credits", partial=body)
    return Balance(
        account_id=fields.get("accountid", ""),
        credits=left,
        expires=moment(fields.get("expire", "")),
        consumed=amount(fields.get("cumul", "")),
    )


def columns_of(rows: Sequence[Row]) -> Sequence[Sequence[str]]:
    """The values of `CELLS` of all of them, each for itself."""
    return list(zip(*rows, strict=True)) if rows else [[] for _ in CELLS]


def batch_of(msgfids: list[str], columns: Sequence[Sequence[str]], *, truncated: bool) -> ReportBatch:
    """Reports (III-1) from columns of `CELLS`, which are as long as `msgfids`."""
    smsfids, destinations, dates, codes = columns
    # There are ten of them, in a hundred thousand rows.
    numbers = {code: integer(code.strip()) or 0 for code in set(codes)}
    return ReportBatch(
        msgfids=msgfids,
        smsfids=list(map(str.strip, smsfids)),
        destinations=list(map(str.strip, destinations)),
        codes=[numbers[code] for code in codes],
        dates=list(map(str.strip, dates)),
        truncated=truncated,
    )


def status_of(fields: Mapping[str, str], body: bytes = b"") -> int:
    """The `statut`; raises BadReply, with `body`, if there is none."""
    status = integer(fields.get("statut", ""))
    if status is None:
        raise BadReply("no statut", partial=body)
    return status


def integer(text: str) -> int | None:
    """A whole number, or None."""
    return int(text) if _INTEGER.fullmatch(text) else None


def amount(text: str) -> Decimal | None:
    """An amount of credits, or None; a decimal comma and blanks between thousands are understood."""
    if len(text) > _LONGEST_VALUE:
        return None
    plain = "".join(text.split()).replace(",", ".")
    return Decimal(plain) if _AMOUNT.fullmatch(plain) else None


def moment(text: str) -> datetime | None:
    """A date, with or without a time, in UTC (Abidjan's time), or None."""
    if len(text) > _LONGEST_VALUE:
        return None
    for pattern in _DATE_FORMATS:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
