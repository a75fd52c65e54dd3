"""SOAP replies: the XML form's fields in an envelope of any kind, and nothing that is not one, at whatever cost."""

import re
from decimal import Decimal
from html import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.worker.smseco.documented import ROWS, rows
from worker.smseco import (
    BadReply,
    Credentials,
    Gateway,
    InDoubt,
    NeedsPerson,
    Sending,
    parse_reports,
    soap,
    xml,
    xml_reports,
)
from worker.smseco.xml_tree import parse_reply

CREDENTIALS = Credentials("toto@toto.fr", "123456")


def prefixed(text: str) -> str:
    """As PHP's server writes it: every element of the reply under a prefix, and another one for the envelope."""
    text = text.replace("soap:", "SOAP-ENV:").replace("xmlns:soap", "xmlns:SOAP-ENV").replace("xmlns=", "xmlns:ns1=")
    return re.sub(r"<(/?)(?=[A-Za-z])(?!SOAP-ENV)", r"<\1ns1:", text)


def wrapped(name: str):
    return lambda text: re.sub(r"(?s)(<\w+Response[^>]*>)(.*)(</\w+Response>)", rf"\1<{name}>\2</{name}>\3", text)


def quoted(quote):
    """As PHP's server writes a string that its function returns: the XML form's reply, escaped or in CDATA."""
    return lambda text: re.sub(
        r"(?s)(<\w+Response[^>]*>)(.*)(</\w+Response>)",
        lambda found: f"{found[1]}<return>{quote(f'<REPONSE>{found[2]}</REPONSE>')}</return>{found[3]}",
        text,
    )


WOBBLES = {
    "as assumed": lambda s: s,
    "prefixed": prefixed,
    "an envelope of PHP's": lambda s: s.replace("soap:", "SOAP-ENV:").replace("xmlns:soap", "xmlns:SOAP-ENV"),
    "SOAP 1.2": lambda s: s.replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"),
    "unqualified": lambda s: s.replace(' xmlns="http://www.smseco.com/api/soap/server/"', ""),
    "in a return": wrapped("return"),
    "in a REPONSE": wrapped("REPONSE"),
    "in both": lambda s: wrapped("return")(wrapped("REPONSE")(s)),
    "quoted": quoted(escape),
    "quoted with a declaration": quoted(lambda reply: escape('\n<?xml version="1.0" encoding="UTF-8"?>\n' + reply)),
    "CDATA": quoted(lambda reply: f"<![CDATA[{reply}]]>"),
    "prefixed in both": lambda s: prefixed(WOBBLES["in both"](s)),
    "a header": lambda s: s.replace("<soap:Body>", '<soap:Header><a xmlns="b">c</a></soap:Header><soap:Body>'),
    "typed": lambda s: re.sub(r"<(\w+)>", r'<\1 xsi:type="x">', s).replace(
        "Envelope ", 'Envelope xmlns:xsi="x" '
    ),
    "case": lambda s: s.replace("Envelope", "envelope").replace("soap:Body", "soap:BODY"),
    "declaration": lambda s: '\n<?xml version="1.0" encoding="UTF-8"?>\n' + s,
    "byte order mark": lambda s: "\ufeff" + s,
    "comments": lambda s: re.sub("(</?soap:Body>)", r"<!-- a -->\1<!-- b -->", s),
    "one line": lambda s: "".join(line.strip() for line in s.splitlines()),
}  # fmt: skip


@pytest.fixture(params=WOBBLES)
def wobbly(request, transcript):
    """A reply's transcript in one of many shapes."""
    return lambda name: WOBBLES[request.param](transcript(f"soap/{name}.xml").decode()).encode()


@pytest.mark.parametrize("name", ["send_reply", "send_in_part_reply", "refused_reply", "lookup_reply"])
def test_a_reply_says_what_the_xml_form_says(transcript, wobbly, name):
    assert soap.read_answer(wobbly(name)) == xml.read_answer(transcript(f"xml/{name}.xml"))


def test_a_balance_is_read(transcript, wobbly):
    balance = soap.read_balance(wobbly("balance_reply"))
    assert balance == xml.read_balance(transcript("xml/balance_reply.xml"))
    assert (balance.account_id, balance.credits, balance.consumed) == ("ECO-1234", Decimal(94), Decimal(1206))


def test_senders_are_read(wobbly):
    assert soap.read_senders(wobbly("senders_reply")) == ("TOTO", "TEST")


