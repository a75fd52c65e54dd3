"""The JSON form: requests built, replies read (I-3-1, II-2-1, III-3-1, IV-1-3-1, IV-2-3-1, V-3-1).

The wire's French ends here. Safety and spelling are the business of `json_tree.py`, delivery reports are read in
`json_reports.py`, and what a reply proves is decided in `outcome.py`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from worker.smseco.errors import BadReply
from worker.smseco.fields import Columns, answer_of, balance_of
from worker.smseco.json_tree import parse_reply, rows_of, text_of, texts_of
from worker.smseco.message import filter_of, lookup_message, message_of
from worker.smseco.outcome import Answer
from worker.smseco.request import Request, urlencode
from worker.smseco.values import Balance, Credentials, Sending

# The vendor writes these as numbers, and all else as texts.
_SWITCHES = ("flash", "unicode", "binaire")
_SMS = ("smsfid", "destination", "credits")
_MSGFID = re.compile(
    rb'"msgfid"\s*:\s*(?:"\s*([A-Za-z0-9._-]{1,64})\s*"|([0-9]{1,64})\s*[,}])',
    re.IGNORECASE,
)

# Requests


def send_request(credentials: Credentials, sending: Sending) -> Request:
    """A send (I-3-1), or a mail merge if the sending has fields (II-2-1)."""
    message: dict[str, str | int] = {**message_of(sending)}
    message.update({name: int(message[name]) for name in _SWITCHES})
    return _request("sendsms", credentials, message=message, destinataires=_recipients(sending))


def lookup_request(credentials: Credentials, msgid: str, numbers: Sequence[int | str]) -> Request:
    """A number lookup (V-3-1), at the path as the vendor prints it. Raises ValueError like `Sending`."""
    message = lookup_message(msgid, numbers)
    return _request("sendhrl", credentials, message=message, destinataires=_numbers(numbers))


def reports_request(credentials: Credentials, msgfid: str | None = None, smsfid: str | None = None) -> Request:
    """A question for delivery reports, of one sending or one SMS if named (III-3-1). Raises ValueError.

    The vendor prints the path of the XML form here; every other one of this form has `json` in it.
    """
    chosen = filter_of(msgfid, smsfid)
    return _request("getdlrs", credentials, message=chosen) if chosen else _request("getdlrs", credentials)


def balance_request(credentials: Credentials) -> Request:
    """A question for the balance (IV-1-3-1)."""
    return _request("getbalance", credentials)


def senders_request(credentials: Credentials) -> Request:
    """A question for the registered sender names (IV-2-3-1)."""
    return _request("getsenders", credentials)


def _request(operation: str, credentials: Credentials, **parts: object) -> Request:
    account = {"login": credentials.login, "password": credentials.password}
    document = json.dumps({"compte": account, **parts}, separators=(",", ":"))
    return Request(path=f"api/json/{operation}/", body=f"JSON={urlencode(document)}".encode("ascii"))


def _numbers(numbers: Sequence[int | str]) -> list[Mapping[str, str]]:
    return [{"numero": str(number)} for number in numbers]


def _recipients(sending: Sending) -> Sequence[Mapping[str, Any]]:
    """The recipients, with their values in a mail merge."""
    if sending.values is None:
        return _numbers(sending.numbers)
    return [
        {"numero": str(number), "datas": dict(zip(sending.fields, values, strict=True))}
        for number, values in zip(sending.numbers, sending.values, strict=True)
    ]


# Replies


def read_answer(body: bytes) -> Answer:
    """The reply to a send or lookup (I-3-1, V-3-1). Raises BadReply if it is not whole, well-formed and a reply."""
    reply = parse_reply(body)
    return answer_of(texts_of(reply), _sms_columns(reply.get("messages")))


def glimpse_msgfid(body: bytes) -> str | None:
    """The sending's id in a reply that is cut short or otherwise of no use.

    Never what is called `msgid` there, though I-3-1 does so: it may be the echo of ours, and the reports of a wrong id
    would be taken as proof.
    """
    found = _MSGFID.search(body)
    return (found[1] or found[2]).decode("ascii") if found else None


def read_balance(body: bytes) -> Balance:
    """The account's balance (IV-1-1); raises BadReply."""
    return balance_of(texts_of(parse_reply(body)), body)


def read_senders(body: bytes) -> tuple[str, ...]:
    """The registered sender names (IV-2-1), each a text or an object with a `sender`; raises BadReply."""
    reply = parse_reply(body)
    if "senders" not in reply:
        raise BadReply("no senders", partial=body)
    return tuple(name for name in _names(reply["senders"]) if name)


def _names(value: object) -> list[str]:
    names: list[str] = []
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            value = [value["sender"]] if "sender" in value else list(value.values())
        if isinstance(value, list):
            waiting += reversed(value)
        else:
            names.append(text_of(value))
    return names


def _sms_columns(messages: object) -> Columns:
    """Columns of smsfid, destination and credits."""
    rows = rows_of(messages, "smsfid", "destination")
    smsfids, destinations, amounts = ([text_of(row.get(name)) for row in rows] for name in _SMS)
    return smsfids, destinations, amounts
