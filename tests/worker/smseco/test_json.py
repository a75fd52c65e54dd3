"""The JSON form against transcripts of the vendor's document, a plain JSON parser, and a hostile gateway."""

import json as plain
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qs

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.worker.smseco.documented import CARRIED, CREDENTIALS, POSTED, REQUESTS
from worker.smseco import BadReply, Credentials, InDoubt, Sending, json
from worker.smseco.outcome import Exchange, classify


def document_of(request):
    return plain.loads(parse_qs(request.body.decode("ascii"), strict_parsing=True)["JSON"][0])


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_written_as_the_document_shows_it(transcript, name):
    assert document_of(REQUESTS[name](json)) == plain.loads(transcript(f"json/{POSTED[name]}.json"))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("send_request", "api/json/sendsms/"),
        ("merge_request", "api/json/sendsms/"),
        ("lookup_request", "api/json/sendhrl/"),
        ("reports_request", "api/json/getdlrs/"),
        ("balance_request", "api/json/getbalance/"),
        ("senders_request", "api/json/getsenders/"),
    ],
)
def test_each_operation_has_its_path(name, path):
    assert REQUESTS[name](json).path == path


@pytest.mark.parametrize("msgid", ["", "a" * 31, "a b"])
def test_a_lookup_checks_its_msgid(msgid):
    with pytest.raises(ValueError, match="msgid"):
        json.lookup_request(CREDENTIALS, msgid, [225])


@example(text='"}]}\\', login="\\u0000", rows=[("\\", "\r\n%s%00"), ("{nom}", "\u2028😀")])
@given(text=CARRIED, login=CARRIED, rows=st.lists(st.tuples(CARRIED, CARRIED), min_size=1, max_size=5))
def test_every_text_comes_back_from_a_plain_parser(text, login, rows):
    numbers = list(range(225, 225 + len(rows)))
    request = json.send_request(Credentials(login, "p"), Sending("a", "S", text, numbers, ("f1", "f2"), rows))
    document = document_of(request)
    assert (document["compte"]["login"], document["message"]["msg"]) == (login, text)
    assert document["destinataires"] == [
        {"numero": str(number), "datas": {"f1": first, "f2": second}}
        for number, (first, second) in zip(numbers, rows, strict=True)
    ]


def test_a_send_reply_is_read(transcript):
    answer = json.read_answer(transcript("json/send_reply.json"))
    assert (answer.msgid, answer.status, answer.recipients, answer.sms) == ("55857bdb8d51b7-38880789", 3, 3, 6)
    assert (answer.credits, answer.balance) == (Decimal(6), Decimal(94))
    assert answer.smsfids == [f"55857bf80517a0-3872642{i}" for i in (1, 2, 3)]
    assert answer.destinations == ["05442710", "07352518", "22678657808"]
    assert answer.message_credits == [Decimal(2)] * 3


def test_a_lookup_reply_is_read_with_its_fractions(transcript):
    answer = json.read_answer(transcript("json/lookup_reply.json"))
    assert (answer.msgfid, answer.status, answer.credits) == ("55857bdb8d51b7-38880791", 2, Decimal(1))
    assert answer.message_credits == [Decimal("0.5")] * 2


def receipt_of(body: bytes):
    return classify(Exchange(begun=True, status=200, body=body), json, msgid="15", asked=3)


@pytest.mark.parametrize(
    ("name", "msgfid"),
    [("send_reply", "55857bdb8d51b7-38880789"), ("send_in_part_reply", "55857bdb8d51b7-38880790")],
)
def test_a_reply_may_call_the_sendings_id_msgid_or_msgfid(transcript, name, msgfid):
    receipt = receipt_of(transcript(f"json/{name}.json"))
    assert (receipt.msgfid, receipt.consistent) == (msgfid, True)


