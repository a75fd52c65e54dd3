"""SOAP requests against transcripts of the vendor's document and a plain parser; replies: `test_soap_replies.py`."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.worker.smseco.documented import CARRIED, CREDENTIALS, REQUESTS
from worker.smseco import Credentials, Gateway, Sending, soap

SERVER = "{http://www.smseco.com/api/soap/server/}"


def merge(text, fields, values, **options):
    return Sending("15", "TOTO", text, ["05442710", "07352518"][: len(values)], fields, values, **options)


def tree(document: bytes):
    """Tags and texts without the blanks of the layout, to compare documents by."""

    def simple(element):
        children = [simple(child) for child in element]
        return element.tag, children or (element.text or "")

    return simple(ElementTree.fromstring(document))


def called(request):
    """The element that a request's envelope carries, as the standard library reads it."""
    ((operation,),) = ElementTree.fromstring(request.body)
    return operation


def sent_values(request):
    rows = called(request).iterfind(f"{SERVER}publipostage")
    return [{cell.tag.removeprefix(SERVER): cell.text or "" for cell in row} for row in rows]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_the_envelope_of_its_transcript(transcript, name):
    assert tree(REQUESTS[name](soap).body) == tree(transcript(f"soap/{name}.xml"))


@pytest.mark.parametrize("name", ["send_as_printed_request", "merge_as_printed_request"])
def test_the_documents_own_samples_are_asked_for_but_for_switches_and_order(transcript, name):
    printed = ElementTree.fromstring(transcript(f"soap/{name}.xml"))[0][0]
    texts = {child.tag.removeprefix(SERVER): child.text for child in printed if child.text and child.text.strip()}
    merging = {
        "fields": ("nom", "fonction"),
        "values": [("Philo", "Developpeur Web"), ("MALAMIN", "Financial Manager")],
    }
    request = soap.send_request(
        Credentials(texts["login"], texts["password"]),
        Sending(
            texts["msgid"], texts["expediteur"], texts["msg"], [to.text for to in printed.iterfind(f"{SERVER}to")],
            datesend=datetime(2015, 6, 21, 16, 49, tzinfo=UTC), **(merging if "merge" in name else {}),
        ),
    )  # fmt: skip
    switches = {f"{SERVER}{switch}" for switch in ("flash", "unicode", "binaire")}
    ours = [ElementTree.tostring(child) for child in called(request) if child.tag not in switches]
    assert sorted(ours) == sorted(re.sub(rb">\s+<", b"><", ElementTree.tostring(child).strip()) for child in printed)


def test_a_request_travels_as_soap_does(stub, transcript):
    stub.plays(transcript("soap/balance_reply.xml"))
    with Gateway(stub.url, CREDENTIALS, form="soap") as gateway:
        gateway.balance()
    (request,) = stub.received
    assert request.line == "POST /client/42/fr/api/soap/server/ HTTP/1.1"
    assert request.headers["content-type"] == "text/xml; charset=utf-8"
    assert request.headers["soapaction"] == '"Getbalance"'
    assert tree(request.body) == tree(transcript("soap/balance_request.xml"))


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("send_request", "Sendsms"), ("merge_request", "Sendsms"), ("reports_request", "Getdlrs"),
        ("balance_request", "Getbalance"), ("senders_request", "Getsenders"), ("lookup_request", "SendHlr"),
    ],
)  # fmt: skip
def test_each_operation_is_named_by_its_action(name, action):
    assert (REQUESTS[name](soap).path, REQUESTS[name](soap).action) == ("api/soap/server/", action)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        pytest.param("{b}, {a}", {"data1": "B", "data2": "A"}, id="another order than the fields'"),
        pytest.param("{b} {a} {b}", {"data1": "B", "data2": "A"}, id="one that comes twice"),
        pytest.param("{c}", {"data1": "C"}, id="fields that the text does not ask for"),
        pytest.param("{{a}} } {", {"data1": "A"}, id="more braces"),
    ],
)
def test_values_stand_in_the_order_in_which_the_text_asks_for_them(text, sent):
    request = soap.send_request(CREDENTIALS, merge(text, ("a", "b", "c"), [("A", "B", "C")]))
    assert sent_values(request) == [{"to": "05442710"} | sent]


def test_a_merge_whose_text_asks_for_nothing_is_a_plain_send():
    request = soap.send_request(CREDENTIALS, merge("Bonjour", ("nom",), [("Awa",), ("Kofi",)]))
    assert sent_values(request) == []
    assert [to.text for to in called(request).iterfind(f"{SERVER}to")] == ["05442710", "07352518"]


def test_ten_fields_are_carried_and_eleven_are_refused_with_the_forms_that_can():
    names = [f"f{i}" for i in range(11)]
    text = "".join(f"{{{name}}}" for name in names)
    ten = soap.send_request(CREDENTIALS, merge(text.replace("{f10}", ""), names, [names]))
    assert sent_values(ten) == [{"to": "05442710"} | {f"data{i}": f"f{i - 1}" for i in range(1, 11)}]
    with pytest.raises(ValueError, match="at most 10 fields, and text has 11: choose xml or json"):
        soap.send_request(CREDENTIALS, merge(text, names, [names]))


@pytest.mark.parametrize("text", ["{nom} {secret}", "{ nom }", "{NOM}", "{}{nom}"])
def test_braces_that_are_no_fields_would_shift_positions_and_are_refused_unrepeated(text):
    with pytest.raises(ValueError, match="by position: choose xml or json") as caught:
        soap.send_request(CREDENTIALS, merge(text, ("nom",), [("Awa",)]))
    assert "secret" not in str(caught.value)


def test_a_plain_send_may_hold_any_braces():
    assert called(REQUESTS["send_special_text_request"](soap)).find(f"{SERVER}publipostage") is None


@example(text="a]]>b", login="<&>", rows=[("]]>", "\r\n%s%00")])
@given(
    text=CARRIED.map(lambda text: text.replace("{", "(")),
    login=CARRIED,
    rows=st.lists(st.tuples(CARRIED, CARRIED), min_size=1, max_size=5),
)
def test_every_text_comes_back_from_a_plain_parser(text, login, rows):
    numbers = list(range(225, 225 + len(rows)))
    text = "{f2}{f1}" + text
    request = soap.send_request(Credentials(login, "p"), Sending("a", "S", text, numbers, ("f1", "f2"), rows))
    operation = called(request)
    assert (operation.findtext(f"{SERVER}login") or "", operation.findtext(f"{SERVER}msg")) == (login, text)
    assert sent_values(request) == [
        {"to": str(number), "data1": second, "data2": first}
        for number, (first, second) in zip(numbers, rows, strict=True)
    ]


@pytest.mark.parametrize("msgid", ["", "a" * 31, "a b"])
def test_a_lookup_checks_its_msgid(msgid):
    with pytest.raises(ValueError, match="msgid"):
        soap.lookup_request(CREDENTIALS, msgid, [225])
