"""The XML form against transcripts of the vendor's document, and against strangers."""

from urllib.parse import urlencode

import pytest
from lxml import etree

from tests.worker.sandbox.documented import ANSWERS, CALLS, REFUSALS, TOTO, WORD_FOR_WORD
from tests.worker.sandbox.printed import refilled, structure
from worker.sandbox import bodies, xml
from worker.sandbox.asked import call_for
from worker.sandbox.calls import (
    BalanceCall,
    Credentials,
    LookupCall,
    ReportsAnswer,
    ReportsCall,
    SendCall,
    SendersAnswer,
    SendersCall,
)
from worker.sandbox.codes import ERRORS, STATUSES, Refused

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
    return call_for(operation, xml.read(bodies.document(body, b"XML")))


COMPTE = "<compte><login>toto@toto.fr</login><password>123456</password></compte>"


@pytest.mark.parametrize(("operation", "name"), CALLS)
def test_a_request_is_read_as_the_document_shows_it(transcript, operation, name):
    body = urlencode({"XML": transcript(f"xml/{name}.xml")}).encode()
    assert call(operation, body) == (TOTO, CALLS[operation, name])


def test_elements_that_are_left_empty_ask_for_nothing_and_an_empty_number_stays_one():
    message = "<msg>Juste un test</msg><flash></flash><unicode/><binaire> </binaire><datesend></datesend><udhdata/>"
    numbers = "<destinataires><numero> 07352518 </numero><numero></numero></destinataires>"
    body = f"XML=<SMS>{COMPTE}<message>{message}</message>{numbers}</SMS>".encode()
    assert call("send", body)[1] == SendCall(
        "", "", "Juste un test", unicode=False, datesend="", recipients=[("07352518", []), ("", [])]
    )


def test_a_merge_is_read_in_whatever_order():
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
        pytest.param(b"XML=<SMS>%00</SMS>", id="an encoded null"),
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


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_written_as_the_document_shows_it(transcript, name):
    answer, texts = ANSWERS[name]
    assert structure(xml.write(answer)) == structure(refilled(transcript(f"xml/{name}.xml"), texts))


@pytest.mark.parametrize("name", WORD_FOR_WORD)
def test_an_answer_is_written_word_for_word_as_the_document_shows_it(transcript, name):
    assert structure(xml.write(WORD_FOR_WORD[name])) == structure(transcript(f"xml/{name}.xml"))


def test_every_status_is_called_what_the_documents_table_calls_it(transcript):
    def called(document: bytes) -> list[tuple[str, str]]:
        return [(dlr.findtext("statut"), dlr.findtext("libelle")) for dlr in etree.fromstring(document).iter("dlr")]

    printed = called(transcript("xml/reports_every_status_reply.xml"))
    reports = [("s-1", 22505442710, "2015-06-21 16:49:00", int(statut)) for statut, _ in printed]
    assert called(xml.write(ReportsAnswer("38", [("m-1", reports)]))) == printed
    assert {int(statut) for statut, _ in printed} == set(STATUSES)


def test_no_reports_may_also_be_an_empty_list():
    empty = etree.fromstring(xml.write(ReportsAnswer("38", [])))
    assert (empty.findtext("statut"), len(empty.find("messages"))) == ("0", 0)


def test_a_sender_with_special_characters_comes_back_from_a_plain_parser():
    root = etree.fromstring(xml.write(SendersAnswer("38", ("TOTO", "A&B <C>"))))
    assert [sender.text for sender in root.iterfind("senders/sender")] == ["TOTO", "A&B <C>"]


@pytest.mark.parametrize(("operation", "code", "name"), REFUSALS)
def test_a_refusal_is_answered_word_for_word_as_its_section_prints_it(transcript, operation, code, name):
    assert structure(xml.write_refusal(operation, Refused(code))) == structure(transcript(f"xml/{name}.xml"))


@pytest.mark.parametrize(("operation", "name"), [(operation, name) for operation, _, name in REFUSALS])
def test_every_refusal_is_told_in_the_structure_of_its_section(transcript, operation, name):
    names = [child.tag for child in etree.fromstring(transcript(f"xml/{name}.xml"))]
    text = next(name for name in names if name.startswith("text"))
    for code, meaning in ERRORS.items():
        root = etree.fromstring(xml.write_refusal(operation, Refused(code)))
        assert [child.tag for child in root] == names
        assert (root.findtext("statut"), root.findtext(text)) == (str(code), meaning)