def test_the_echo_of_our_msgid_is_not_taken_for_the_sendings_id(transcript):
    with pytest.raises(InDoubt, match="no msgfid"):
        receipt_of(transcript("json/send_echo_reply.json"))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda s: s.replace('"statut":3', '"statut":"3"'), id="a number as a string"),
        pytest.param(lambda s: s.replace('"statut":3', '"statut":3.0'), id="a number with a fraction"),
        pytest.param(lambda s: s.replace('"6","credits":"6"', '6,"credits":6'), id="strings as numbers"),
        pytest.param(lambda s: s.replace('"credits":2', '"credits":"2.0"'), id="an amount with a fraction"),
        pytest.param(lambda s: s.replace('"22678657808"', "22678657808"), id="a destination as a number"),
        pytest.param(lambda s: s.replace('"55857bd', '" 55857bd').replace('"054', '"\\n054'), id="blanks in values"),
        pytest.param(lambda s: s.replace(":", " :\n ").replace(",", "\t,"), id="blanks between values"),
        pytest.param(lambda s: s.replace('{"', '{"pays":{"code":["CI"]},"'), id="an unknown name"),
        pytest.param(lambda s: s.replace('"smsfid"', '"SmsFid"').replace('"statut"', '"STATUT"'), id="case"),
        pytest.param(lambda s: s.replace('"texte"', '"text"'), id="text for texte"),
        pytest.param(lambda s: s.replace('"statut"', '"statur"'), id="statur for statut"),
        pytest.param(lambda s: s.replace("é", "\\u00e9"), id="escapes"),
        pytest.param(lambda s: s.replace("55857bdb", "55857\\u0000bdb"), id="an escaped control character"),
        pytest.param(lambda s: s.replace("55857bf8", "55857\\ud800bf8"), id="half a surrogate pair"),
        pytest.param(lambda s: s.replace('"statut":3', '"statut":3,"statut":-9'), id="a name twice"),
        pytest.param(lambda s: s.replace('"sms":"6"', '"sms":"6","SMS":"7"'), id="a name twice in another case"),
        pytest.param(lambda s: "\ufeff\n" + s + "\n", id="byte order mark"),
        pytest.param(lambda s: s.replace("[{", '{"0":{').replace("}, {", '},"3":{', 1)
            .replace("}, {", '},"7":{').replace("}]", "}}"), id="a list with gaps, as PHP writes it"),
        pytest.param(lambda s: s.replace("[{", '{"sms":[{').replace("}]", "}]}"), id="a list in its element"),
    ],
)  # fmt: skip
def test_a_reply_may_wobble(transcript, change):
    told = json.read_answer(transcript("json/send_reply.json"))
    assert json.read_answer(change(transcript("json/send_reply.json").decode()).encode()) == told


@pytest.mark.parametrize(
    ("messages", "smsfids"),
    [
        pytest.param("null", [], id="null"),
        pytest.param("{}", [], id="an empty object"),
        pytest.param("[]", [], id="an empty list"),
        pytest.param('""', [], id="an empty string"),
        pytest.param("true", [], id="a boolean"),
        pytest.param('{"smsfid":"s","destination":"225"}', ["s"], id="one without a list"),
        pytest.param('{"sms":{"smsfid":"s"}}', ["s"], id="one in its element"),
        pytest.param('[{"smsfid":"s"},{},null,"x",[]]', ["s", "", "", "", ""], id="a row that is none keeps its place"),
        pytest.param('[{"smsfid":null},{"smsfid":true},{"smsfid":["s"]}]', [""] * 3, id="an id that is no text"),
    ],
)
def test_messages_are_rows_whatever_they_are_written_as(messages, smsfids):
    body = f'{{"statut":1,"messages":{messages}}}'.encode()
    assert json.read_answer(body).smsfids == smsfids


def test_messages_may_be_missing():
    assert json.read_answer(b'{"statut":-8}').destinations == []


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_an_accent_in_another_encoding_does_not_hide_a_reply(transcript, encoding):
    answer = json.read_answer(transcript("json/send_reply.json").decode().encode(encoding))
    assert (answer.status, answer.text) == (3, "Message envoyé avec succès")


@pytest.mark.parametrize(
    "statut",
    ["true", "false", "null", "{}", "[1]", '""', '"x"', "1e0", "1.5", '"1 2"', "1" * 5000, "-" + "9" * 5000],
)
def test_a_statut_that_is_no_number_is_none(statut):
    with pytest.raises(BadReply, match="no statut"):
        json.read_answer(f'{{"statut":{statut}}}'.encode())


@pytest.mark.parametrize(
    ("value", "credits"),
    [
        ("1", "1"), ("1.0", "1"), ("0.5", "0.5"), ("0.10", "0.1"), ("100", "100"), ("-3", "-3"), ("0.0", "0"),
        ("0.1234567", "0.1234567"), ("12345678901.25", "12345678901.25"), ('" 1 000,5 "', "1000.5"),
    ],
)  # fmt: skip
def test_an_amount_is_read_exactly(value, credits):  # noqa: A002 - the wire's word
    assert json.read_balance(f'{{"statut":0,"credits":{value}}}'.encode()).credits == Decimal(credits)


def test_an_id_that_happens_to_be_a_number_loses_no_digit():
    assert json.read_answer(b'{"statut":1,"msgfid":6611e10}').msgfid == "6611e10"


@pytest.mark.parametrize(
    "value", ['""', '"NaN"', "1e9", "1E999999999", "0.10e10", "9" * 40, "true", "null", "{}", '"٣"', "0." + "1" * 5000]
)
def test_an_amount_that_is_none_is_no_balance(value):
    with pytest.raises(BadReply, match="no credits"):
        json.read_balance(f'{{"statut":0,"credits":{value}}}'.encode())


