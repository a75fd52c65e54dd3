import time
from urllib.parse import quote_plus

import pytest
from lxml import etree

COMPTE = "<compte><login>toto@toto.fr</login><password>123456</password></compte>"
BALANCE = f"<SMS>{COMPTE}</SMS>"


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


def test_latency_holds_every_send_up_and_nothing_else(served):
    served.sandbox.settings(latency=0.1)
    began = time.monotonic()
    served.ask("getbalance")
    assert time.monotonic() - began < 0.1
    assert statut(served.send("05442710")) == "1"
    assert time.monotonic() - began >= 0.1