def test_a_doubt_keeps_the_sendings_id_if_it_was_seen(wobbly):
    reply = wobbly("send_reply")
    assert soap.glimpse_msgfid(reply[: reply.index(b"destinataires")]) == "55857bdb8d51b7-38880789"


ROW = "<{0}sms><{0}smsfid>s</{0}smsfid><{0}destination>225</{0}destination><{0}credits>1</{0}credits></{0}sms>"
PIECES = [
    ROW.format(""), ROW.format("p:"), ROW.format("").replace("225", "226"), f"<sms>{ROW.format('')}</sms>", "<sms/>",
    f"<messages>{ROW.format('')}</messages>", "<!-- <sms> -->", "messages> ", "é",
]  # fmt: skip


@example(rows=[], beside="", header=f"<messages>{ROW.format('')}</messages>", prefix="", inner="")
@given(
    rows=st.lists(st.sampled_from(PIECES), max_size=4),
    beside=st.sampled_from(["", *PIECES]),
    header=st.sampled_from(["", *PIECES]),
    prefix=st.sampled_from(["", "p:"]),
    inner=st.sampled_from(["", "return"]),
)
def test_rows_that_never_become_a_tree_are_read_as_if_they_had(rows, beside, header, prefix, inner):
    listed = f"<{prefix}messages>{''.join(rows)}</{prefix}messages>" if rows else f"<{prefix}messages/>"
    reply = f"<statut>1</statut>{beside}{listed}"
    if inner:
        reply = f"<{inner}>{reply}</{inner}>"
    body = (
        f'<e:Envelope xmlns:e="e" xmlns="u" xmlns:p="u"><e:Header>{header}</e:Header>'
        f"<e:Body><R>{reply}</R></e:Body></e:Envelope>"
    ).encode()
    assert soap.read_answer(body) == xml._answer(parse_reply(body))


FAULT = (
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
    b"<faultcode>soap:Server</faultcode><faultstring>22507070707</faultstring>"
    b"<detail><statut>-8</statut></detail></soap:Fault></soap:Body></soap:Envelope>"
)


@pytest.mark.parametrize("status", ["200 OK", "500 Oops"])
def test_a_fault_proves_nothing_so_a_send_is_in_doubt_and_a_question_unanswered(stub, status):
    stub.plays(stub.http(FAULT, status))
    says = "SOAP fault" if status == "200 OK" else "HTTP 500"
    with Gateway(stub.url, CREDENTIALS, form="soap") as gateway:
        with pytest.raises(InDoubt, match=says) as caught:
            gateway.send(Sending("15", "TOTO", "Bonjour", [225]))
        with pytest.raises(BadReply, match=says):
            gateway.balance()
        with pytest.raises(BadReply, match=says):
            gateway.reports()
    assert "0707" not in repr(caught.value) + str(caught.value)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"<Envelope/>", "no statut", id="no body"),
        pytest.param(b"<Envelope><Body/></Envelope>", "no statut", id="an empty body"),
        pytest.param(b"<Envelope><Body><R/></Body></Envelope>", "no statut", id="an empty reply"),
        pytest.param(b"<Envelope><Body>-8</Body></Envelope>", "no statut", id="text alone"),
        pytest.param(
            b"<Envelope><Body><a><statut>-8</statut></a><b/></Body></Envelope>", "no statut", id="two in one body"
        ),
        pytest.param(
            b"<Envelope><Body><R><a><b><c><statut>-8</statut></c></b></a></R></Body></Envelope>", "no statut",
            id="wrapped too deeply",
        ),
        pytest.param(b"<Envelope><Header><R><statut>-8</statut></R></Header></Envelope>", "no statut", id="a header"),
        pytest.param(b"<Envelope><Body><html><body/></html></Body></Envelope>", "no statut", id="HTML in an envelope"),
        pytest.param(b"<Envelope><Body><R>&lt;html/></R></Body></Envelope>", "no statut", id="HTML as a text in it"),
        pytest.param(b"<Envelope><Body><R>&lt;REPONSE></R></Body></Envelope>", "no statut", id="broken XML as a text"),
        pytest.param(
            b"<Envelope><Body><R>&lt;!DOCTYPE>&lt;REPONSE>&lt;statut>-8&lt;/statut>&lt;/REPONSE></R></Body></Envelope>",
            "no statut", id="a document type as a text",
        ),
        pytest.param(b"<html/>", "HTML", id="HTML"),
        pytest.param(b"<Body><R><statut>-8</statut></R></Body>", "unknown document", id="no envelope"),
        pytest.param(b"", "empty", id="nothing"),
    ],
)  # fmt: skip
def test_what_is_no_reply_is_said_so(body, says):
    with pytest.raises(BadReply, match=says):
        soap.read_answer(body)


