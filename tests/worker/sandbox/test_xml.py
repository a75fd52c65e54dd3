"""Requests as the vendor's document prints them, filled in; replies held against the structures that it prints."""

import pytest
from lxml import etree

from worker.sandbox import xml
from worker.sandbox.asked import call_for
from worker.sandbox.calls import (
    Accepted,
    BalanceAnswer,
    BalanceCall,
    Credentials,
    LookupCall,
    ReportsAnswer,
    ReportsCall,
    SendCall,
    SendersAnswer,
    SendersCall,
)
from worker.sandbox.codes import ERRORS, Refused
from worker.sandbox.sendings import Sending

SEND = """XML=<SMS>
    <compte>
        <login>toto@toto.fr</login>
        <password>123456</password>
    </compte>
    <message>
        <msgid>15</msgid>
        <expediteur>TOTO</expediteur>
        <msg>Juste un test</msg>
        <flash></flash>
        <unicode>1</unicode>
        <binaire></binaire>
        <datesend>2015-06-21 16:49</datesend>
        <mwi></mwi>
        <pid></pid>
        <rpi></rpi>
        <alt_dcs></alt_dcs>
        <udhdata></udhdata>
    </message>
    <destinataires>
        <numero>05442710</numero>
        <numero> 07352518 </numero>
        <numero></numero>
    </destinataires>
</SMS>"""

MERGE = """XML=<SMS>
    <destinataires>
      <sms>
        <datas>
          <nom> Philo</nom>
          <solde>12</solde>
        </datas>
        <numero>07352518</numero>
      </sms>
      <sms>
        <numero>05442710</numero>
        <datas><nom>Ang<!-- un commentaire -->e</nom><solde/></datas>
      </sms>
      <numero>08559001</numero>
      <inconnu>x</inconnu>
    </destinataires>
    <message><msg>Bonjour {nom}, votre solde est {solde}</msg></message>
    <compte><password>123456</password><login>toto@toto.fr</login></compte>
</SMS>"""


def call(operation: str, body: bytes):
    return call_for(operation, xml.read(body))


COMPTE = "<compte><login>toto@toto.fr</login><password>123456</password></compte>"
TOTO = Credentials("toto@toto.fr", "123456")


def test_a_send_is_read_as_i_1_1_prints_it():
    assert call("send", SEND.encode()) == (
        TOTO,
        SendCall(
            msgid="15",
            sender="TOTO",
            text="Juste un test",
            unicode=True,
            datesend="2015-06-21 16:49",
            recipients=[("05442710", []), ("07352518", []), ("", [])],
        ),
    )


def test_a_merge_is_read_as_ii_1_1_prints_it_in_whatever_order():
    credentials, merge = call("send", MERGE.encode())
    assert credentials == TOTO
    assert merge.recipients == [
        ("07352518", [("nom", " Philo"), ("solde", "12")]),
        ("05442710", [("nom", "Ange"), ("solde", "")]),
        ("08559001", []),
    ]


@pytest.mark.parametrize(
    ("operation", "content", "expected"),
    [
        ("reports", "<message><msgfid>a</msgfid><smsfid> b </smsfid></message>", ReportsCall("a", "b")),
        ("reports", "<message><msgfid></msgfid></message>", ReportsCall("", "")),
        ("reports", "", ReportsCall("", "")),
        ("balance", "", BalanceCall()),
        ("senders", "", SendersCall()),
        (
            "lookup",
            "<message><msgid>h</msgid></message><destinataires><numero>1</numero><numero>2</numero></destinataires>",
            LookupCall("h", ["1", "2"]),
        ),
        ("send", "", SendCall("", "", "", False, "", [])),
    ],
)
def test_each_operation_is_read_with_what_it_needs_and_no_more(operation, content, expected):
    assert call(operation, f"XML=<SMS>{COMPTE}{content}</SMS>".encode()) == (TOTO, expected)


def test_a_request_without_an_account_has_empty_credentials():
    assert call("balance", b"XML=<SMS/>")[0] == Credentials("", "")


def test_the_password_is_not_shown_where_credentials_are():
    assert "123456" not in repr(TOTO)


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(20))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<SMS/>", id="without XML="),
        pytest.param(b"XML=", id="an empty field"),
        pytest.param(b"XML=bonjour", id="no XML"),
        pytest.param(b"XML=<SMS><compte></SMS>", id="not well-formed"),
        pytest.param(b"XML=<SMS><compte>", id="cut short"),
        pytest.param(b"XML=<REPONSE/>", id="another root"),
        pytest.param(b"XML=<SMS>\x00</SMS>", id="a null"),
        pytest.param(b"XML=<SMS>%00</SMS>", id="an encoded null"),
        pytest.param(b"XML=<SMS>\xe9t\xe9</SMS>", id="Latin-1 that calls itself UTF-8"),
        pytest.param(b'XML=<?xml version="1.0" encoding="klingon"?><SMS/>', id="an unknown encoding"),
        pytest.param(b"XML=<SMS>&inconnu;</SMS>", id="an unknown entity"),
        pytest.param(b"XML=" + b"<a>" * 100_000, id="too deep"),
        pytest.param(b"XML=<SMS>" + b"<a/>" * 250_000 + b"</SMS>", id="too many elements"),
        pytest.param(
            b"XML=<SMS " + b"".join(b"a%d='' " % number for number in range(250_000)) + b"/>", id="too many attributes"
        ),
        pytest.param(b"XML=<!DOCTYPE SMS><SMS/>", id="a document type"),
        pytest.param(
            b'XML=<!DOCTYPE SMS [<!ENTITY x SYSTEM "file:///etc/passwd">]><SMS>%26x;</SMS>', id="a file by an entity"
        ),
        pytest.param(
            b'XML=<!DOCTYPE SMS SYSTEM "http://127.0.0.1:9/x.dtd"><SMS/>', id="a document type from elsewhere"
        ),
        pytest.param(f"XML=<!DOCTYPE SMS [{BOMB}]><SMS>%26e19;</SMS>".encode(), id="an entity bomb"),
        pytest.param(b"XML=<SMS><msg>" + b"x" * 10_100_000 + b"</msg></SMS>", id="ten megabytes in one field"),
    ],
)
def test_what_is_no_such_document_is_refused_with_minus_1(document):
    with pytest.raises(Refused) as refused:
        call("send", document)
    assert refused.value.code == -1


