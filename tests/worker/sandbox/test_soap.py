"""The SOAP form against transcripts made from the vendor's document, and against strangers."""

import pytest
from lxml import etree

from tests.worker.sandbox.documented import ANSWERS, CALLS, REFUSALS, TOTO, WORD_FOR_WORD
from tests.worker.sandbox.printed import refilled, structure
from worker.sandbox import soap
from worker.sandbox.asked import call_for
from worker.sandbox.calls import BalanceCall, Credentials, LookupCall, ReportsCall, SendersAnswer
from worker.sandbox.codes import ERRORS, Refused

ACCOUNT = "<login>toto@toto.fr</login><password>123456</password>"
ENVELOPE = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{}</e:Body></e:Envelope>'
SERVER = "{http://www.smseco.com/api/soap/server/}"
BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"


def call(envelope: str | bytes):
    command = soap.opened(envelope.encode() if isinstance(envelope, str) else envelope)
    return call_for(soap.operation(command), soap.read(command))


def recipients(content: str, text: str = "Bonjour {nom}, tu es {fonction}."):
    """Who a send with this content is for."""
    return call(ENVELOPE.format(f"<Sendsms>{ACCOUNT}<msg>{text}</msg>{content}</Sendsms>"))[1].recipients


def refusal(envelope: bytes) -> int:
    with pytest.raises(Refused) as refused:
        call(envelope)
    return refused.value.code


@pytest.mark.parametrize(("operation", "name"), CALLS)
def test_a_request_is_read_as_the_document_shows_it(transcript, operation, name):
    body = transcript(f"soap/{name.replace('account', operation)}.xml")
    assert soap.operation(soap.opened(body)) == operation
    assert call(body) == (TOTO, CALLS[operation, name])


def test_the_samples_of_the_document_are_read_as_they_are_printed(transcript):
    credentials, send = call(transcript("soap/send_as_printed_request.xml"))
    assert credentials == Credentials("particulier@smseco.com", "123456")
    assert (send.text, send.datesend) == ("Bonjour, Ceci est juste un test .", "2015-06-21 16:49")
    assert send.recipients == [("07352518", []), ("05442710", []), ("08559001", [])]
    assert call(transcript("soap/merge_as_printed_request.xml"))[1].recipients == [
        ("07352518", [("nom", "Philo"), ("fonction", "Developpeur Web")]),
        ("05442710", [("nom", "MALAMIN"), ("fonction", "Financial Manager")]),
    ]


DATAS = "".join(f"<data{place}>{place}</data{place}>" for place in range(1, 12))


@pytest.mark.parametrize(
    ("text", "datas", "expected"),
    [
        pytest.param("{a} {b}", "<data1>x</data1><data2>y</data2>", [("a", "x"), ("b", "y")], id="in their order"),
        pytest.param("{b} {a}", "<data2>y</data2><data1>x</data1>", [("b", "x"), ("a", "y")], id="by name of the data"),
        pytest.param("{a} {b} {a} {c}", DATAS, [("a", "1"), ("b", "2"), ("c", "3")], id="a name that comes again"),
        pytest.param("{a}", "<data1>x</data1><data2>y</data2>", [("a", "x")], id="more values than placeholders"),
        pytest.param("{a} {b}", "<data1>x</data1>", [("a", "x")], id="fewer values than placeholders"),
        pytest.param("{a} {b}", "<data2>y</data2>", [("b", "y")], id="a value left out"),
        pytest.param(
            "{a} {b}",
            '<data1 xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/><data2>y</data2>',
            [("b", "y")],
            id="a value that is nil",
        ),
        pytest.param("{a} {b}", "<data1/><data2>y</data2>", [("a", ""), ("b", "y")], id="an empty value"),
        pytest.param("{a}", "<data1> {b} </data1>", [("a", " {b} ")], id="a value with blanks and a placeholder"),
        pytest.param("{{a}} {} } {é è} {", "<data1>x</data1><data2>y</data2>", [("a", "x"), ("é è", "y")], id="braces"),
        pytest.param("Bonjour", "<data1>x</data1>", [], id="no placeholder"),
        pytest.param(
            "".join(f"{{p{place}}}" for place in range(1, 12)), DATAS,
            [(f"p{place}", str(place)) for place in range(1, 11)], id="ten values at most",
        ),
    ],
)  # fmt: skip
def test_values_of_a_mail_merge_go_by_their_place(text, datas, expected):
    publipostage = f"<publipostage><to>07352518</to>{datas}</publipostage>"
    assert recipients(publipostage, text) == [("07352518", expected)]


