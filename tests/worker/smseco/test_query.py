"""The GET form against transcripts of the vendor's document, and on the request line as it leaves."""

import logging
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given

from tests.worker.smseco.documented import CARRIED, CREDENTIALS, REQUESTS
from worker.smseco import Credentials, Gateway, Sending, query

NUMBERS = ["05442710", "07352518", 22678657808]
ASKED = {
    **{name: ask for name, ask in REQUESTS.items() if name != "merge_request"},
    "send_options_request": lambda form: form.send_request(
        CREDENTIALS,
        Sending(
            "15", "TOTO", "Bonjour, Ceci est juste un test.", ["05442710"], unicode=True, flash=True, binary=True,
            datesend=datetime(2015, 6, 21, 16, 49, 30, tzinfo=UTC),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_a_request_is_the_url_that_the_document_shows(transcript, name):
    method, target = transcript(f"get/{name}.txt").decode().split(" ")
    request, url = ASKED[name](query), urlsplit(target)
    assert (request.method, f"/{request.path}", request.body) == (method, url.path, b"")
    told = parse_qsl(request.query, keep_blank_values=True, strict_parsing=True)
    assert sorted(told) == sorted(parse_qsl(url.query, keep_blank_values=True, strict_parsing=True))


@example(text="+ %2B%20", login="&password=x")
@given(text=CARRIED, login=CARRIED)
def test_every_text_comes_back_from_a_plain_parser(text, login):
    request = query.send_request(Credentials(login, "p"), Sending("a", "S", text, [225, 226]))
    fields = dict(parse_qsl(request.query, keep_blank_values=True, strict_parsing=True))
    assert (fields["login"], fields["msg"], fields["numero"]) == (login, text, "225,226")


def test_a_blank_is_one_also_to_those_who_take_a_plus_sign_for_itself():
    assert "msg=a%20b%2Bc&" in query.send_request(CREDENTIALS, Sending("a", "S", "a b+c", [225])).query


def test_a_mail_merge_is_refused_with_the_forms_that_have_one():
    merge = Sending("15", "TOTO", "Bonjour {nom}", ["05442710"], ("nom",), [("Awa",)])
    with pytest.raises(ValueError, match="get has no mail merge: choose xml, json or soap"):
        query.send_request(CREDENTIALS, merge)


@pytest.mark.parametrize(
    ("msgid", "numbers", "says"),
    [
        ("", [225], "msgid"),
        ("a" * 31, [225], "msgid"),
        ("a", [], "numbers is empty"),
        ("a", ["+225"], "not made of"),
        ("a", "2250709999956", "list"),
    ],
)
def test_a_lookup_checks_its_numbers_and_even_the_msgid_that_it_leaves_out(msgid, numbers, says):
    with pytest.raises(ValueError, match=says):
        query.lookup_request(CREDENTIALS, msgid, numbers)


def test_a_request_keeps_its_password_to_itself():
    assert "123456" not in repr(REQUESTS["balance_request"](query))


@pytest.fixture
def gateway(stub):
    with Gateway(stub.url, Credentials("a/b~c", "p%2F&+ é"), form="get", connect_timeout=30, read_timeout=30) as client:
        yield client


def test_the_query_leaves_as_it_was_written(stub, gateway, transcript):
    stub.plays(transcript("xml/send_reply.xml"))
    gateway.send(Sending("15", "A/B", "%2F%7E~./../+ {nom}[]'\"#?&=", NUMBERS))
    (request,) = stub.received
    assert request.line == (
        "GET /client/42/fr/api/xml/sendsms?login=a%2Fb~c&password=p%252F%26%2B%20%C3%A9&msgid=15&expediteur=A%2FB"
        "&msg=%252F%257E~.%2F..%2F%2B%20%7Bnom%7D%5B%5D%27%22%23%3F%26%3D&flash=0&unicode=0&binaire=0"
        "&numero=05442710%2C07352518%2C22678657808 HTTP/1.1"
    )
    assert request.body == b""
    assert not {"content-type", "content-length", "transfer-encoding", "referer"} & set(request.headers)


def test_the_next_request_has_a_query_of_its_own(stub, gateway, transcript):
    stub.plays(transcript("xml/reports_reply.xml"), transcript("xml/senders_reply.xml"))
    gateway.reports("m-1")
    gateway.senders()
    account = "login=a%2Fb~c&password=p%252F%26%2B%20%C3%A9"
    assert [request.path for request in stub.received] == [
        f"/client/42/fr/api/xml/getdlrs?{account}&msgfid=m-1",
        f"/client/42/fr/api/xml/Getsenders?{account}",
    ]
    assert {request.connection for request in stub.received} == {1}


def test_a_url_of_eight_thousand_octets_leaves_and_a_longer_one_does_not(stub, transcript):
    stub.plays(transcript("xml/send_reply.xml"))
    shortest = query.send_request(CREDENTIALS, Sending("15", "TOTO", "", NUMBERS)).query
    most = 8000 - len(f"{stub.url}/api/xml/sendsms?{shortest}")
    with Gateway(stub.url, CREDENTIALS, form="get") as gateway:
        gateway.send(Sending("15", "TOTO", "a" * most, NUMBERS))
        with pytest.raises(ValueError, match="8001 octets long, and at most 8000 are safe: choose xml"):
            gateway.send(Sending("15", "TOTO", "a" * (most + 1), NUMBERS))
    assert len(stub.received) == 1


def test_the_base_urls_path_counts_too(stub):
    with (
        Gateway(f"{stub.url}/{'x' * 8000}", CREDENTIALS, form="get") as gateway,
        pytest.raises(ValueError, match="octets"),
    ):
        gateway.balance()
    assert stub.received == []


@pytest.mark.parametrize("line", ["05442710", " 05442710"])
def test_a_reply_with_a_broken_head_shows_neither_url_nor_reply_in_the_log(stub, gateway, transcript, caplog, line):
    caplog.set_level(logging.DEBUG)
    body = transcript("xml/balance_reply.xml")
    stub.plays(stub.raw(f"HTTP/1.1 200 OK\r\n{line}\r\nZ: z\r\n\r\n".encode() + body))
    assert gateway.balance().account_id == "ECO-1234"
    assert "password" not in caplog.text
    assert "05442710" not in caplog.text