def test_a_balance_is_read(transcript):
    balance = json.read_balance(transcript("json/balance_reply.json"))
    assert (balance.account_id, balance.credits, balance.consumed) == ("ECO-1234", Decimal(94), Decimal(1206))
    assert balance.expires == datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("name", ["senders_reply", "senders_plain_reply"])
def test_senders_are_read(transcript, name):
    assert json.read_senders(transcript(f"json/{name}.json")) == ("TOTO", "TEST")


@pytest.mark.parametrize(
    ("senders", "names"),
    [
        ("[]", ()), ("null", ()), ("{}", ()), ('""', ()), ('[""]', ()), ("[null, true]", ()), ('[{"sender":null}]', ()),
        ('"TOTO"', ("TOTO",)), ('{"sender":"TOTO"}', ("TOTO",)), ('{"sender":["TOTO","TEST"]}', ("TOTO", "TEST")),
        ('{"0":"TOTO","2":{"sender":" TEST ","actif":1}}', ("TOTO", "TEST")), ("[225]", ("225",)),
    ],
)  # fmt: skip
def test_senders_are_names_whatever_they_are_written_as(senders, names):
    assert json.read_senders(f'{{"statut":0,"senders":{senders}}}'.encode()) == names


def test_a_reply_that_names_no_senders_is_no_answer(transcript):
    with pytest.raises(BadReply, match="no senders"):
        json.read_senders(transcript("json/balance_reply.json"))


@pytest.mark.parametrize(
    ("body", "msgfid"),
    [
        pytest.param(b'{"msgfid":"55857-1","statut":3,"tex', "55857-1", id="cut short"),
        pytest.param(b'{"MSGFID" : " 55857-1 "', "55857-1", id="blanks and case"),
        pytest.param(b'{"statut":3,"msgfid":55857,"x', "55857", id="a number"),
        pytest.param(b'{"statut":3,"msgfid":558', None, id="a number cut short"),
        pytest.param(b'{"statut":3,"msgfid":"558', None, id="a text cut short"),
        pytest.param(b'{"msgid":"55857-1","statut":3,', None, id="msgid, which may be the echo of ours"),
        pytest.param(b'{"texte":"\\"msgfid\\":\\"55857-1\\""', None, id="within a text"),
        pytest.param(b'{"msgfid":null,"statut":3,', None, id="null"),
        pytest.param(b'{"msgfid":"' + b"1" * 65 + b'"', None, id="too long for an id"),
        pytest.param(b"<html>502</html>", None, id="HTML"),
        pytest.param(b"", None, id="nothing"),
    ],
)
def test_the_id_is_made_out_in_what_is_left_of_a_reply(body, msgfid):
    assert json.glimpse_msgfid(body) == msgfid


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "an empty body", id="nothing"),
        pytest.param(b" \r\n", "an empty body", id="blanks"),
        pytest.param(b"<!DOCTYPE html><html></html>", "HTML", id="HTML"),
        pytest.param(b"<REPONSE><statut>1</statut></REPONSE>", "an unknown document", id="XML"),
        pytest.param(b"Internal error", "an unknown document", id="words"),
        pytest.param(b'"statut"', "an unknown document", id="a string"),
        pytest.param(b'[{"statut":1}]', "an unknown document", id="a list"),
        pytest.param(b'{"statut":1', "broken JSON", id="cut short"),
        pytest.param(b'{"statut":1} <br/>Warning', "broken JSON", id="something after the reply"),
        pytest.param(b'{"statut":1}{"statut":1}', "broken JSON", id="two replies"),
        pytest.param(b"{'statut':1}", "broken JSON", id="single quotes"),
        pytest.param(b'{"statut":1,}', "broken JSON", id="a comma too many"),
        pytest.param(b'{"statut":01}', "broken JSON", id="a leading zero"),
        pytest.param(b'{"statut":1,"solde":NaN}', "broken JSON", id="NaN"),
        pytest.param(b'{"statut":1,"solde":-Infinity}', "broken JSON", id="Infinity"),
        pytest.param(b"{}", "no statut", id="an empty object"),
    ],
)
def test_what_is_no_reply_is_said_so_without_a_word_of_it(body, says):
    with pytest.raises(BadReply) as caught:
        json.read_answer(body)
    assert caught.value.reason == says


@given(st.binary())
def test_no_bytes_whatever_raise_anything_else(body):
    with pytest.raises(BadReply):
        json.read_answer(body)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(
            st.sampled_from(["statut", "messages", "senders", "sender", "smsfid", "credits", "msgfid", "x"]), values
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["statut", "messages", "senders", "credits", "expire"]), ANYTHING))
def test_no_document_whatever_raises_anything_else(document):
    body = plain.dumps(document).encode()
    for read in (json.read_answer, json.read_balance, json.read_senders):
        try:
            read(body)
        except BadReply as error:
            assert error.reason in ("broken JSON", "no statut", "no credits", "no senders")  # noqa: PT017
