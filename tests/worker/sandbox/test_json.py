"""The JSON form against transcripts of the vendor's document, and against strangers."""

import json as plain
from contextlib import suppress
from itertools import product
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.sandbox.documented import ANSWERS, CALLS, REFUSALS, TEST, TOTO, WORD_FOR_WORD
from worker.sandbox import bodies, json
from worker.sandbox.asked import Asked, call_for
from worker.sandbox.calls import Call, Credentials, LookupCall, ReportsAnswer, SendCall, SendersAnswer
from worker.sandbox.codes import ERRORS, STATUSES, Refused

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
COMPTE = {"login": "toto@toto.fr", "password": "123456"}

REQUESTS: dict[tuple[str, str], Call] = CALLS | {
    ("send", "send_as_mended_request"): SendCall(
        "15", "TOTO", "Juste un est", unicode=False, datesend="", recipients=[("05442710", []), ("07352518", [])]
    ),
    ("send", "send_spaced_datesend_request"): SendCall(
        "15", "TOTO", TEST, unicode=True, datesend="2015-06-21 16:49",
        recipients=[("05442710", []), ("07352518", [])], options={"binaire": "0"},
    ),
    ("lookup", "lookup_as_printed_request"): LookupCall("15", ["05442710", "07352518"]),
}  # fmt: skip


def in_a_field(document: bytes) -> bytes:
    return urlencode({"JSON": document}).encode()


def raw(document: bytes) -> bytes:
    return b"JSON=" + document


def escaped_by_hand(document: bytes) -> bytes:
    """Only what would be taken for something else is escaped: `+`, `&`, and a `%` that would begin an escape."""
    return raw(document.replace(b"%", b"%25").replace(b"+", b"%2b").replace(b"&", b"%26"))


WAYS = {"urlencoded": (in_a_field, FORM), "raw as JSON": (raw, JSON), "raw as a form": (escaped_by_hand, FORM)}


def asked(document: object) -> Asked:
    return json.read(plain.dumps(document).encode())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("operation", "name"), REQUESTS)
def test_a_request_is_read_as_the_document_shows_it_however_it_travels(transcript, operation, name, way):
    travels, content_type = WAYS[way]
    document = bodies.document(travels(transcript(f"json/{name}.json")), b"JSON", content_type)
    assert call_for(operation, json.read(document)) == (TOTO, REQUESTS[operation, name])


@pytest.mark.parametrize("content_type", [FORM, JSON])
def test_the_invalid_sample_is_refused_as_printed(transcript, content_type):
    body = b"JSON=" + transcript("json/send_as_printed_request.json")
    with pytest.raises(Refused) as refused:
        json.read(bodies.document(body, b"JSON", content_type))
    assert refused.value.code == -1


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(texts, texts), texts, st.lists(st.tuples(texts, st.dictionaries(texts, texts))))
def test_any_values_come_back_however_they_travel(account, text, recipients):
    destinations = [{"numero": number, "datas": values} for number, values in recipients]
    document = {"compte": account, "message": {"msg": text}, "destinataires": destinations}
    meant = [(number.strip(), list(values.items())) for number, values in recipients]
    for (travels, content_type), ascii_only in product(WAYS.values(), (True, False)):
        body = travels(plain.dumps(document, ensure_ascii=ascii_only).encode())
        read = json.read(bodies.document(body, b"JSON", content_type))
        assert read == Asked(account, {"msg": text, "datesend": ""}, meant)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('" a "', " a "),
        ("0", "0"),
        ("-12", "-12"),
        ("1.50", "1.50"),
        ("12345678901234567890", "12345678901234567890"),
        ("1e5", "1e5"),
        ("true", "1"),
        ("false", ""),
        ("null", ""),
        ("[1]", ""),
        ('{"a": 1}', ""),
    ],
)
def test_a_value_of_any_type_is_a_text(value, text):
    recipient = f'{{"numero": {value}, "datas": {{"n": {value}}}}}'
    document = f'{{"compte": {{"login": {value}}}, "message": {{"msg": {value}}}, "destinataires": [{recipient}]}}'
    read = json.read(document.encode())
    assert (read.account["login"], read.message["msg"]) == (text, text)
    assert read.recipients == [(text.strip(), [("n", text)])]