def test_a_reply_cut_anywhere_is_no_reply(transcript):
    whole = transcript("soap/refused_reply.xml")
    for at in range(len(whole)):
        with pytest.raises(BadReply):
            soap.read_answer(whole[:at])


def test_a_refusal_in_an_envelope_is_one(stub, transcript):
    stub.plays(transcript("soap/refused_reply.xml"))
    with Gateway(stub.url, CREDENTIALS, form="soap") as gateway, pytest.raises(NeedsPerson, match="-8"):
        gateway.merge(Sending("15", "TOTO", "{nom}", [225], ("nom",), [("Awa",)]))


def test_reports_are_read_with_the_sending_that_they_belong_to(wobbly):
    batch = parse_reports(wobbly("reports_reply"))
    assert (rows(batch), batch.truncated) == (ROWS, False)


def test_every_status_of_the_documents_table_is_read(wobbly):
    assert parse_reports(wobbly("reports_every_status_reply")).codes == [50, 62, 65, 54, 55, 61, 56, 59, 60, 49]


def test_nothing_to_report_is_an_empty_batch(wobbly):
    batch = parse_reports(wobbly("reports_none_reply"))
    assert (len(batch), batch.truncated) == (0, False)


def test_a_refused_report_request_is_raised_with_its_code(wobbly):
    with pytest.raises(NeedsPerson, match="-4"):
        parse_reports(wobbly("reports_refused_reply"))


def test_the_quick_scan_suffices_for_reports_as_assumed_whole_or_cut(transcript):
    body = transcript("soap/reports_reply.xml")
    assert rows(xml_reports._scan(body)) == ROWS
    assert rows(xml_reports._scan(body[:-50])) == ROWS


@pytest.mark.parametrize("shape", ["as assumed", "prefixed", "typed"])
def test_reports_cut_anywhere_yield_each_that_is_whole(transcript, shape):
    whole = WOBBLES[shape](transcript("soap/reports_reply.xml").decode()).encode()
    ends = [match.end() for match in re.finditer(rb"</(ns1:)?dlr>", whole)]
    for at in range(whole.index(b"statut>"), len(whole)):
        batch = parse_reports(whole[:at])
        assert rows(batch) == ROWS[: sum(end <= at for end in ends)], f"cut at {at}"
        assert batch.truncated, f"cut at {at}"


@pytest.mark.parametrize("shape", ["as assumed", "prefixed"])
def test_a_refusal_cut_short_is_still_a_refusal(transcript, shape):
    whole = WOBBLES[shape](transcript("soap/reports_refused_reply.xml").decode()).encode()
    with pytest.raises(NeedsPerson, match="-4"):
        parse_reports(whole[: whole.index(b"messages")])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda: FAULT, id="whole"),
        pytest.param(lambda: FAULT[: FAULT.index(b"</faultcode>")], id="cut short"),
        pytest.param(lambda: prefixed(FAULT.decode()).encode()[:-30], id="under another prefix"),
    ],
)
def test_a_fault_is_no_answer_to_a_report_request(body):
    with pytest.raises(BadReply, match="SOAP fault"):
        parse_reports(body())


@pytest.mark.parametrize("content", ["", "<a/>", "<a/><b/>"])
def test_an_envelope_that_carries_nothing_of_ours_is_no_empty_batch(content):
    with pytest.raises(BadReply, match="no statut"):
        parse_reports(f"<e:Envelope xmlns:e='e'><e:Body>{content}</e:Body></e:Envelope>".encode())


@pytest.mark.parametrize("layer", ["<a>", "<Envelope><Body>"])
def test_wrappers_in_wrappers_are_no_reply(layer):
    ends = layer.replace("<", "</") if layer == "<a>" else "</Body></Envelope>"
    with pytest.raises(BadReply, match="no statut"):
        soap.read_answer(f"<Envelope><Body>{layer * 50}{ends * 50}</Body></Envelope>".encode())
