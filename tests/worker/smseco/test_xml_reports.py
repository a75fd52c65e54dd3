"""Delivery reports: each that is whole is read, whatever became of the rest of the body."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.transcripts import reading
from tests.worker.smseco.documented import ROWS, rows
from worker.smseco import BadReply, NeedsPerson, Refused, parse_reports
from worker.smseco.xml_reports import _reports_below, _salvage, _scan
from worker.smseco.xml_tree import parse_reply


def test_reports_are_read_with_the_sending_that_they_belong_to(transcript):
    batch = parse_reports(transcript("xml/reports_reply.xml"))
    assert rows(batch) == ROWS
    assert not batch.truncated


def test_every_status_of_the_documents_table_is_read(transcript):
    batch = parse_reports(transcript("xml/reports_every_status_reply.xml"))
    assert batch.codes == [50, 62, 65, 54, 55, 61, 56, 59, 60, 49]
    assert len(set(batch.smsfids)) == 10


WOBBLES = {
    "as the vendor shows it": lambda s: s,
    "on one line": lambda s: "".join(line.strip() for line in s.splitlines()),
    "declaration": lambda s: '<?xml version="1.0" encoding="UTF-8"?>' + s,
    "byte order mark": lambda s: "\ufeff" + s,
    "blanks around values": lambda s: s.replace("<statut>", "<statut> ").replace("</smsfid>", "\n</smsfid>"),
    "statur for statut": lambda s: re.sub("statut>(5.)</statut", r"statur>\1</statur", s),
    "case": lambda s: s.replace("dlr>", "DLR>"),
    "namespace": lambda s: s.replace("<REPONSE>", '<REPONSE xmlns="urn:x">'),
    "prefix": lambda s: s.replace("<REPONSE>", '<x:REPONSE xmlns:x="u">').replace("</REPONSE>", "</x:REPONSE>"),
    "attributes": lambda s: s.replace("<dlr>", '<dlr n="1">').replace("<message>", '<message n="1">'),
    "attributes of some": lambda s: s.replace("<dlr>", '<dlr n="1">', 1).replace("</dlr>", "</dlr >", 1),
    "attributes of the last message": lambda s: '<message n="1">'.join(s.rsplit("<message>", 1)),
    "prefix of the last message": lambda s: "<x:message>".join(s.rsplit("<message>", 1)).replace(
        "</message>\n  </messages>", "</x:message></messages>"
    ).replace("<REPONSE>", '<REPONSE xmlns:x="u">'),
    "unknown element": lambda s: s.replace("<date>", "<operateur>MTN</operateur><date>"),
    "no words": lambda s: re.sub("<(libelle|texte)>[^R].*|<texte></texte>", "", s),
    "closed at once": lambda s: s.replace("<texte></texte>", "<texte/>"),
    "entity in a label": lambda s: s.replace("l'Op", "l&#39;Op"),
    "entity in a number": lambda s: s.replace("05442710", "0544&#50;710"),
    "CDATA": lambda s: s.replace("05442710", "<![CDATA[05442710]]>"),
    "a report in a comment": lambda s: s.replace(
        "<dlrs>", "<dlrs><!-- <dlr><smsfid>x</smsfid><destination>1</destination><date/><statut>56</statut></dlr> -->"
    ).replace("<date/>", "<date></date>"),
    "comments": lambda s: s.replace("<dlr>", "<!-- <dlr></dlr> --><dlr>"),
    "id after the reports": lambda s: s.replace(
        "<msgfid>55857bdb8d51b7-38880790</msgfid>", ""
    ).replace("</dlrs>\n    </message>\n  <", "</dlrs><msgfid>55857bdb8d51b7-38880790</msgfid></message><"),
    "another statut than 0": lambda s: s.replace("<statut>0</statut>", "<statut>3</statut>"),
    "no statut": lambda s: s.replace("<statut>0</statut>", ""),
    "trailing blanks": lambda s: s + "\n\n ",
}  # fmt: skip


@pytest.mark.parametrize("change", WOBBLES.values(), ids=WOBBLES)
def test_a_body_may_wobble(transcript, change):
    batch = parse_reports(change(transcript("xml/reports_reply.xml").decode()).encode())
    assert rows(batch) == ROWS
    assert not batch.truncated


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        pytest.param("<message>", "</message>", id="as the vendor spells it"),
        pytest.param("<x:message>", "</x:message>", id="prefix"),
        pytest.param("<MESSAGE>", "</MESSAGE>", id="case"),
        pytest.param('<message n="1">', "</message>", id="attributes"),
    ],
)
def test_a_report_of_a_message_without_an_id_is_not_one_of_the_message_before(begin, end):
    report = "<dlr><smsfid>{0}</smsfid><destination>225</destination><date></date><statut>56</statut></dlr>"
    named = f"<message><msgfid>m</msgfid><dlrs>{report.format(1)}</dlrs></message>"
    listed = f"{named}{begin}<dlrs>{report.format(2)}</dlrs>{end}"
    body = f'<REPONSE xmlns:x="u"><statut>0</statut><messages>{listed}</messages></REPONSE>'.encode()
    assert (parse_reports(body).msgfids, parse_reports(body).smsfids) == (["m", ""], ["1", "2"])


@pytest.mark.parametrize("shape", ["as the vendor shows it", "attributes"])
def test_control_characters_are_dropped_because_no_database_takes_them(transcript, shape):
    whole = WOBBLES[shape](transcript("xml/reports_reply.xml").decode())
    batch = parse_reports(whole.replace("55857", "55\x00857").replace("05442710", "05\x1f442\x7f710").encode())
    assert rows(batch) == ROWS


@pytest.mark.parametrize("shape", ["as the vendor shows it", "attributes"])
def test_a_body_cut_anywhere_yields_every_report_that_is_whole_in_it(transcript, shape):
    whole = WOBBLES[shape](transcript("xml/reports_reply.xml").decode()).encode().rstrip()
    for at in range(whole.index(b"</dlr>") + 6, len(whole)):
        batch = parse_reports(whole[:at])
        assert rows(batch) == ROWS[: whole[:at].count(b"</dlr>")], f"cut at {at}"
        assert batch.truncated, f"cut at {at}"


def test_a_body_cut_before_its_first_report_is_no_loss_that_is_hidden(transcript):
    whole = transcript("xml/reports_reply.xml")
    for at in range(whole.index(b"<statut>"), whole.index(b"</dlr>")):
        batch = parse_reports(whole[:at])
        assert (len(batch), batch.truncated) == (0, True), f"cut at {at}"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda b: b.replace("é".encode(), b"\xe9"), id="labels in latin-1"),
        pytest.param(
            lambda b: b.replace(b"<texte></texte>", b"<texte>\x01\x00</texte>"), id="control characters in a label"
        ),
        pytest.param(lambda b: b.replace(b"<texte></texte>", b"<texte>A & B</texte>"), id="a bare ampersand"),
        pytest.param(lambda b: b"<br />\n<b>Notice</b>: PHP\n" + b, id="a notice before the reply"),
    ],
)
def test_damage_in_words_loses_no_report(transcript, damage):
    assert rows(parse_reports(damage(transcript("xml/reports_reply.xml")))) == ROWS


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        pytest.param(lambda b: b.replace(b"</libelle>", b"", 1), ROWS, id="a tag that is not closed"),
        pytest.param(lambda b: b + b"\n<br/>Warning: PHP", ROWS, id="a warning after the reply"),
        pytest.param(lambda b: b.replace(b"<texte></texte>", b"<texte>a < b</texte>"), ROWS, id="a bare less-than"),
        pytest.param(lambda b: b.replace(b"</dlr>", b"", 1), None, id="a report that is not closed"),
    ],
)
def test_a_broken_body_still_yields_its_reports_and_says_that_it_is_broken(transcript, damage, left):
    batch = parse_reports(damage(transcript("xml/reports_reply.xml")))
    assert batch.truncated
    assert rows(batch)[-1] == ROWS[-1]
    if left is not None:
        assert rows(batch) == left


def test_an_unknown_code_is_kept_and_one_that_is_no_number_is_zero(transcript):
    body = (
        transcript("xml/reports_reply.xml")
        .replace(b"<statut>59<", b"<statut>777<")
        .replace(b"<statut>55<", b"<statut>DELIVRD<")
    )
    assert parse_reports(body).codes == [56, 777, 0]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<REPONSE><statut>0</statut><texte/><messages></messages></REPONSE>", id="0 and no messages"),
        pytest.param(b"<REPONSE><statut>0</statut></REPONSE>", id="0 alone"),
        pytest.param(b"<REPONSE><statut>-15</statut><text>Aucun</text></REPONSE>", id="-15"),
        pytest.param(
            b"<REPONSE><statut>0</statut><messages><message><msgfid>m</msgfid><dlrs></dlrs></message></messages></REPONSE>",
            id="a message without reports",
        ),
    ],
)
def test_nothing_to_report_is_an_empty_batch(body):
    batch = parse_reports(body)
    assert (len(batch), batch.truncated) == (0, False)


def test_the_vendors_words_for_nothing_are_an_empty_batch(transcript):
    assert len(parse_reports(transcript("xml/reports_none_reply.xml"))) == 0


def test_a_refusal_is_raised_with_its_code(transcript):
    with pytest.raises(NeedsPerson) as caught:
        parse_reports(transcript("xml/reports_refused_reply.xml"))
    assert caught.value.code == -4


def test_a_refusal_cut_short_is_still_a_refusal():
    with pytest.raises(Refused, match="-4"):
        parse_reports(b"<REPONSE><statut>-4</statut><texte>Echec de l'Auth")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"  \n", "empty", id="blanks"),
        pytest.param(b"<html><body>502</body></html>", "HTML", id="HTML"),
        pytest.param(b"<!DOCTYPE html><html></html>", "document type", id="HTML 5"),
        pytest.param(b"<html><body><br>502</body></html>", "HTML", id="HTML that is no XML"),
        pytest.param(b"Internal error", "unknown document", id="words"),
        pytest.param(b"<autre/>", "unknown document", id="another document"),
        pytest.param(b"<REPONSE><statut>-99</statut></REPONSE>", "-99", id="an unknown code"),
        pytest.param(b"<REPONSE/>", "no statut", id="no statut"),
        pytest.param(
            b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><REPONSE><dlr><statut>56</statut></dlr></REPONSE>',
            "document type", id="an external entity",
        ),
    ],
)  # fmt: skip
def test_what_is_no_reply_is_said_so_and_kept(body, says):
    with pytest.raises(BadReply, match=says):
        parse_reports(body)


@given(st.binary())
def test_no_bytes_whatever_raise_anything_but_a_bad_reply(body):
    with pytest.raises(BadReply):
        parse_reports(body)


WORD = st.text("ab1- ", max_size=6)
REPORT = st.tuples(WORD, WORD, WORD, st.sampled_from(["56", " 59 ", "", "x", "777"]))
MESSAGES = st.lists(st.tuples(WORD, st.lists(REPORT, max_size=3)), min_size=1, max_size=3)
TAGS = ("smsfid", "destination", "date", "statut")


@given(MESSAGES, st.sampled_from(["", "\n  "]))
def test_the_scan_and_the_parser_read_the_same(messages, gap):
    def report(values):
        cells = gap.join(f"<{tag}>{value}</{tag}>" for tag, value in zip(TAGS, values, strict=True))
        return f"{gap}<dlr>{gap}{cells}{gap}<libelle>é</libelle>{gap}</dlr>"

    listed = "".join(
        f"<message>{gap}<msgfid>{msgfid}</msgfid>{gap}<dlrs>{''.join(map(report, reports))}{gap}</dlrs>{gap}</message>"
        for msgfid, reports in messages
    )
    body = f"<REPONSE>{gap}<statut>0</statut><messages>{listed}</messages></REPONSE>".encode()
    assert _scan(body) == _reports_below(parse_reply(body))
    if any(reports for _, reports in messages):
        assert replace(_salvage(body, BadReply("broken XML")), truncated=False) == _scan(body)


SCRAPS = [b"", b"<", b">", b"/", b"&", b" ", b"\n", b"\0", b"x", b' n="1"', b"]]>", b"<!--", b"-->", b"<![CDATA["]
SCRAPS += [b"<dlr>", b"</dlr>", b"<DLR>", b"</dlr >", b"<message>", b"</message>", b"<msgfid>", b"<statut>"]


@example(shape="on one line", cuts=[(790, 0, b"</dlr >"), (884, 33, b"")])
@given(
    shape=st.sampled_from(["as the vendor shows it", "on one line"]),
    cuts=st.lists(st.tuples(st.integers(0, 1300), st.integers(0, 40), st.sampled_from(SCRAPS)), max_size=3),
)
def test_what_the_scan_takes_of_a_damaged_body_is_what_is_read_without_it(shape, cuts):
    body = WOBBLES[shape](reading.transcript("xml/reports_reply.xml").decode()).encode()
    for at, length, scrap in cuts:
        body = body[:at] + scrap + body[at + length :]
    scanned = _scan(body)
    if scanned is None:
        return
    try:
        otherwise = _reports_below(parse_reply(body))
    except BadReply as fault:
        otherwise = _salvage(body, fault) if len(scanned) else scanned
    assert rows(scanned) == rows(otherwise)


MANY = 25_000


def many_reports() -> str:
    def report(number: int) -> str:
        cells = f"<smsfid>{number}</smsfid><destination>225</destination><date>2015-06-21 16:49:30</date>"
        return f"<dlr>{cells}<statut>56</statut><libelle>é</libelle><texte></texte></dlr>"

    messages = (
        f"<message><msgfid>m{start}</msgfid><dlrs>{''.join(map(report, range(start, start + 1000)))}</dlrs></message>"
        for start in range(0, MANY, 1000)
    )
    return f"<REPONSE><statut>0</statut><messages>{''.join(messages)}</messages></REPONSE>"


SPELLINGS = {
    "as the vendor shows it": lambda s: s,
    "case": lambda s: re.sub(r"</?\w+>", lambda tag: tag[0].upper(), s),
    "prefix": lambda s: re.sub(r"<(/?)(?=\w)", r"<\1x:", s).replace("<x:REPONSE>", '<x:REPONSE xmlns:x="u">'),
    "attributes": lambda s: s.replace("<dlr>", '<dlr n="1">'),
    "blanks": lambda s: s.replace("><", ">\n    <"),
}


@pytest.mark.parametrize("change", SPELLINGS.values(), ids=SPELLINGS)
def test_a_body_that_is_too_large_for_a_tree_is_read_to_the_last_report(change):
    body = change(many_reports()).encode()
    with pytest.raises(BadReply, match="too"):
        parse_reply(body)
    batch = parse_reports(body)
    assert batch.smsfids == [str(number) for number in range(MANY)]
    assert batch.msgfids == [f"m{number // 1000 * 1000}" for number in range(MANY)]
    assert not batch.truncated
    assert parse_reports(body[:-10]).truncated


@pytest.mark.parametrize("gap", [1_000_000, 1_048_570, 3_000_000])
def test_what_stands_between_two_reports_may_be_long_and_costs_none(transcript, gap):
    text = transcript("xml/reports_reply.xml").decode()
    at = text.rindex("<message>")
    assert rows(parse_reports(f"{text[:at]}{' ' * gap}{text[at:]}".encode())) == ROWS