@pytest.mark.parametrize(
    ("message", "datesend"),
    [
        ({"datesend": "2030-01-01 10:00"}, "2030-01-01 10:00"),
        ({"date send": "2030-01-01 10:00"}, "2030-01-01 10:00"),
        ({"datesend": "", "date send": "2030-01-01 10:00"}, "2030-01-01 10:00"),
        ({"datesend": "2030-01-01 10:00", "date send": ""}, "2030-01-01 10:00"),
        ({"date send": None}, ""),
        ({}, ""),
    ],
)
def test_the_date_is_found_under_both_of_its_names(message, datesend):
    assert asked({"message": message}).message["datesend"] == datesend


@pytest.mark.parametrize(
    "document",
    [
        {"destinataires": [{"numero": " 1 "}], "inconnu": {"a": [1]}},
        {"message": {"destinataires": [{"numero": "1", "inconnu": 1}]}},
        {"message": {"destinataires": [{"numero": "1", "datas": None}]}, "destinataires": []},
        {"message": {"destinataires": []}, "destinataires": [{"numero": "1", "datas": []}]},
    ],
)
def test_recipients_stand_in_the_message_or_beside_it(document):
    assert asked(document).recipients == [("1", [])]


@pytest.mark.parametrize("nothing", ["{}", '{"compte": null, "message": [], "destinataires": null}', " {}\r\n"])
def test_nothing_asks_for_nothing(nothing):
    assert call_for("send", json.read(nothing.encode())) == (
        Credentials("", ""),
        SendCall("", "", "", unicode=False, datesend="", recipients=[]),
    )


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"bonjour", id="no JSON"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"compte"', id="a text"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"compte": {}', id="cut short"),
        pytest.param(b'{"compte": {}}"', id="with what is one too many"),
        pytest.param(b'{"compte": {},}', id="a comma too many"),
        pytest.param(b"{'compte': {}}", id="single quotes"),
        pytest.param(b'{"compte": "toto"}', id="an account that is a text"),
        pytest.param(b'{"message": ["15"]}', id="a message that is a list"),
        pytest.param(b'{"destinataires": {"numero": "1"}}', id="recipients that are no list"),
        pytest.param(b'{"destinataires": true}', id="recipients that are true"),
        pytest.param(b'{"destinataires": ["05442710"]}', id="a recipient that is a text"),
        pytest.param(b'{"destinataires": [{"numero": "1", "datas": "x"}]}', id="values that are a text"),
        pytest.param(b'{"message": {"msg": NaN}}', id="not a number"),
        pytest.param(b'{"message": {"msg": 0544}}', id="a number with a leading zero"),
        pytest.param(b'{"message": {"msg": "a", "msg": "b"}}', id="a name twice"),
        pytest.param(b'{"message": {}, "message": {}}', id="an object twice"),
        pytest.param(rb'{"message": {"msg": "\ud83d"}}', id="half a surrogate pair"),
        pytest.param(rb'{"message": {"msg": "\ude00\ud83d"}}', id="a surrogate pair the wrong way round"),
        pytest.param(rb'{"message": {"msgid": "\ud83d"}}', id="half a surrogate pair in an id"),
        pytest.param(
            rb'{"destinataires": [{"numero": "1", "datas": {"n": "\udc00"}}]}', id="half a surrogate pair in a value"
        ),
        pytest.param(b'{"message": {"msg": "\xed\xa0\xbd"}}', id="half a surrogate pair in UTF-8"),
        pytest.param(b'{"message": {"msg": "a\nb"}}', id="a line break in a text"),
        pytest.param(b'{"message": {"msg": "\xe9t\xe9"}}', id="Latin-1"),
        pytest.param(b'{"message": {"msg": ' + b"9" * 5_000 + b"e}}", id="a long word for a number"),
    ],
)
def test_what_is_no_such_document_is_refused_with_minus_1(document):
    with pytest.raises(Refused) as refused:
        json.read(document)
    assert refused.value.code == -1