def test_a_number_that_is_in_to_alone_has_no_values():
    merge = "<publipostage><data1>Philo</data1><to> 07352518 </to></publipostage>"
    plain = "<to>05442710</to><to>07352518</to><to/><to>05442710</to>"
    for content in (merge + plain, plain + merge):
        assert recipients(content) == [
            ("07352518", [("nom", "Philo")]),
            ("05442710", []),
            ("", []),
            ("05442710", []),
        ]


@pytest.mark.parametrize("name", ["Getbalance", "getbalance", "GetBalance", "GETBALANCE"])
def test_an_operation_is_known_whatever_its_case(name):
    assert call(ENVELOPE.format(f"<{name}>{ACCOUNT}</{name}>")) == (TOTO, BalanceCall())


def test_reports_are_narrowed_by_the_names_of_the_sample_and_by_those_of_the_xml_form():
    for filters in ("<msgid>a</msgid><smsid> b </smsid>", "<msgfid>a</msgfid><smsfid>b</smsfid>"):
        assert call(ENVELOPE.format(f"<Getdlrs>{ACCOUNT}{filters}</Getdlrs>"))[1] == ReportsCall("a", "b")


@pytest.mark.parametrize(
    "envelope",
    [
        pytest.param(f"<Envelope><Body><Getbalance>{ACCOUNT}</Getbalance></Body></Envelope>", id="no namespaces"),
        pytest.param(
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body>'
            f'<n:Getbalance xmlns:n="urn:autre" xmlns="urn:autre">{ACCOUNT}</n:Getbalance></s:Body></s:Envelope>',
            id="SOAP 1.2, and names of another namespace",
        ),
        pytest.param(
            '<?xml version="1.0"?>\n<!-- a --><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
            '<s:Header><t:Body xmlns:t="urn:t"/><t:Security xmlns:t="urn:t" s:mustUnderstand="0"><login>x</login>'
            f"</t:Security></s:Header><!-- b -->\n<s:Body>\n<!-- c --><?d e?>\n<Getbalance>{ACCOUNT}</Getbalance>"
            "<Getsenders/></s:Body></s:Envelope>",
            id="headers, comments, blanks, and a second command",
        ),
        pytest.param(
            ENVELOPE.format(
                '<Getbalance xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><login xsi:type="xsd:string">'
                " toto@<!-- d -->toto.fr </login><password><![CDATA[123456]]></password><inconnu><login>x</login>"
                "</inconnu><login>y</login></Getbalance>"
            ),
            id="attributes, comments, CDATA, and what nobody knows",
        ),
    ],
)
def test_an_envelope_is_read_however_a_program_writes_it(envelope):
    assert call(envelope) == (TOTO, BalanceCall())


def test_an_envelope_is_read_in_the_encoding_that_it_declares():
    envelope = '<?xml version="1.0" encoding="ISO-8859-1"?>' + ENVELOPE.format("<Sendsms><msg>été</msg></Sendsms>")
    assert call(envelope.encode("latin-1"))[1].text == "été"


def test_a_lookup_is_for_what_stands_in_to():
    content = f"<SendHlr>{ACCOUNT}<msgid>h</msgid><to>07352518</to></SendHlr>"
    assert call(ENVELOPE.format(content))[1] == LookupCall("h", ["07352518"])


def test_another_operation_is_refused_with_minus_14():
    assert refusal(ENVELOPE.format("<Sendfax/>").encode()) == -14


SEND = ENVELOPE.format("<Sendsms><msg>{}</msg></Sendsms>")


@pytest.mark.parametrize(
    "envelope",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"bonjour", id="no XML"),
        pytest.param(b"XML=<SMS/>", id="another form"),
        pytest.param(b"<SMS/>", id="another root"),
        pytest.param(b"<Envelope/>", id="no body"),
        pytest.param(b"<Envelope><Header><Getbalance/></Header></Envelope>", id="a command in the header alone"),
        pytest.param(b"<Envelope><Body>Getbalance</Body></Envelope>", id="no command in the body"),
        pytest.param(SEND.encode()[:-1], id="cut short"),
        pytest.param(b"<!DOCTYPE Envelope>" + SEND.encode(), id="a document type"),
    ],
)
def test_what_is_no_such_envelope_is_refused_with_minus_1(envelope):
    assert soap.operation(soap.opened(envelope)) == "unknown"
    with pytest.raises(Refused) as refused:
        soap.read(soap.opened(envelope))
    assert refused.value.code == -1


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_written_as_the_document_shows_it(transcript, name):
    answer, texts = ANSWERS[name]
    assert structure(soap.write(answer)) == structure(refilled(transcript(f"soap/{name}.xml"), texts))


