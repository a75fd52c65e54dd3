"""The WSDL that SOAP clients start from: five operations, document/literal wrapped, and the types of what they carry.

Assumed, as the document names the address and prints no WSDL. Every element may be missing: a request says what it
likes and is refused by `statut`, and a refusal has few of the fields of a reply. The fields of a reply stand in the
order in which they are written, which strict clients insist on.
"""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from worker.sandbox.soap import MOST_DATAS, NAMES, NAMESPACE

CONTENT_TYPE = "text/xml"

_HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<definitions name="smseco" targetNamespace="{NAMESPACE}" xmlns:tns="{NAMESPACE}"
  xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:xsd="http://www.w3.org/2001/XMLSchema">
<types><xsd:schema targetNamespace="{NAMESPACE}" elementFormDefault="qualified">"""

# Fields by name, `name:type` where it is no text, `name*` where there may be many.
_ACCOUNT = "login password"
_OPTIONS = "flash unicode binaire datesend mwi pid rpi alt_dcs udhdata"
_TAKEN = "destinataires:int sms:int credits:decimal solde:decimal messages:tns:sentmessages"
_ELEMENTS = {
    "Sendsms": f"{_ACCOUNT} msgid expediteur msg {_OPTIONS} to* publipostage:tns:numberwithdatas*",
    "SendsmsResponse": f"msgfid statut:int texte {_TAKEN}",
    "Getdlrs": f"{_ACCOUNT} msgid smsid",
    "GetdlrsResponse": "accountid statut:int texte messages:tns:reportmessages",
    "Getbalance": _ACCOUNT,
    "GetbalanceResponse": "accountid statut:int texte credits:decimal expire cumul:decimal",
    "Getsenders": _ACCOUNT,
    "GetsendersResponse": "accountid statut:int texte text senders:tns:senders",
    "SendHlr": f"{_ACCOUNT} msgid to*",
    "SendHlrResponse": f"msgfid statut:int texte text {_TAKEN}",
}
_TYPES = {
    "numberwithdatas": " ".join(["to", *(f"data{place}" for place in range(1, MOST_DATAS + 1))]),
    "sentmessages": "sms:tns:sentsms*",
    "sentsms": "smsfid destination credits:decimal",
    "reportmessages": "message:tns:reportmessage*",
    "reportmessage": "msgfid dlrs:tns:dlrs",
    "dlrs": "dlr:tns:dlr*",
    "dlr": "smsfid destination date statut:int libelle texte",
    "senders": "sender*",
}


def write(address: str) -> bytes:
    """The WSDL of a server at `address`, which may hold whatever a stranger wrote into a Host header."""
    names = NAMES.values()
    location = escape(address, {'"': "&quot;"})
    parts = [
        _HEAD,
        *_schema(),
        "</xsd:schema></types>",
        *map(_messages, names),
        '<portType name="smsecoPort">',
        *map(_operation, names),
        '</portType><binding name="smsecoBinding" type="tns:smsecoPort">',
        '<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>',
        *map(_bound, names),
        '</binding><service name="smseco"><port name="smsecoPort" binding="tns:smsecoBinding">',
        f'<soap:address location="{location}"/></port></service></definitions>',
    ]
    return "\n".join(parts).encode("ascii", "replace")


def _schema() -> Iterator[str]:
    for name, fields in _TYPES.items():
        yield f'<xsd:complexType name="{name}">{_sequence(fields)}</xsd:complexType>'
    for name, fields in _ELEMENTS.items():
        yield f'<xsd:element name="{name}"><xsd:complexType>{_sequence(fields)}</xsd:complexType></xsd:element>'


def _sequence(fields: str) -> str:
    return "<xsd:sequence>" + "".join(_field(field) for field in fields.split()) + "</xsd:sequence>"


def _field(field: str) -> str:
    name, _, kind = field.removesuffix("*").partition(":")
    kind = kind if kind.startswith("tns:") else f"xsd:{kind or 'string'}"
    many = ' maxOccurs="unbounded"' if field.endswith("*") else ""
    return f'<xsd:element name="{name}" type="{kind}" minOccurs="0"{many}/>'


def _messages(name: str) -> str:
    return (
        f'<message name="{name}In"><part name="parameters" element="tns:{name}"/></message>'
        f'<message name="{name}Out"><part name="parameters" element="tns:{name}Response"/></message>'
    )


def _operation(name: str) -> str:
    return f'<operation name="{name}"><input message="tns:{name}In"/><output message="tns:{name}Out"/></operation>'


def _bound(name: str) -> str:
    return (
        f'<operation name="{name}"><soap:operation soapAction="{NAMESPACE}{name}" style="document"/>'
        f'<input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>'
    )
