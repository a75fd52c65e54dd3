import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_plus

import pytest
from lxml import etree

COMPTE = "<compte><login>toto@toto.fr</login><password>123456</password></compte>"
BALANCE = f"<SMS>{COMPTE}</SMS>"
SEND = (
    "<message><msgid>15</msgid><expediteur>TOTO</expediteur><msg>Juste un test</msg></message>"
    "<destinataires><numero>05442710</numero></destinataires>"
)


def statut(reply: str) -> str | None:
    return etree.fromstring(reply.encode()).findtext("statut")


@pytest.mark.parametrize(
    "path",
    [
        "/api/xml/getbalance/",
        "/api/xml/getbalance",
        "/api/xml/Getbalance/",
        "/API/XML/GETBALANCE",
        "/client/CODE/fr/api/xml/getbalance/",
        "//api/xml/getbalance/",
    ],
)
def test_an_operation_is_found_by_the_tail_of_the_path_whatever_its_case(shared, path):
    reply = shared.post(path, "XML=" + BALANCE)
    assert (reply.status, reply.type, statut(reply.text)) == (200, "text/xml; charset=utf-8", "0")


@pytest.mark.parametrize("path", ["/XML/XMLdatas.php", "/client/CODE/fr/xml/xmldatas.php", "/api/xml/sendsms"])
def test_the_old_url_still_sends(shared, path):
    assert statut(shared.post(path, "XML=" + BALANCE).text) == "-5"


@pytest.mark.parametrize("command", ["sendhlr", "sendhrl", "SendHlr"])
def test_a_lookup_is_found_in_both_spellings(shared, command):
    assert statut(shared.ask(command)) == "-7"


def test_an_unknown_command_is_answered_with_minus_14(shared):
    assert statut(shared.ask("sendfax")) == "-14"


@pytest.mark.parametrize("path", ["/", "/api/", "/api/xml/", "/api/yaml/getbalance/", "/api/xml/getbalance/more"])
def test_another_path_is_not_found(shared, path):
    assert shared.post(path, "XML=" + BALANCE).status == 404


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_not_allowed_and_told_which_are(shared, method):
    reply = shared.post("/api/xml/getbalance/", "XML=" + BALANCE, method=method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET,POST")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("XML=" + quote_plus(BALANCE), "application/x-www-form-urlencoded"),
        ("XML=" + BALANCE, "application/x-www-form-urlencoded"),
        ("XML=" + BALANCE, "text/xml"),
        ("XML=" + BALANCE, None),
    ],
    ids=["urlencoded", "raw as a form", "raw as text/xml", "raw as nothing"],
)
def test_a_body_may_travel_in_any_of_the_known_ways(shared, body, content_type):
    assert statut(shared.post("/api/xml/getbalance/", body, content_type=content_type).text) == "0"


def test_a_body_beyond_the_size_limit_is_refused(shared):
    assert shared.post("/api/xml/sendsms/", b"XML=<SMS>" + b" " * 1_000_000 + b"</SMS>").status == 413


def test_a_text_arrives_on_the_phone_as_it_was_written(served):
    served.send("05442710", text="-50% ce soir: 2 %2b 2 %26lt; 5 {et} «&#233;té»\nfin")
    assert [record["text"] for record in served.sandbox.ledger()] == ["-50% ce soir: 2 + 2 < 5 {et} ?été?\nfin"]


def test_a_number_that_comes_twice_in_one_request_gets_one_message(served):
    assert statut(served.send("05442710", "22505442710", "05442710")) == "1"
    assert served.sandbox.summary()["duplicates"] == 0
    served.send("05442710")
    assert served.sandbox.summary()["duplicates"] == 1


def test_reports_are_read_once(served):
    served.send("05442710", "07352518")
    assert served.ask("getdlrs").count("<dlr>") == 2
    assert statut(served.ask("getdlrs")) == "-15"


def test_a_send_whose_reply_is_dropped_was_accepted_all_the_same(served):
    served.sandbox.fault("drop_reply")
    with pytest.raises(http.client.RemoteDisconnected):
        served.send("05442710")
    assert len(served.sandbox.ledger()) == 1
    assert statut(served.send("07352518")) == "1"


def test_a_send_that_is_answered_by_500_was_accepted_all_the_same(served):
    served.sandbox.fault("http_500")
    body = f"XML=<SMS>{COMPTE}{SEND}</SMS>"
    assert [served.post("/api/xml/sendsms/", body).status for _ in range(2)] == [500, 200]
    assert len(served.sandbox.ledger()) == 2


def test_a_refused_send_uses_no_fault_up(served):
    served.sandbox.fault("http_500")
    assert statut(served.send("12")) == "-9"
    assert "Internal Server Error" in served.send("05442710")


def test_reports_may_be_there_before_the_reply(served):
    served.sandbox.fault("latency", seconds=0.5)
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(served.send, "05442710")
        while "<dlr>" not in served.ask("getdlrs"):
            assert time.monotonic() - began < 5
        assert not sending.done()
        assert statut(sending.result()) == "1"
    assert time.monotonic() - began >= 0.5


def test_faults_of_a_lookup_leave_sends_alone(served):
    served.sandbox.fault("http_500", operation="lookup")
    assert statut(served.send("05442710")) == "1"
    assert "Internal Server Error" in served.ask("sendhrl", "<destinataires><numero>05442710</numero></destinataires>")


def test_latency_holds_every_send_up_and_nothing_else(served):
    served.sandbox.settings(latency=0.1)
    began = time.monotonic()
    served.ask("getbalance")
    assert time.monotonic() - began < 0.1
    assert statut(served.send("05442710")) == "1"
    assert time.monotonic() - began >= 0.1
