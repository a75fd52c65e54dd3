"""The transcripts are whole: each names its section, is well-formed, and none is missing."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree

from tests.transcripts.reading import TRANSCRIPTS, section, transcript

FORMS = {"xml": ".xml", "json": ".json", "get": ".txt", "soap": ".xml"}
NAMES = sorted(f"{form}/{file.name}" for form in FORMS for file in (TRANSCRIPTS / form).iterdir())
NO_JSON = "json/send_as_printed_request.json"

ASKED = {
    "send_request", "send_every_option_request", "send_special_text_request", "reports_request",
    "reports_of_one_request", "lookup_request",
}  # fmt: skip
# A mail merge is answered as any send is.
ANSWERED = {
    "send_reply", "send_in_part_reply", "refused_reply",
    "reports_reply", "reports_every_status_reply", "reports_none_reply", "reports_refused_reply",
    "balance_reply", "balance_refused_reply", "senders_reply", "senders_refused_reply",
    "lookup_reply", "lookup_refused_reply",
}  # fmt: skip
# Balance and senders are asked for by one text in the posted forms, which differ in their address alone.
ONE_QUESTION = {"account_request"}
TWO_QUESTIONS = {"balance_request", "senders_request"}
OPERATIONS = ("send", "reports", "balance", "senders", "lookup")
NEEDED = {
    "xml": ASKED | ANSWERED | ONE_QUESTION | {"merge_request"},
    "json": ASKED | ANSWERED | ONE_QUESTION | {
        "merge_request", "send_as_printed_request", "send_as_mended_request", "send_spaced_datesend_request",
        "lookup_as_printed_request", "send_echo_reply", "reports_mended_reply", "senders_plain_reply",
    },
    # What it is answered with is the text of the output format that it asks for.
    "get": ASKED | TWO_QUESTIONS | {"send_options_request"}
    | {f"{operation}_{output}_request" for operation in OPERATIONS for output in ("json", "html")},
    "soap": ASKED | ANSWERED | TWO_QUESTIONS | {
        "merge_request", "send_as_printed_request", "merge_as_printed_request",
    },
}  # fmt: skip

CHAPTERS = {
    "send": "I", "refused": "I", "merge": "II", "reports": "III", "account": "IV", "balance": "IV", "senders": "IV",
    "lookup": "V",
}  # fmt: skip

ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
SERVER = "{http://www.smseco.com/api/soap/server/}"
SOAP_NAMES = {
    "send": "Sendsms", "merge": "Sendsms", "refused": "Sendsms", "reports": "Getdlrs", "balance": "Getbalance",
    "senders": "Getsenders", "lookup": "SendHlr",
}  # fmt: skip
STATUSES = [50, 62, 65, 54, 55, 61, 56, 59, 60, 49]


def names(*forms: str) -> list[str]:
    return [name for name in NAMES if name.split("/")[0] in forms]


def operation(name: str) -> str:
    return name.split("/")[1].split("_")[0].split(".")[0]


@pytest.mark.parametrize("form", FORMS)
def test_every_operation_and_outcome_has_its_transcript(form):
    assert set(names(form)) == {f"{form}/{name}{FORMS[form]}" for name in NEEDED[form]}


@pytest.mark.parametrize("name", NAMES)
def test_a_transcript_names_its_section_in_the_chapter_of_its_operation(name):
    assert section(name).split("-")[0] == CHAPTERS[operation(name)]


@pytest.mark.parametrize("name", NAMES)
def test_a_transcript_is_utf_8_and_has_no_other_layout_than_its_own(name):
    text = transcript(name).decode()
    assert text == text.strip()
    assert "\r" not in text


@pytest.mark.parametrize("name", names("xml"))
def test_an_xml_transcript_has_the_root_that_is_printed(name):
    assert etree.fromstring(transcript(name)).tag == ("SMS" if "_request" in name else "REPONSE")


@pytest.mark.parametrize("name", names("soap"))
def test_a_soap_transcript_is_one_element_in_a_body_in_an_envelope(name):
    envelope = etree.fromstring(transcript(name))
    (body,) = envelope
    (content,) = body
    ending = "" if "_request" in name else "Response"
    assert (envelope.tag, body.tag) == (f"{ENVELOPE}Envelope", f"{ENVELOPE}Body")
    assert content.tag == f"{SERVER}{SOAP_NAMES[operation(name)]}{ending}"
    assert all(element.tag.startswith(SERVER) for element in content.iter())


@pytest.mark.parametrize("name", [name for name in names("json") if name != NO_JSON])
def test_a_json_transcript_is_an_object(name):
    assert ("compte" if "_request" in name else "statut") in json.loads(transcript(name))


def test_the_invalid_sample_is_invalid_as_printed():
    with pytest.raises(json.JSONDecodeError):
        json.loads(transcript(NO_JSON))


@pytest.mark.parametrize("name", names("get"))
def test_a_get_transcript_is_one_line_with_an_escaped_target(name):
    method, target = transcript(name).decode("ascii").split(" ")
    url = urlsplit(target)
    fields = parse_qs(url.query, keep_blank_values=True, strict_parsing=True)
    output = next((word for word in ("json", "html") if f"_{word}_" in name), "xml")
    assert (method, url.path.startswith(f"/api/{output}/"), url.fragment) == ("GET", True, "")
    assert (fields["login"], fields["password"]) == (["toto@toto.fr"], ["123456"])


def test_the_forms_ask_for_the_same_special_text():
    texts = {
        etree.fromstring(transcript("xml/send_special_text_request.xml")).findtext("message/msg"),
        etree.fromstring(transcript("soap/send_special_text_request.xml")).findtext(f".//{SERVER}msg"),
        json.loads(transcript("json/send_special_text_request.json"))["message"]["msg"],
        parse_qs(transcript("get/send_special_text_request.txt").decode())["msg"][0],
    }
    assert texts == {'Fête à -50% & plus: 1+1=2 "oui" <{nom}> 😀'}


def test_every_report_status_of_the_documents_table_is_there():
    xml = etree.fromstring(transcript("xml/reports_every_status_reply.xml")).iterfind(".//dlr/statut")
    soap = etree.fromstring(transcript("soap/reports_every_status_reply.xml")).iterfind(
        f".//{SERVER}dlr/{SERVER}statut"
    )
    (message,) = json.loads(transcript("json/reports_every_status_reply.json"))["messages"]
    assert [int(statut.text) for statut in xml] == STATUSES
    assert [int(statut.text) for statut in soap] == STATUSES
    assert [int(report["statur"]) for report in message["dlrs"]] == STATUSES


@pytest.mark.parametrize("name", [name for name in names("soap") if "_reply" in name])
def test_a_soap_reply_has_the_fields_of_the_xml_reply(name):
    def fields(element):
        return etree.QName(element).localname, [fields(child) for child in element] or (element.text or "").strip()

    (content,) = etree.fromstring(transcript(name))[0]
    assert fields(content)[1] == fields(etree.fromstring(transcript(name.replace("soap/", "xml/"))))[1]
