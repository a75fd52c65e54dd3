"""The SOAP form: requests in envelopes of our own, replies read as XML (I-4, II-3, III-4, IV-1-4, IV-2-4, V-4).

The vendor prints PHP calls and no envelope. Assumed: SOAP 1.1, document/literal, one element named by the operation,
with the parameters under the names of the PHP arrays; a reply holds the fields of the XML form, or that whole reply as
a text (`xml_tree.py` takes them out of their envelope).
"""

from collections.abc import Sequence

from worker.smseco import xml
from worker.smseco.markup import MARK, element, elements, repeated
from worker.smseco.message import filter_of, lookup_message, message_of
from worker.smseco.request import Request
from worker.smseco.values import PLACEHOLDER, Credentials, Sending
from worker.smseco.xml import read_answer, read_balance, read_senders

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

MOST_FIELDS = 10

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_OPERATIONS = "http://www.smseco.com/api/soap/server/"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_FILTERS = {"msgfid": "msgid", "smsfid": "smsid"}


def send_request(credentials: Credentials, sending: Sending) -> Request:
    """A send (I-4), or a mail merge if the sending has fields (II-3).

    Raises ValueError for a merge that cannot be told by position: of more than ten fields, or with braces in its text
    that are no field's.
    """
    merge = _merge(sending)
    return _request("Sendsms", credentials, elements(message_of(sending)) + _numbers(sending.numbers) + merge)


def lookup_request(credentials: Credentials, msgid: str, numbers: Sequence[int | str]) -> Request:
    """A number lookup (V-4). Raises ValueError like `Sending`."""
    return _request("SendHlr", credentials, elements(lookup_message(msgid, numbers)) + _numbers(numbers))


def reports_request(credentials: Credentials, msgfid: str | None = None, smsfid: str | None = None) -> Request:
    """A question for delivery reports, of one sending or one SMS if named (III-4). Raises ValueError."""
    chosen = filter_of(msgfid, smsfid)
    return _request("Getdlrs", credentials, elements({_FILTERS[name]: value for name, value in chosen.items()}))


def balance_request(credentials: Credentials) -> Request:
    """A question for the balance (IV-1-4)."""
    return _request("Getbalance", credentials)


def senders_request(credentials: Credentials) -> Request:
    """A question for the registered sender names (IV-2-4)."""
    return _request("Getsenders", credentials)


def _request(operation: str, credentials: Credentials, parameters: str = "") -> Request:
    account = elements({"login": credentials.login, "password": credentials.password})
    document = (
        f'{_DECLARATION}<soap:Envelope xmlns:soap="{_ENVELOPE}"><soap:Body>'
        f'<{operation} xmlns="{_OPERATIONS}">{account}{parameters}</{operation}></soap:Body></soap:Envelope>'
    )
    return Request(
        path="api/soap/server/",
        body=document.encode(),
        content_type="text/xml; charset=utf-8",
        action=operation,
    )


def _numbers(numbers: Sequence[int | str]) -> str:
    return repeated(element("to", MARK), numbers)


def _merge(sending: Sending) -> str:
    """Each number with its values in the order in which the text asks for them; nothing for a plain send."""
    columns = _columns(sending)
    if not columns or sending.values is None:
        return ""
    datas = "".join(element(f"data{place}", MARK) for place in range(1, len(columns) + 1))
    values = [[row[column] for column in columns] for row in sending.values]
    return repeated(element("publipostage", element("to", MARK) + datas), sending.numbers, values)


def _columns(sending: Sending) -> list[int]:
    """Which of `fields` data1, data2 … are: assumed, that data n fills the n-th placeholder of another name.

    So a placeholder that comes again gets the value it had, and a field that the text does not ask for is not sent.
    """
    if not sending.fields:
        return []
    names = list(dict.fromkeys(PLACEHOLDER.findall(sending.text)))
    # One that is not ours might be counted by the gateway, and all after it would get another's value.
    if not set(names).issubset(sending.fields):
        raise ValueError("text holds braces that are no field's, which soap would fill by position: choose xml or json")
    if len(names) > MOST_FIELDS:
        raise ValueError(f"soap carries at most {MOST_FIELDS} fields, and text has {len(names)}: choose xml or json")
    return [list(sending.fields).index(name) for name in names]


# Replies


def glimpse_msgfid(body: bytes) -> str | None:
    """As in the XML form, also where that reply is a text within the envelope."""
    return xml.glimpse_msgfid(body.replace(b"&lt;", b"<").replace(b"&gt;", b">"))