def test_an_encoding_that_the_document_declares_is_believed():
    document = f'XML=<?xml version="1.0" encoding="ISO-8859-1"?><SMS>{COMPTE}<message><msg>été</msg></message></SMS>'
    assert call("send", document.encode("latin-1"))[1].text == "été"


def test_an_unknown_command_is_refused_with_minus_14():
    with pytest.raises(Refused) as refused:
        call("unknown", b"XML=<SMS/>")
    assert refused.value.code == -14


def sending() -> Sending:
    return Sending(
        kind="send",
        account="toto@toto.fr",
        msgid="15",
        at=1435935707.0,
        number=3,
        first=38_726_421,
        destinations=[22505442710, 22507352518],
        texts=["a"],
        credits=[1, 2],
    )


def structure(element: etree._Element) -> object:
    """An element as the document prints it: its name, and its children's, or its text."""
    return (element.tag, [structure(child) for child in element] if len(element) else element.text or "")


def test_an_accepted_send_is_answered_as_i_1_1_prints_it():
    taken = sending()
    assert structure(etree.fromstring(xml.write(Accepted(taken, 3, 97)))) == (
        "REPONSE",
        [
            ("msgfid", taken.msgfid),
            ("statut", "2"),
            ("texte", "Envoi effectué avec succès"),
            ("destinataires", "2"),
            ("sms", "3"),
            ("credits", "3"),
            ("solde", "97"),
            (
                "messages",
                [
                    ("sms", [("smsfid", taken.smsfid(0)), ("destination", "22505442710"), ("credits", "1")]),
                    ("sms", [("smsfid", taken.smsfid(1)), ("destination", "22507352518"), ("credits", "2")]),
                ],
            ),
        ],
    )


def test_reports_are_answered_as_iii_1_prints_them():
    answer = ReportsAnswer("38", 0, [("m-1", [("s-1", 22505442710, "2015-06-21 16:49:00", 56)])])
    assert structure(etree.fromstring(xml.write(answer))) == (
        "REPONSE",
        [
            ("accountid", "38"),
            ("statut", "0"),
            ("texte", "Requête traitée avec succès"),
            (
                "messages",
                [
                    (
                        "message",
                        [
                            ("msgfid", "m-1"),
                            (
                                "dlrs",
                                [
                                    (
                                        "dlr",
                                        [
                                            ("smsfid", "s-1"),
                                            ("destination", "22505442710"),
                                            ("date", "2015-06-21 16:49:00"),
                                            ("statut", "56"),
                                            ("libelle", "Accusé de Réception"),
                                            ("texte", "Le sms a été reçu par le destinataire"),
                                        ],
                                    )
                                ],
                            ),
                        ],
                    )
                ],
            ),
        ],
    )


def test_no_reports_are_answered_by_minus_15_or_by_an_empty_list():
    none = etree.fromstring(xml.write(ReportsAnswer("38", -15, [])))
    assert (none.findtext("statut"), none.findtext("texte")) == ("-15", ERRORS[-15])
    empty = etree.fromstring(xml.write(ReportsAnswer("38", 0, [])))
    assert (empty.findtext("statut"), len(empty.find("messages"))) == ("0", 0)


def test_a_balance_is_answered_as_iv_1_1_prints_it():
    answer = BalanceAnswer("38", 97, "2027-01-01 00:00:00", 3)
    names = [(child.tag, child.text) for child in etree.fromstring(xml.write(answer))]
    assert names == [
        ("accountid", "38"),
        ("statut", "0"),
        ("texte", "Requête traitée avec succès"),
        ("credits", "97"),
        ("expire", "2027-01-01 00:00:00"),
        ("cumul", "3"),
    ]


def test_senders_are_answered_as_iv_2_1_prints_them():
    root = etree.fromstring(xml.write(SendersAnswer("38", ("TOTO", "A&B <C>"))))
    assert [child.tag for child in root] == ["accountid", "statut", "texte", "senders"]
    assert [sender.text for sender in root.iterfind("senders/sender")] == ["TOTO", "A&B <C>"]


@pytest.mark.parametrize(
    ("operation", "names"),
    [
        ("send", ["statut", "texte"]),
        ("lookup", ["statut", "text"]),
        ("reports", ["statut", "texte", "messages"]),
        ("balance", ["accountid", "statut", "texte"]),
        ("senders", ["accountid", "statut", "text", "senders"]),
    ],
)
@pytest.mark.parametrize("code", ERRORS)
def test_a_refusal_is_answered_as_its_section_prints_it(operation, names, code):
    root = etree.fromstring(xml.write_refusal(operation, Refused(code)))
    assert [child.tag for child in root] == names
    assert root.findtext("statut") == str(code)
    assert root.findtext(next(name for name in names if name.startswith("text"))) == ERRORS[code]
