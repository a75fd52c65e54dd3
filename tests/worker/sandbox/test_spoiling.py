"""Each fault of a request and of its reply, as a client on a real socket meets it."""

import contextlib
import http.client
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from urllib.parse import urlsplit

import pytest
from lxml import etree

from tests.servers.waiting import eventually
from worker.sandbox.faults import Fault
from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import RunningSandbox, running

NUMBER = "<destinataires><numero>05442710</numero></destinataires>"
SEND = f"<message><msgid>15</msgid><expediteur>TOTO</expediteur><msg>Juste un test</msg></message>{NUMBER}"
COMMANDS = {
    "send": "sendsms",
    "lookup": "sendhrl",
    "reports": "getdlrs",
    "balance": "getbalance",
    "senders": "getsenders",
}
BODY = f"XML=<SMS><compte><login>toto@toto.fr</login><password>123456</password></compte>{SEND}</SMS>"
JSON = (
    'JSON={"compte":{"login":"toto@toto.fr","password":"123456"},"message":{"msgid":"15","expediteur":"TOTO",'
    '"msg":"Juste un test"},"destinataires":[{"numero":"05442710"}]}'
)
SOAP = (
    '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><Sendsms xmlns="">'
    "<login>toto@toto.fr</login><password>123456</password><msgid>15</msgid><expediteur>TOTO</expediteur>"
    "<msg>Juste un test</msg><to>05442710</to></Sendsms></Body></Envelope>"
)
QUERY = "login=toto@toto.fr&password=123456&msgid=15&expediteur=TOTO&msg=Juste+un+test&numero=05442710"
DEMO = "<SMS><compte><login>demo</login><password>demo</password></compte></SMS>"


def statut(reply: str) -> str | None:
    return etree.fromstring(reply.encode()).findtext("statut")


FORMS = {
    "xml": ("POST", "/api/xml/sendsms/", BODY, "text/xml"),
    "json": ("POST", "/api/json/sendsms/", JSON, "application/json"),
    "soap": ("POST", "/api/soap/server/", SOAP, "text/xml"),
    "get as xml": ("GET", f"/api/xml/sendsms?{QUERY}", "", None),
    "get as json": ("GET", f"/api/json/sendsms?{QUERY}", "", None),
    "get as html": ("GET", f"/api/html/sendsms?{QUERY}", "", None),
}


@pytest.fixture(params=FORMS)
def post(request, served):
    """Sends in one of the forms."""
    method, path, body, content_type = FORMS[request.param]
    return lambda: served.post(path, body, method=method, content_type=content_type)


def test_a_reply_of_any_form_is_cut_in_its_middle_and_called_what_it_was(served, post):
    whole = post()
    assert accepted(served) == 1
    served.sandbox.fault("cut_short")
    half = post()
    assert (half.status, half.type) == (whole.status, whole.type)
    assert abs(2 * len(half.text) - len(whole.text)) < 10


def test_a_slow_reply_of_any_form_is_called_what_it_was(served, post):
    whole = post()
    served.sandbox.fault("slow_body", seconds=0.05)
    slow = post()
    assert (slow.status, slow.type, len(slow.text)) == (whole.status, whole.type, len(whole.text))


def test_a_reply_of_any_form_can_be_broken_off(served, post):
    served.sandbox.fault("reset")
    with pytest.raises(ConnectionResetError):
        post()
    assert accepted(served) == 1


def test_a_refusal_comes_in_the_form_that_was_asked_in(served, post):
    whole = post()
    served.sandbox.fault("refuse", code=-12)
    refused = post()
    assert refused.type == whole.type
    assert "Compte non actif dans le système" in unescape(refused.text)
    assert accepted(served) == 1


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("hang_up", http.client.RemoteDisconnected),
        ("drop_reply", http.client.RemoteDisconnected),
        # Which of the two a client is told is its TLS library's affair.
        ("reset", (ConnectionResetError, http.client.IncompleteRead)),
    ],
)
def test_a_connection_ends_as_badly_under_tls(certificate, fault, error):
    key, chain = certificate
    armed = Fault(fault, operation="*")
    with running(SandboxOptions(tls_certificate=chain, tls_key=key, faults=(armed,))) as sandbox:
        context = ssl.create_default_context(cafile=chain)
        connection = http.client.HTTPSConnection(urlsplit(sandbox.url).netloc, timeout=60, context=context)
        connection.request("POST", "/api/xml/getbalance/", f"XML={DEMO}")
        with contextlib.closing(connection), pytest.raises(error):
            connection.getresponse().read()
        assert sandbox.summary()["faults"] == {fault: 1}


def accepted(served) -> int:
    return served.sandbox.summary()["acceptances"]


def connected(sandbox: RunningSandbox) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=60)
    connection.request("POST", "/api/xml/sendsms/", BODY)
    return connection


@pytest.mark.parametrize(("fault", "carried_out"), [("hang_up", 0), ("drop_reply", 1)])
def test_a_connection_is_closed_without_a_word(served, fault, carried_out):
    served.sandbox.fault(fault)
    with pytest.raises(http.client.RemoteDisconnected):
        served.send("05442710")
    assert accepted(served) == carried_out
    assert statut(served.send("07352518")) == "1"


def test_a_connection_is_reset_in_the_middle_of_a_body_whose_length_was_promised(served):
    served.sandbox.fault("reset")
    connection = connected(served.sandbox)
    response = connection.getresponse()
    assert int(response.headers["Content-Length"]) > 300
    with pytest.raises(ConnectionResetError):
        response.read()
    connection.close()
    assert accepted(served) == 1


