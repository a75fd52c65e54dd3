"""The SOAP form (I-4, II-3, III-4, IV-1-4, IV-2-4, V-4): an envelope into what is asked, an answer into an envelope.

Assumed, as the document shows programs and no envelope: document/literal, the namespace, and a reply with the fields of
the XML form's. Envelopes are read by local names, so that any namespace, prefix and version of SOAP will do; headers
are passed over. What the WSDL says of all this stands in wsdl.py.
"""

import re

from lxml import etree

from worker.sandbox import xml
from worker.sandbox.asked import Asked
from worker.sandbox.calls import Accepted, Answer, BalanceAnswer, Recipient, ReportsAnswer
from worker.sandbox.codes import Refused
from worker.sandbox.documents import root_of

CONTENT_TYPE = "text/xml"
ENVELOPES = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "http://www.smseco.com/api/soap/server/"
NAMES = {
    "send": "Sendsms",
    "reports": "Getdlrs",
    "balance": "Getbalance",
    "senders": "Getsenders",
    "lookup": "SendHlr",
}
MOST_DATAS = 10

_OPERATIONS = {name.lower(): operation for operation, name in NAMES.items()}
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def opened(body: bytes) -> etree._Element | None:
    """The element that is named like the operation, or None in what is no envelope with one."""
    try:
        root = root_of(body)
    except Refused:
        return None
    bodies = (part for part in root if _name(part) == "Body") if _name(root) == "Envelope" else ()
    return next((part[0] for part in bodies if len(part)), None)


def operation(command: etree._Element | None) -> str:
    """The operation that the command names, whatever its case; `unknown` where it is none."""
    return "unknown" if command is None else _OPERATIONS.get(_name(command).lower(), "unknown")


def read(command: etree._Element | None) -> Asked:
    """What the command asks. Raises Refused(-1) where there is none."""
    if command is None:
        raise Refused(-1)
    texts: dict[str, str] = {}
    for child in command:
        texts.setdefault(_name(child), child.text or "")
    # Getdlrs calls its filters msgid and smsid; its section says too that the names are those of the XML form.
    message = {"msgfid": texts.get("msgid", ""), "smsfid": texts.get("smsid", "")} | texts
    return Asked(texts, message, _recipients(command, texts.get("msg", "")))


def write(answer: Answer) -> bytes:
    """The reply to an accepted request."""
    return _reply(_answered(answer), xml.fields(answer))


def write_refusal(operation: str, refused: Refused) -> bytes:
    """The reply to a refused request; a fault where it was for no operation that there is."""
    if operation in NAMES:
        return _reply(operation, xml.refusal_fields(operation, refused))
    return _envelope(
        f"<soap:Fault><faultcode>soap:Client</faultcode><faultstring>{refused.text}</faultstring></soap:Fault>"
    )


def _recipients(command: etree._Element, text: str) -> list[Recipient]:
    """Those of the mail merge, and then those who stand in `to` alone: `to` names the former once more (II-3)."""
    placeholders = list(dict.fromkeys(_PLACEHOLDER.findall(text)))[:MOST_DATAS]
    merge = [_merge_recipient(child, placeholders) for child in command if _name(child) == "publipostage"]
    merged = {number for number, _ in merge}
    plain = ((child.text or "").strip() for child in command if _name(child) == "to")
    return [*merge, *((number, []) for number in plain if number not in merged)]


def _merge_recipient(recipient: etree._Element, placeholders: list[str]) -> Recipient:
    """Values have a place and no name: data1 is for the first placeholder of the text, and so on."""
    texts = {_name(child): child.text or "" for child in recipient if child.get(_NIL) not in ("true", "1")}
    values = [(name, texts[data]) for place, name in enumerate(placeholders, 1) if (data := f"data{place}") in texts]
    return texts.get("to", "").strip(), values


def _name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2]


def _answered(answer: Answer) -> str:
    match answer:
        case Accepted():
            return answer.sending.kind
        case ReportsAnswer():
            return "reports"
        case BalanceAnswer():
            return "balance"
    return "senders"


def _reply(operation: str, fields: str) -> bytes:
    name = f"{NAMES[operation]}Response"
    return _envelope(f'<{name} xmlns="{NAMESPACE}">{fields}</{name}>')


def _envelope(content: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<soap:Envelope xmlns:soap="{ENVELOPES}"><soap:Body>{content}</soap:Body></soap:Envelope>'
    ).encode()
