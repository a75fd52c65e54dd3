"""Reports are read whatever form their body is in, and counted at a glance."""

import pytest

from worker.smseco import BadReply, parse_reports
from worker.smseco.reports import count_reports, names_an_sms

FORMS = {"xml": "xml/{}.xml", "json": "json/{}.json", "soap": "soap/{}.xml"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", ["", "\ufeff", " \r\n\t", "\ufeff\n", "<br />\n<b>Notice</b>: PHP\n"])
def test_the_form_is_told_by_how_the_body_begins(transcript, form, before):
    body = before.encode() + transcript(FORMS[form].format("reports_reply"))
    assert parse_reports(body).codes == [56, 59, 55]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", ["", "\ufeff", " \r\n\t", "\ufeff\n"])
def test_the_form_is_told_also_where_there_are_no_reports(transcript, form, before):
    assert len(parse_reports(before.encode() + transcript(FORMS[form].format("reports_none_reply")))) == 0


def test_a_word_of_another_form_does_not_hide_reports(transcript):
    body = transcript("xml/reports_reply.xml").replace(b"<texte></texte>", b'<texte>"dlrs"</texte>')
    assert parse_reports(body).codes == [56, 59, 55]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "count"), [("reports_reply", 3), ("reports_every_status_reply", 10), ("reports_none_reply", 0)]
)
def test_reports_are_counted_without_being_read(transcript, form, name, count):
    assert count_reports(transcript(FORMS[form].format(name))) == count


@pytest.mark.parametrize("form", FORMS)
def test_of_a_body_cut_anywhere_no_report_is_overlooked(transcript, form):
    body = transcript(FORMS[form].format("reports_reply"))
    for at in range(body.index(b"smsfid"), len(body)):
        assert 0 <= count_reports(body[:at]) - len(parse_reports(body[:at])) <= 1, f"cut at {at}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<REPONSE><DLR></DLR></REPONSE>", id="case"),
        pytest.param(b"<REPONSE><ns1:dlr></ns1:dlr ></REPONSE>", id="prefix"),
        pytest.param(b'{"messages":[{"dlrs":[{"SmsFid" : 1}]}]}', id="case in JSON"),
    ],
)
def test_a_report_is_counted_however_it_is_spelt(body):
    assert count_reports(body) == 1


@pytest.mark.parametrize("body", [b"", b"<html>smsfid</html>", b'{"statut":0,"messages":[]}'])
def test_where_there_are_none_none_are_counted(body):
    assert count_reports(body) == 0


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<REPONSE><statut>-99</statut></REPONSE>", id="a code that is not documented"),
        pytest.param(b"<REPONSE><messages/></REPONSE>", id="no statut"),
        pytest.param(b"<REPONSE><statut>-99</statut><mess", id="cut short"),
        pytest.param(
            b"<Envelope><Body><a><b>&lt;dlr&gt;</b></a></Body></Envelope>", id="an envelope of something else"
        ),
        pytest.param(b'{"statut":-99}', id="a code that is not documented, in JSON"),
        pytest.param(b'{"messages":[]}', id="no statut, in JSON"),
    ],
)
def test_what_cannot_be_read_is_in_the_error_whole(body):
    with pytest.raises(BadReply) as caught:
        parse_reports(body)
    assert caught.value.partial == body


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"<a><SmsFid > x</SmsFid></a>", True),
        (b"<n:destination>1</n:destination>", True),
        (b'{"smsfid" : "x"}', True),
        (b'{"destination":1}', True),
        (b"<smsfid></smsfid><destination> </destination>", False),
        (b'{"smsfid":"","destination": ""}', False),
        (b"<msgfid>x</msgfid>", False),
    ],
)
def test_a_body_is_told_to_name_an_sms_by_any_field_that_is_not_empty(body, names):
    assert names_an_sms(body) is names