def test_a_document_ends_in_its_middle_although_the_reply_is_whole(served):
    served.sandbox.fault("cut_short")
    reply = served.post("/api/xml/sendsms/", BODY)
    assert (reply.status, reply.type) == (200, "text/xml; charset=utf-8")
    assert "<REPONSE><msgfid>" in reply.text
    with pytest.raises(etree.XMLSyntaxError):
        statut(reply.text)
    assert accepted(served) == 1


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "said"),
    [("http_500", 500, "text/plain", "Internal Server Error"), ("html_page", 200, "text/html", "maintenance")],
)
def test_something_else_comes_in_place_of_the_reply_to_what_was_carried_out(served, fault, status, content_type, said):
    served.sandbox.fault(fault)
    reply = served.post("/api/xml/sendsms/", BODY)
    assert (reply.status, reply.type.partition(";")[0]) == (status, content_type)
    assert said in reply.text
    assert accepted(served) == 1
    assert statut(served.send("07352518")) == "1"


def test_a_slow_body_comes_whole_in_its_time(served):
    served.sandbox.fault("slow_body", seconds=1.5)
    began = time.monotonic()
    connection = connected(served.sandbox)
    response = connection.getresponse()
    parts = list(iter(lambda: response.read1(4096), b""))
    connection.close()
    assert time.monotonic() - began >= 1.5
    assert len(parts) > 2
    assert statut(b"".join(parts).decode()) == "1"


def test_whoever_leaves_a_slow_body_leaves_the_gateway_in_peace(caplog):
    options = SandboxOptions(
        accounts={"toto@toto.fr": "123456"}, senders=("TOTO",), faults=(Fault("slow_body", seconds=0.5),)
    )
    with running(options) as sandbox:
        connection = connected(sandbox)
        connection.getresponse().close()
        connection.close()
    assert caplog.text == ""


def test_a_slow_request_is_carried_out_only_after_the_wait(served):
    served.sandbox.fault("slow", seconds=2)
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(served.send, "05442710")
        assert eventually(lambda: served.sandbox.summary()["requests"] == {"send": 1})
        assert accepted(served) == 0
        assert statut(sending.result()) == "1"
    assert accepted(served) == 1


def test_latency_comes_after_the_request_was_carried_out(served):
    served.sandbox.fault("latency", seconds=2)
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(served.send, "05442710")
        assert eventually(lambda: "<dlr>" in served.ask("getdlrs"))
        assert not sending.done()
        assert statut(sending.result()) == "1"
    assert time.monotonic() - began >= 2


def test_a_reply_waits_until_its_reports_were_read_and_their_reader_comes_back(served):
    served.sandbox.fault("report_before_reply", seconds=30)
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(served.send, "05442710")
        assert eventually(lambda: "<dlr>" in served.ask("getdlrs"))
        with pytest.raises(TimeoutError):
            sending.result(timeout=0.2)
        served.ask("getdlrs")
        assert statut(sending.result(timeout=60)) == "1"


def test_a_reply_whose_reports_nobody_reads_comes_all_the_same(served):
    served.sandbox.fault("report_before_reply", seconds=0.1, operation="lookup")
    assert statut(served.ask("sendhrl", NUMBER)) == "1"
    assert served.sandbox.summary()["faults"] == {"report_before_reply": 1}


@pytest.mark.parametrize(("operation", "command"), COMMANDS.items())
def test_a_request_is_refused_with_the_code_that_was_chosen_and_nothing_is_carried_out(served, operation, command):
    served.sandbox.fault("refuse", operation=operation, code=-12)
    assert statut(served.ask(command, SEND)) == "-12"
    assert (accepted(served), served.sandbox.summary()["refusals"]) == (0, {"-12": 1})
    assert statut(served.ask(command, SEND)) != "-12"


@pytest.mark.parametrize("fault", ["drop_reply", "reset", "cut_short", "http_500", "html_page", "slow_body", "latency"])
def test_a_refused_request_uses_no_fault_of_the_reply_up(served, fault):
    served.sandbox.fault(fault, seconds=0.01)
    assert statut(served.send("12")) == "-9"
    assert served.sandbox.summary()["faults"] == {}


def test_an_empty_reply_uses_no_fault_of_the_reports_up(served):
    served.sandbox.fault("report_duplicated")
    assert statut(served.ask("getdlrs")) == "-15"
    served.send("05442710")
    assert served.ask("getdlrs").count("<dlr>") == 2


def test_faults_of_a_lookup_leave_sends_alone(served):
    served.sandbox.fault("http_500", operation="lookup")
    assert statut(served.send("05442710")) == "1"
    assert "Internal Server Error" in served.ask("sendhrl", NUMBER)


def test_a_fault_of_all_operations_strikes_whichever_comes(served):
    served.sandbox.fault("http_500", operation="*", count=len(COMMANDS))
    assert ["Internal" in served.ask(command, SEND) for command in COMMANDS.values()] == [True] * len(COMMANDS)
    assert statut(served.ask("getbalance")) == "0"


def test_a_share_strikes_the_same_requests_each_time_until_it_is_disarmed(served):
    def run() -> list[bool]:
        served.sandbox.fault("http_500", operation="balance", share=0.5)
        return ["Internal" in served.ask("getbalance") for _ in range(12)]

    first = run()
    assert 0 < sum(first) < 12
    assert run() == first
    assert served.sandbox.summary()["faults"] == {"http_500": 2 * sum(first)}
    served.sandbox.fault("*", count=0)
    assert not any("Internal" in served.ask("getbalance") for _ in range(12))