@given(st.binary() | st.text().map(lambda text: text.encode(errors="surrogatepass")))
def test_no_bytes_whatever_raise_anything_else(document):
    for part in (document, b'{"message": {"msg": "' + document + b'"}}', b'{"destinataires": ' + document + b"}"):
        with suppress(Refused):
            json.read(part)


def shape(value: object) -> object:
    """Names in their order, and the types of what stands under them."""
    if isinstance(value, dict):
        return [(name, shape(part)) for name, part in value.items()]
    if isinstance(value, list):
        return [shape(part) for part in value]
    return "number" if isinstance(value, int | float) else type(value)


def leaves(value: object) -> list[str]:
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return [text for part in parts for text in leaves(part)]
    return [str(value)]


def printed(transcript, name: str) -> object:
    return plain.loads(transcript(f"json/{name}.json"))


@pytest.mark.parametrize("name", ["lookup_reply", "reports_reply"])
def test_an_answer_is_written_as_the_document_shows_it(transcript, name):
    answer, texts = ANSWERS[name]
    written = plain.loads(json.write(answer))
    assert shape(written) == shape(printed(transcript, name))
    assert leaves(written) == texts


def test_what_was_taken_is_answered_as_the_document_shows_it_with_the_id_called_msgid(transcript):
    answer, texts = ANSWERS["send_in_part_reply"]
    expected = printed(transcript, "send_reply")
    expected["messages"].pop()
    written = plain.loads(json.write(answer))
    assert shape(written) == shape(expected)
    assert leaves(written) == texts


def test_the_msgid_of_the_reply_may_be_an_echo_of_the_clients(transcript, open_gateway, a_send, toto):
    gateway = open_gateway(json_echo=True)
    send = plain.loads(json.write(gateway.answer(toto, a_send("05442710", msgid="15"))))
    assert shape(send) == shape(printed(transcript, "send_echo_reply"))
    assert send["msgid"] == "15"
    lookup = plain.loads(json.write(gateway.answer(toto, LookupCall("16", ["05442710"]))))
    assert lookup["msgfid"] == gateway.archive[1].msgfid


@pytest.mark.parametrize("name", WORD_FOR_WORD)
def test_an_answer_is_written_word_for_word_as_the_document_shows_it(transcript, name):
    assert plain.loads(json.write(WORD_FOR_WORD[name])) == printed(transcript, name)
    assert shape(plain.loads(json.write(WORD_FOR_WORD[name]))) == shape(printed(transcript, name))


def test_every_status_is_called_what_the_documents_table_calls_it(transcript):
    (message,) = printed(transcript, "reports_every_status_reply")["messages"]
    called = [(report["statur"], report["libelle"]) for report in message["dlrs"]]
    reports = [("s-1", 22505442710, "2015-06-21 16:49:00", int(statut)) for statut, _ in called]
    (written,) = plain.loads(json.write(ReportsAnswer("38", [("m-1", reports)])))["messages"]
    assert [(report["statur"], report["libelle"]) for report in written["dlrs"]] == called
    assert {int(statut) for statut, _ in called} == set(STATUSES)


@pytest.mark.parametrize(("operation", "code", "name"), REFUSALS)
def test_a_refusal_is_answered_word_for_word_as_its_section_prints_it(transcript, operation, code, name):
    expected = printed(transcript, name)
    if operation == "reports":
        expected["statut"] = str(expected["statut"])  # III-3-2 prints a text; the transcripts assume both
    written = plain.loads(json.write_refusal(operation, Refused(code)))
    assert (list(written), written) == (list(expected), expected)


@pytest.mark.parametrize("operation", ["send", "lookup", "reports", "balance", "senders", "unknown"])
def test_every_refusal_tells_its_code_and_its_meaning(operation):
    for code, meaning in ERRORS.items():
        written = plain.loads(json.write_refusal(operation, Refused(code)))
        assert (int(written["statut"]), written.get("texte", written.get("text"))) == (code, meaning)


@given(st.lists(texts))
def test_a_sender_with_any_characters_comes_back_from_a_plain_parser(names):
    written = plain.loads(json.write(SendersAnswer("38", names)))
    assert [entry["sender"] for entry in written["senders"]] == names
