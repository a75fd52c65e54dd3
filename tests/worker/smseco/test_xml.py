"""The XML form against transcripts of the vendor's document, a plain XML parser, and a hostile gateway."""

from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.worker.smseco.documented import CARRIED, CREDENTIALS, POSTED, REQUESTS
from worker.smseco import BadReply, Credentials, Sending, xml


def document_of(request) -> str:
    return parse_qs(request.body.decode("ascii"), strict_parsing=True)["XML"][0]


def tree(document: str | bytes):
    """Tags and texts without the blanks of the vendor's layout, to compare documents by."""

    def simple(element):
        children = [simple(child) for child in element]
        return element.tag, children or (element.text or "")

    return simple(ElementTree.fromstring(document))


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_written_as_the_document_shows_it(transcript, name):
    assert tree(document_of(REQUESTS[name](xml))) == tree(transcript(f"xml/{POSTED[name]}.xml"))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("send_request", "api/xml/sendsms/"),
        ("merge_request", "api/xml/sendsms/"),
        ("lookup_request", "api/xml/sendhrl/"),
        ("reports_request", "api/xml/getdlrs/"),
        ("balance_request", "api/xml/getbalance/"),
        ("senders_request", "api/xml/getsenders/"),
    ],
)
def test_each_operation_has_the_path_that_is_printed(name, path):
    assert REQUESTS[name](xml).path == path


@pytest.mark.parametrize("msgid", ["", "a" * 31, "a b"])
def test_a_lookup_checks_its_msgid(msgid):
    with pytest.raises(ValueError, match="msgid"):
        xml.lookup_request(CREDENTIALS, msgid, [225])


def test_a_date_is_written_in_abidjans_time():
    east = datetime.fromisoformat("2026-01-01T01:30+02:00")
    assert "<datesend>2025-12-31 23:30</datesend>" in document_of(
        xml.send_request(CREDENTIALS, Sending("a", "S", "t", [1], datesend=east))
    )


@example(text="a]]>b", login="<&>", rows=[("]]>", "\r\n%s%00")])
@given(text=CARRIED, login=CARRIED, rows=st.lists(st.tuples(CARRIED, CARRIED), min_size=1, max_size=5))
def test_every_text_comes_back_from_a_plain_parser(text, login, rows):
    numbers = list(range(225, 225 + len(rows)))
    request = xml.send_request(Credentials(login, "p"), Sending("a", "S", text, numbers, ("f1", "f2"), rows))
    root = ElementTree.fromstring(document_of(request))
    assert (root.findtext("compte/login") or "", root.findtext("message/msg") or "") == (login, text)
    read = [(sms.findtext("datas/f1") or "", sms.findtext("datas/f2") or "") for sms in root.iter("sms")]
    assert read == rows
    assert [int(sms.findtext("numero")) for sms in root.iter("sms")] == numbers


def test_a_send_reply_is_read(transcript):
    answer = xml.read_answer(transcript("xml/send_reply.xml"))
    assert (answer.msgfid, answer.status, answer.recipients, answer.sms) == ("55857bdb8d51b7-38880789", 3, 3, 6)
    assert (answer.credits, answer.balance) == (Decimal(6), Decimal(94))
    assert answer.smsfids == [f"55857bf80517a0-3872642{i}" for i in (1, 2, 3)]
    assert answer.destinations == ["05442710", "07352518", "22678657808"]
    assert answer.message_credits == [Decimal(2)] * 3


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda s: s.replace("<smsfid>", "<smsfid>\n  ").replace("</credits>", " </credits>"), id="blanks"),
        pytest.param(lambda s: s.replace("</destination>", "</destination><pays>CI</pays>"), id="unknown element"),
        pytest.param(lambda s: s.replace("<sms>\n", "<note/><sms>\n"), id="unknown element beside"),
        pytest.param(lambda s: s.replace("smsfid>", "SmsFid>").replace("REPONSE", "reponse"), id="case"),
        pytest.param(lambda s: s.replace("<REPONSE>", '<REPONSE xmlns="urn:x">'), id="namespace"),
        pytest.param(lambda s: s.replace("<smsfid>", "<!-- note --><smsfid><!-- x -->"), id="comments"),
        pytest.param(lambda s: s.replace("05442710", "<![CDATA[05442710]]>"), id="CDATA"),
        pytest.param(lambda s: s.replace("05442710", "0544&#50;710"), id="character reference"),
        pytest.param(lambda s: s.replace("texte>", "text>"), id="text for texte"),
        pytest.param(lambda s: "\ufeff\n" + s, id="byte order mark"),
        pytest.param(lambda s: '<?xml version="1.0" encoding="UTF-8"?>' + s, id="declaration"),
        pytest.param(lambda s: "\n\n  <?xml version='1.0'?>" + s, id="blanks before the declaration"),
        pytest.param(lambda s: s.replace("<statut>3</statut>", "").replace("</R", "<statut>3</statut></R"), id="order"),
        pytest.param(lambda s: s.replace("<credits>6</credits>", "<credits> 6,0 </credits>"), id="decimal comma"),
    ],
)  # fmt: skip
def test_a_reply_may_wobble(transcript, change):
    told = xml.read_answer(transcript("xml/send_reply.xml"))
    assert xml.read_answer(change(transcript("xml/send_reply.xml").decode()).encode()) == told


