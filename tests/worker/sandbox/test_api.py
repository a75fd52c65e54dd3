import json
import socket
import time
from itertools import cycle, product
from urllib.parse import quote_plus, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
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


SPELLINGS = {
    "send": ["sendsms", "SendSms"],
    "reports": ["getdlrs", "GETDLRS"],
    "balance": ["getbalance", "Getbalance"],
    "senders": ["getsenders", "Getsenders"],
    "lookup": ["sendhlr", "sendhrl", "SendHlr", "SENDHRL"],
    "unknown": ["sendfax"],
}
TEMPLATES = [
    "/api/{}/{}/",
    "/api/{}/{}",
    "/client/CODE/fr/api/{}/{}/",
    "/api/xml/getdlrs/API/{}/{}",
    "//Api/{}/{}/",
]
WAYS_IN = [("POST", "xml"), ("POST", "json"), ("POST", "JSON"), ("GET", "xml"), ("GET", "json"), ("GET", "Html")]
# Each spelling in each way; with six ways and five templates taking turns, each pair of any two is there.
PATHS = [
    (method, template.format(form, command), operation)
    for ((operation, command), (method, form)), template in zip(
        product(((operation, name) for operation, names in SPELLINGS.items() for name in names), WAYS_IN),
        cycle(TEMPLATES),
        strict=False,
    )
]


@pytest.mark.parametrize(("method", "path", "operation"), PATHS)
def test_every_spelling_of_a_path_finds_its_operation_in_its_form(shared, method, path, operation):
    before = shared.sandbox.summary()["requests"]
    form = path.lower().rstrip("/").split("/")[-2]
    reply = shared.post(path, "XML=<SMS/>" if form == "xml" else "JSON={}", method=method)
    after = shared.sandbox.summary()["requests"]
    assert {name: count for name, count in after.items() if count != before.get(name)} == {
        operation: before.get(operation, 0) + 1
    }
    beginning = {"xml": "<?xml", "json": "{", "html": "<!DOCTYPE html>"}[form]
    assert (reply.status, reply.text.startswith(beginning)) == (200, True)
    assert ("-14" if operation == "unknown" else "-2") in reply.text


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("form", ["xml", "json"])
def test_another_method_is_not_allowed_and_told_which_are(shared, form, method):
    reply = shared.post(f"/api/{form}/getbalance/", "XML=" + BALANCE, method=method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET,POST")


@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_nothing_is_posted_to_the_output_for_eyes(shared, method):
    reply = shared.post("/api/html/getbalance/", "XML=" + BALANCE, method=method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET")


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


ACCOUNT = '{"compte":{"login":"toto@toto.fr","password":"123456"}}'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("JSON=" + quote_plus(ACCOUNT), "application/x-www-form-urlencoded"),
        ("JSON=" + ACCOUNT, "application/x-www-form-urlencoded"),
        ("JSON=" + ACCOUNT, "application/json"),
        ("JSON=" + ACCOUNT, "Application/JSON; charset=utf-8"),
        ("JSON=" + ACCOUNT, None),
    ],
    ids=["urlencoded", "raw as a form", "raw as JSON", "raw as JSON in UTF-8", "raw as nothing"],
)
def test_json_may_travel_in_any_of_the_known_ways(shared, body, content_type):
    reply = shared.post("/api/json/getbalance/", body, content_type=content_type)
    assert (reply.type, json.loads(reply.text)["statut"]) == ("application/json; charset=utf-8", 0)


@pytest.mark.parametrize(
    ("content_type", "text"),
    [("application/json", "-50% ce soir: 1%2b1 + 1"), ("application/x-www-form-urlencoded", "-50% ce soir: 1+1   1")],
)
def test_json_that_calls_itself_so_is_not_url_decoded(served, content_type, text):
    message = '"message":{"expediteur":"TOTO","msg":"-50% ce soir: 1%2b1 + 1"},"destinataires":[{"numero":"05442710"}]'
    body = f"JSON={ACCOUNT[:-1]},{message}}}"
    reply = json.loads(served.post("/api/json/sendsms/", body, content_type=content_type).text)
    (record,) = served.sandbox.ledger()
    assert (record["text"], record["msgfid"]) == (text, reply["msgid"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/json/getbalance/", ACCOUNT),
        ("/api/json/getbalance/", "XML=" + BALANCE),
        ("/api/json/getbalance/", ""),
        ("/api/xml/getbalance/", "JSON=" + ACCOUNT),
        ("/api/xml/getdlrs/", ACCOUNT),
    ],
    ids=["JSON without its name", "XML where JSON belongs", "nothing", "JSON where XML belongs", "for reports, too"],
)
def test_a_body_that_is_not_of_the_form_is_answered_with_minus_1_in_the_form(shared, path, body):
    reply = shared.post(path, body, content_type="application/json").text
    assert (statut(reply) if "/xml/" in path else str(json.loads(reply)["statut"])) == "-1"


@pytest.mark.parametrize("text", [r"\ud83d", r"\ude00\ud83d"])
def test_half_a_character_is_refused_before_anything_of_it_is_kept(served, text):
    message = f'"message":{{"expediteur":"TOTO","msg":"{text}"}},"destinataires":[{{"numero":"05442710"}}]'
    reply = served.post("/api/json/sendsms/", f"JSON={ACCOUNT[:-1]},{message}}}", content_type="application/json")
    assert (reply.status, json.loads(reply.text)["statut"]) == (200, -1)
    assert served.sandbox.ledger() == []


@given(
    st.sampled_from(["xml", "json"]),
    st.sampled_from(["sendsms", "getdlrs", "sendhrl"]),
    st.sampled_from([b"", b"XML=", b"XML=<SMS>", b"JSON=", b"JSON={"]),
    st.binary(),
    st.sampled_from([None, "application/json", "text/xml; charset=klingon", "JSON", ";;", "multipart/form-data"]),
)
def test_no_body_whatever_is_answered_with_anything_but_a_refusal(shared, form, command, beginning, rest, content_type):
    before = sum(shared.sandbox.summary()["refusals"].values())
    reply = shared.post(f"/api/{form}/{command}/", beginning + rest, content_type=content_type)
    assert (reply.status, sum(shared.sandbox.summary()["refusals"].values())) == (200, before + 1)


@pytest.mark.parametrize("path", ["/api/json/getdlrs/", "/api/xml/getdlrs/", "/client/CODE/fr/API/XML/GetDlrs"])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_reports_in_json_are_served_at_the_address_that_is_printed_too(served, path, content_type):
    served.send("05442710")
    reply = json.loads(served.post(path, "JSON=" + ACCOUNT, content_type=content_type).text)
    assert [len(message["dlrs"]) for message in reply["messages"]] == [1]
    assert json.loads(served.post(path, "JSON=" + ACCOUNT, content_type=content_type).text)["statut"] == "-15"


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
    served.sandbox.settings(latency=0.5)

    def seconds(ask):
        began = time.monotonic()
        ask()
        return time.monotonic() - began

    assert min(seconds(lambda: served.ask("getbalance")) for _ in range(5)) < 0.5  # the best: a machine may be busy
    assert seconds(lambda: served.send("05442710")) >= 0.5


def test_whoever_leaves_in_mid_request_leaves_the_gateway_in_peace(served, caplog):
    host, port = urlsplit(served.sandbox.url).netloc.split(":")
    with socket.create_connection((host, int(port))) as left:
        left.sendall(b"POST /api/xml/sendsms/ HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nXML=<SMS>")
    assert statut(served.ask("getbalance")) == "0"
    assert served.sandbox.summary()["requests"] == {"balance": 1}
    assert caplog.text == ""
