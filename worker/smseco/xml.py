"""The XML form: requests built, replies read (I-1, II-1, III-2, IV-1-2, IV-2-2, V-2).

The wire's French ends here. Safety and spelling are the business of `xml_tree.py`, delivery reports are read in
`xml_reports.py`, and what a reply proves is decided in `outcome.py`.
"""

import re
from collections.abc import Sequence

from lxml import etree

from worker.smseco.errors import BadReply
from worker.smseco.fields import Columns, answer_of, balance_of
from worker.smseco.markup import MARK, element, elements, repeated
from worker.smseco.message import filter_of, lookup_message, message_of
from worker.smseco.outcome import Answer
from worker.smseco.request import Request, urlencode
from worker.smseco.values import Balance, Credentials, Sending
from worker.smseco.xml_rows import without_rows
from worker.smseco.xml_tree import child_named, fields_of, name_of, parse_reply, text_of

_MSGFID = re.compile(rb"<(?:[\w.-]+:)?msgfid(?:\s[^<>]*)?>\s*([A-Za-z0-9._-]{1,64})\s*</", re.IGNORECASE)

# Requests


def send_request(credentials: Credentials, sending: Sending) -> Request:
    """A send (I-1-1), or a mail merge if the sending has fields (II-1-1)."""
    return _request("sendsms", credentials, element("message", elements(message_of(sending))), _recipients(sending))


def lookup_request(credentials: Credentials, msgid: str, numbers: Sequence[int | str]) -> Request:
    """A number lookup (V-2-1), at the path as the vendor prints it. Raises ValueError like `Sending`."""
    message = element("message", elements(lookup_message(msgid, numbers)))
    return _request("sendhrl", credentials, message, _numbers(numbers))


def reports_request(credentials: Credentials, msgfid: str | None = None, smsfid: str | None = None) -> Request:
    """A question for delivery reports, of one sending or one SMS if named (III-2-1). Raises ValueError."""
    chosen = filter_of(msgfid, smsfid)
    return _request("getdlrs", credentials, element("message", elements(chosen)) if chosen else "")


def balance_request(credentials: Credentials) -> Request:
    """A question for the balance (IV-1-2-1)."""
    return _request("getbalance", credentials)


def senders_request(credentials: Credentials) -> Request:
    """A question for the registered sender names (IV-2-2-1)."""
    return _request("getsenders", credentials)


def _request(operation: str, credentials: Credentials, message: str = "", recipients: str = "") -> Request:
    """The whole document; `recipients` come urlencoded, being too many to go over their tags again."""
    account = element("compte", elements({"login": credentials.login, "password": credentials.password}))
    if recipients:
        recipients = urlencode("<destinataires>") + recipients + urlencode("</destinataires>")
    body = urlencode(f"<SMS>{account}{message}") + recipients + urlencode("</SMS>")
    return Request(path=f"api/xml/{operation}/", body=f"XML={body}".encode("ascii"))


def _numbers(numbers: Sequence[int | str]) -> str:
    """Plain recipients, urlencoded."""
    return repeated(element("numero", MARK), numbers, encode=urlencode)


def _recipients(sending: Sending) -> str:
    """The recipients, with their values in a mail merge, urlencoded."""
    if sending.values is None:
        return _numbers(sending.numbers)
    datas = element("datas", "".join(element(name, MARK) for name in sending.fields))
    return repeated(element("sms", element("numero", MARK) + datas), sending.numbers, sending.values, encode=urlencode)


# Replies


def read_answer(body: bytes) -> Answer:
    """The reply to a send or lookup (I-1-1, V-1). Raises BadReply if it is not whole, well-formed and a reply."""
    return _quick_answer(body) or _answer(parse_reply(body))


def _quick_answer(body: bytes) -> Answer | None:
    """What `_answer` reads of the whole body, in a third of the time; None where that is not sure."""
    parted = without_rows(body)
    if parted is None:
        return None
    shell, columns = parted
    try:
        root = parse_reply(shell)
    except BadReply:
        return None  # what is said of it has to be said of the whole body
    return None if child_named(root, "messages") is None else answer_of(fields_of(root), columns)


def _answer(root: etree._Element) -> Answer:
    return answer_of(fields_of(root), _sms_columns(child_named(root, "messages")))


def glimpse_msgfid(body: bytes) -> str | None:
    """The sending's id in a reply that is cut short or otherwise of no use."""
    found = _MSGFID.search(body)
    return found[1].decode("ascii") if found else None


def read_balance(body: bytes) -> Balance:
    """The account's balance (IV-1-1); raises BadReply."""
    return balance_of(fields_of(parse_reply(body)), body)


def read_senders(body: bytes) -> tuple[str, ...]:
    """The registered sender names (IV-2-1); raises BadReply."""
    senders = child_named(parse_reply(body), "senders")
    if senders is None:
        raise BadReply("no senders", partial=body)
    return tuple(name for sender in senders if (name := text_of(sender)))


def _sms_columns(messages: etree._Element | None) -> Columns:
    """Columns of smsfid, destination and credits: by position, or by name where a row is not as the vendor shows."""
    smsfids: list[str] = []
    destinations: list[str] = []
    amounts: list[str] = []
    for sms in messages if messages is not None else ():
        try:
            smsfid, destination, cost = sms
        except ValueError:
            smsfid = destination = cost = sms
        if smsfid.tag == "smsfid" and destination.tag == "destination" and cost.tag == "credits":
            row = (smsfid.text or "", destination.text or "", cost.text or "")
        elif name_of(sms) == "sms":
            fields = fields_of(sms)
            row = (fields.get("smsfid", ""), fields.get("destination", ""), fields.get("credits", ""))
        else:
            continue
        smsfids.append(row[0].strip())
        destinations.append(row[1].strip())
        amounts.append(row[2].strip())
    return smsfids, destinations, amounts
