"""The WSDL: it is there for whoever asks, it tells where it was reached, and what it says holds for the replies."""

import http.client
import ssl
import urllib.request
from urllib.parse import urlsplit

import pytest
from lxml import etree

from tests.worker.sandbox.documented import ANSWERS, REFUSALS, WORD_FOR_WORD
from worker.sandbox import soap, wsdl
from worker.sandbox.asked import OPTIONS
from worker.sandbox.codes import Refused
from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import running

NAMES = {
    "w": "http://schemas.xmlsoap.org/wsdl/",
    "s": "http://schemas.xmlsoap.org/wsdl/soap/",
    "x": "http://www.w3.org/2001/XMLSchema",
}
WSDL = etree.fromstring(wsdl.write("http://127.0.0.1/api/soap/server/"))
SCHEMA = etree.XMLSchema(etree.fromstring(etree.tostring(WSDL.find("w:types/x:schema", NAMES))))


def location(document: str | bytes) -> str:
    """Where a WSDL says that its server is."""
    root = etree.fromstring(document.encode() if isinstance(document, str) else document)
    return root.find("w:service/w:port/s:address", NAMES).get("location")


def got(netloc: str, path: str, host: str | bytes) -> tuple[int, bytes]:
    """Status and body of a GET with such a Host header."""
    connection = http.client.HTTPConnection(netloc, timeout=60)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/soap/wsdl/", "/api/soap/server/"),
        ("/api/soap/wsdl", "/api/soap/server/"),
        ("/API/Soap/WSDL", "/api/soap/server/"),
        ("/api/soap/wSDL/", "/api/soap/server/"),
        ("/api/soap/wsdl/?x=1", "/api/soap/server/"),
        ("/api/soap/server/?wsdl", "/api/soap/server/"),
        ("/api/soap/server?WSDL", "/api/soap/server/"),
        ("/client/CODE/fr/api/soap/wsdl/", "/client/CODE/fr/api/soap/server/"),
        ("/client/C%20%26'%3C/api/soap/wsdl/", "/client/C%20%26'%3C/api/soap/server/"),
    ],
)
def test_the_address_is_under_the_base_path_that_the_wsdl_was_asked_at(shared, path, expected):
    reply = shared.post(path, "", method="GET")
    assert (reply.status, reply.type) == (200, "text/xml; charset=utf-8")
    assert location(reply.text) == shared.sandbox.url + expected


@pytest.mark.parametrize("host", ["www.smseco.com", "localhost:8080", "[::1]:8080", "xn--smsco-esa.ci"])
def test_the_address_is_at_the_host_that_was_asked_for(shared, host):
    status, body = got(urlsplit(shared.sandbox.url).netloc, "/api/soap/wsdl/", host)
    assert (status, location(body)) == (200, f"http://{host}/api/soap/server/")


@pytest.mark.parametrize("host", ['a"/><b>&amp;', "a'b&c", b"\xff\xfe", "é", "a\tb", "x" * 5_000])
def test_a_host_that_nobody_has_makes_no_other_document(shared, host):
    status, body = got(urlsplit(shared.sandbox.url).netloc, "/api/soap/wsdl/", host)
    assert status in (200, 400)
    if status == 200:
        assert location(body).endswith("/api/soap/server/")
        assert body.count(b"<") == etree.tostring(WSDL, xml_declaration=True).count(b"<")


@pytest.mark.needs("openssl")
def test_the_address_is_https_where_it_was_reached_so_whatever_is_said_of_other_connections(certificate):
    key, public = certificate
    trusting = ssl.create_default_context(cafile=public)
    with running(SandboxOptions(tls_key=key, tls_certificate=public)) as sandbox:
        address = urllib.request.Request(f"{sandbox.url}/api/soap/wsdl/", headers={"X-Forwarded-Proto": "http"})
        with urllib.request.urlopen(address, context=trusting, timeout=60) as response:
            assert location(response.read()) == f"{sandbox.url}/api/soap/server/"
        assert sandbox.url.startswith("https://")


def test_every_operation_is_bound_as_document_literal_wrapped():
    operations = WSDL.findall("w:binding/w:operation", NAMES)
    assert [operation.get("name") for operation in operations] == [
        operation.get("name") for operation in WSDL.findall("w:portType/w:operation", NAMES)
    ]
    assert {operation.get("name") for operation in operations} == {
        "Sendsms", "Getdlrs", "Getbalance", "Getsenders", "SendHlr",
    }  # fmt: skip
    assert {body.get("use") for body in WSDL.iterfind("w:binding//s:body", NAMES)} == {"literal"}
    assert {bound.get("style") for bound in WSDL.iterfind("w:binding//s:operation", NAMES)} == {"document"}
    elements = {part.get("element").removeprefix("tns:") for part in WSDL.iterfind("w:message/w:part", NAMES)}
    assert elements == {element.get("name") for element in WSDL.iterfind("w:types/x:schema/x:element", NAMES)}


@pytest.mark.parametrize(
    "name",
    [
        "send_as_printed", "send", "send_every_option", "send_special_text", "merge", "merge_as_printed", "reports",
        "reports_of_one", "balance", "senders", "lookup",
    ],
)  # fmt: skip
def test_the_documents_requests_are_valid_but_for_the_order_of_the_samples_arrays(transcript, name):
    (command,) = etree.fromstring(transcript(f"soap/{name}_request.xml"))[0]
    if "as_printed" in name:
        command[:] = sorted(command, key=lambda child: FIELDS.index(etree.QName(child).localname))
    SCHEMA.assertValid(command)


FIELDS = [
    field.get("name") for field in WSDL.iterfind("w:types/x:schema/x:element[@name='Sendsms']//x:sequence/*", NAMES)
]


def test_a_send_takes_every_option_of_the_document():
    assert set(FIELDS) == {"login", "password", "msgid", "expediteur", "msg", "unicode", "datesend", *OPTIONS} | {
        "to", "publipostage",
    }  # fmt: skip


@pytest.mark.parametrize("name", [*ANSWERS, *WORD_FOR_WORD])
def test_every_reply_is_valid(name):
    answer = WORD_FOR_WORD.get(name) or ANSWERS[name][0]
    SCHEMA.assertValid(etree.fromstring(soap.write(answer))[0][0])


@pytest.mark.parametrize(("operation", "code"), [(operation, code) for operation, code, _ in REFUSALS])
def test_every_refusal_is_valid(operation, code):
    SCHEMA.assertValid(etree.fromstring(soap.write_refusal(operation, Refused(code)))[0][0])


@pytest.mark.parametrize(
    "name",
    ["send_reply", "send_in_part_reply", "refused_reply", "reports_reply", "reports_every_status_reply",
     "reports_none_reply", "balance_reply", "balance_refused_reply", "senders_reply", "senders_refused_reply",
     "lookup_reply", "lookup_refused_reply"],
)  # fmt: skip
def test_the_documents_replies_are_valid(transcript, name):
    SCHEMA.assertValid(etree.fromstring(transcript(f"soap/{name}.xml"))[0][0])