def test_the_columns_of_a_row_may_come_in_any_order():
    row = "<sms><credits>1</credits><destination>225</destination><smsfid>s</smsfid></sms>"
    answer = xml.read_answer(f"<REPONSE><statut>1</statut><messages>{row}</messages></REPONSE>".encode())
    assert (answer.smsfids, answer.destinations, answer.message_credits) == (["s"], ["225"], [Decimal(1)])


def test_a_column_is_not_taken_for_another():
    row = "<sms><id>x</id><destination>225</destination><credits>1</credits></sms>"
    answer = xml.read_answer(f"<REPONSE><statut>1</statut><messages>{row}</messages></REPONSE>".encode())
    assert (answer.smsfids, answer.destinations) == ([""], ["225"])


def test_a_row_without_an_id_keeps_its_place():
    rows = "<sms><destination>225</destination></sms><sms><smsfid>s</smsfid></sms><sms/>"
    answer = xml.read_answer(f"<REPONSE><statut>3</statut><messages>{rows}</messages></REPONSE>".encode())
    assert (answer.smsfids, answer.destinations) == (["", "s", ""], ["225", "", ""])


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_an_accent_in_another_encoding_does_not_hide_a_reply(transcript, encoding):
    assert xml.read_answer(transcript("xml/send_reply.xml").decode().encode(encoding)).status == 3


def test_a_declared_encoding_is_understood(transcript):
    declared = '<?xml version="1.0" encoding="ISO-8859-1"?>' + transcript("xml/send_reply.xml").decode()
    assert xml.read_answer(declared.encode("latin-1")).text == "Message envoyé avec succès"


@pytest.mark.parametrize(
    ("text", "credits"),
    [("1", "1"), ("0.5", "0.5"), ("0,5", "0.5"), ("1 000", "1000"), ("1\u202f000,25", "1000.25"), ("-3", "-3")],
)
def test_an_amount_is_read_as_people_write_it(text, credits):  # noqa: A002 - the wire's word
    body = f"<REPONSE><statut>0</statut><credits>{text}</credits></REPONSE>".encode()
    assert xml.read_balance(body).credits == Decimal(credits)


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "1e9", "x", "--1", "9" * 40, "٣"])
def test_an_amount_that_is_none_is_no_balance(text):
    with pytest.raises(BadReply, match="no credits"):
        xml.read_balance(f"<REPONSE><statut>0</statut><credits>{text}</credits></REPONSE>".encode())


def test_a_balance_is_read(transcript):
    balance = xml.read_balance(transcript("xml/balance_reply.xml"))
    assert (balance.account_id, balance.credits, balance.consumed) == ("ECO-1234", Decimal(94), Decimal(1206))
    assert balance.expires == datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expires"),
    [
        ("2030-12-31 23:59:59", datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2030-12-31 23:59", datetime(2030, 12, 31, 23, 59, tzinfo=UTC)),
        ("2030-12-31", datetime(2030, 12, 31, tzinfo=UTC)),
        ("31/12/2030", datetime(2030, 12, 31, tzinfo=UTC)),
        ("0000-00-00", None),
        ("jamais", None),
        ("", None),
    ],
)
def test_an_expiry_that_cannot_be_read_is_none(text, expires):
    body = f"<REPONSE><statut>0</statut><credits>1</credits><expire>{text}</expire></REPONSE>".encode()
    assert xml.read_balance(body).expires == expires


def test_senders_are_read(transcript):
    assert xml.read_senders(transcript("xml/senders_reply.xml")) == ("TOTO", "TEST")


def test_an_account_without_senders_has_none():
    assert xml.read_senders(b"<REPONSE><statut>0</statut><senders><sender/></senders></REPONSE>") == ()


@given(st.binary())
def test_no_bytes_whatever_raise_anything_else(body):
    with pytest.raises(BadReply):
        xml.read_answer(body)
