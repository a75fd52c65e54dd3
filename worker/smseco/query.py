"""The GET form: requests as queries of a URL, replies asked for in XML (I-2, III-1, IV-1-1, IV-2-1, V-1).

The URL holds the password, and servers and proxies write URLs into their logs: the other forms are to be preferred, as
the vendor says of large sends. We log none of it (`connection.py`), and refuse there what is too long for a URL.
"""

from collections.abc import Sequence

from worker.smseco.message import filter_of, lookup_message, message_of
from worker.smseco.request import Request, urlencode
from worker.smseco.values import Credentials, Sending
from worker.smseco.xml import glimpse_msgfid, read_answer, read_balance, read_senders

__all__ = [
    "balance_request",
    "glimpse_msgfid",
    "lookup_request",
    "read_answer",
    "read_balance",
    "read_senders",
    "reports_request",
    "send_request",
    "senders_request",
]


def send_request(credentials: Credentials, sending: Sending) -> Request:
    """A send (I-2). Raises ValueError for a mail merge, which this form does not have.

    Options that I-2 does not print (`mwi`, say) travel too: its parameters are those of I-1.
    """
    if sending.fields:
        raise ValueError("get has no mail merge: choose xml, json or soap")
    return _request("sendsms", credentials, message_of(sending) | _numbers(sending.numbers))


def lookup_request(credentials: Credentials, msgid: str, numbers: Sequence[int | str]) -> Request:
    """A number lookup (V-1), which has no place for `msgid`: it is checked, and left out. Raises ValueError."""
    lookup_message(msgid, numbers)
    return _request("sendhlr", credentials, _numbers(numbers))


def reports_request(credentials: Credentials, msgfid: str | None = None, smsfid: str | None = None) -> Request:
    """A question for delivery reports, of one sending or one SMS if named (III-1). Raises ValueError."""
    return _request("getdlrs", credentials, filter_of(msgfid, smsfid))


def balance_request(credentials: Credentials) -> Request:
    """A question for the balance (IV-1-1)."""
    return _request("Getbalance", credentials, {})


def senders_request(credentials: Credentials) -> Request:
    """A question for the registered sender names (IV-2-1)."""
    return _request("Getsenders", credentials, {})


def _numbers(numbers: Sequence[int | str]) -> dict[str, str]:
    return {"numero": ",".join(map(str, numbers))}


def _request(operation: str, credentials: Credentials, parameters: dict[str, str]) -> Request:
    said = {"login": credentials.login, "password": credentials.password} | parameters
    query = "&".join(f"{name}={urlencode(value)}" for name, value in said.items())
    # A plus sign is a blank to those alone who read a query as a form; this is one to all.
    return Request(path=f"api/xml/{operation}", query=query.replace("+", "%20"))