@pytest.mark.parametrize("name", WORD_FOR_WORD)
def test_an_answer_is_written_word_for_word_as_the_document_shows_it(transcript, name):
    assert structure(soap.write(WORD_FOR_WORD[name])) == structure(transcript(f"soap/{name}.xml"))


@pytest.mark.parametrize(("operation", "code", "name"), REFUSALS)
def test_a_refusal_is_answered_word_for_word_as_its_section_prints_it(transcript, operation, code, name):
    assert structure(soap.write_refusal(operation, Refused(code))) == structure(transcript(f"soap/{name}.xml"))


def test_a_sender_with_special_characters_comes_back_from_a_plain_parser():
    root = etree.fromstring(soap.write(SendersAnswer("38", ("TOTO", "A&B <C>"))))
    assert [sender.text for sender in root.iter(f"{SERVER}sender")] == ["TOTO", "A&B <C>"]


@pytest.mark.parametrize("code", [-1, -14])
def test_what_is_no_operation_is_answered_by_a_fault_of_the_clients(code):
    (fault,) = etree.fromstring(soap.write_refusal("unknown", Refused(code))).find(BODY)
    assert fault.tag == "{http://schemas.xmlsoap.org/soap/envelope/}Fault"
    prefix, _, fault_code = fault.findtext("faultcode").partition(":")
    assert (fault.nsmap[prefix], fault_code) == ("http://schemas.xmlsoap.org/soap/envelope/", "Client")
    assert fault.findtext("faultstring") == ERRORS[code]


PATHS = ["/api/soap/server/", "/api/soap/server", "/API/Soap/Server/?wsdl", "/client/CODE/fr/api/soap/server/"]


@pytest.mark.parametrize("path", PATHS)
def test_the_server_is_found_by_the_tail_of_its_path(shared, path):
    reply = shared.post(path, ENVELOPE.format(f"<Getbalance>{ACCOUNT}</Getbalance>"))
    assert (reply.status, reply.type) == (200, "text/xml; charset=utf-8")
    assert etree.fromstring(reply.text.encode()).findtext(f".//{SERVER}credits") == "1000000"


@pytest.mark.parametrize("path", ["/api/soap/", "/api/soap/sendsms/", "/api/soap/server/more"])
def test_there_is_no_other_address(shared, path):
    assert shared.post(path, ENVELOPE.format("<Getbalance/>")).status == 404


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/soap/server/"), ("PUT", "/api/soap/server/"), ("POST", "/api/soap/wsdl/")]
)
def test_the_server_is_posted_to_and_the_wsdl_is_got(shared, method, path):
    assert shared.post(path, "", method=method).status == 405


def test_a_send_arrives_on_the_phone_as_it_was_written(served):
    content = (
        f"<Sendsms>{ACCOUNT}<msgid>15</msgid><expediteur>TOTO</expediteur><msg>-50% + {{a}}&amp;{{b}}</msg>"
        "<to>05442710</to><to>07352518</to>"
        "<publipostage><to>07352518</to><data1>{b}</data1><data2>&lt;é\n</data2></publipostage></Sendsms>"
    )
    assert "<statut>2</statut>" in served.post("/api/soap/server/", ENVELOPE.format(content)).text
    assert {record["destination"]: record["text"] for record in served.sandbox.ledger()} == {
        "22507352518": "-50% + <é\n&<é\n",
        "22505442710": "-50% + {a}&{b}",
    }


@pytest.mark.parametrize(
    ("body", "code"), [("bonjour", -1), ("<!DOCTYPE a><a/>", -1), (ENVELOPE.format("<Sendfax/>"), -14)]
)
def test_what_is_no_operation_is_a_fault_with_http_status_500_and_counts_as_refused(served, body, code):
    reply = served.post("/api/soap/server/", body, content_type="text/xml")
    assert (reply.status, reply.type) == (500, "text/xml; charset=utf-8")
    assert etree.fromstring(reply.text.encode()).findtext(".//faultstring") == ERRORS[code]
    summary = served.sandbox.summary()
    assert (summary["requests"], summary["refusals"]) == ({"unknown": 1}, {str(code): 1})


def test_a_refusal_is_no_fault(served):
    reply = served.post("/api/soap/server/", ENVELOPE.format("<SendHlr/>"))
    assert (reply.status, "<statut>-2</statut>" in reply.text) == (200, True)
    assert served.sandbox.summary()["requests"] == {"lookup": 1}


def test_faults_strike_the_operation_that_the_envelope_names(served):
    served.sandbox.fault("http_500", operation="balance")
    statuses = [
        served.post("/api/soap/server/", ENVELOPE.format(f"<{name}>{ACCOUNT}</{name}>")).status
        for name in ("Getsenders", "Getbalance", "Getbalance")
    ]
    assert statuses == [200, 500, 200]
