"""Delivery reports in the JSON form: each that is whole is read, whatever became of the rest of the body."""

import json as plain
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.smseco.documented import ROWS, rows
from worker.smseco import BadReply, NeedsPerson, Refused, parse_reports

FIRST = "55857bdb8d51b7-38880789"


@pytest.mark.parametrize("name", ["reports_reply", "reports_mended_reply"])
def test_reports_are_read_with_the_sending_that_they_belong_to(transcript, name):
    batch = parse_reports(transcript(f"json/{name}.json"))
    assert rows(batch) == ROWS
    assert not batch.truncated


def test_every_status_of_the_documents_table_is_read(transcript):
    batch = parse_reports(transcript("json/reports_every_status_reply.json"))
    assert batch.codes == [50, 62, 65, 54, 55, 61, 56, 59, 60, 49]
    assert len(set(batch.smsfids)) == 10


def rearranged(change):
    """A change of the document's values, for those that are easier to say in Python."""

    def changed(text):
        document = plain.loads(text)
        return plain.dumps(change(document) or document)

    return changed


def id_after_the_reports(document):
    for message in document["messages"]:
        message["msgfid"] = message.pop("msgfid")


def objects_for_lists(document):
    for message in document["messages"]:
        message["dlrs"] = {f"{3 * i}": report for i, report in enumerate(message["dlrs"])}
    document["messages"] = {f"{2 * i}": message for i, message in enumerate(document["messages"])}


def one_without_a_list(document):
    document["messages"][1]["dlrs"] = document["messages"][1]["dlrs"][0]


def lists_in_their_elements(document):
    for message in document["messages"]:
        message["dlrs"] = {"dlr": message["dlrs"]}
    document["messages"] = {"message": document["messages"]}


def reports_without_messages(document):
    document["messages"] = [
        {"msgfid": message["msgfid"], **report} for message in document["messages"] for report in message["dlrs"]
    ]


WOBBLES = {
    "byte order mark": lambda s: "\ufeff" + s,
    "blanks around the reply": lambda s: f"\n\n {s} \n",
    "blanks around values": lambda s: s.replace('"56"', '" 56 "').replace("38726421", "38726421\\n"),
    "blanks between values": lambda s: s.replace('":', '" : ').replace(",", ",\n\t").replace("}", " }"),
    "case": lambda s: s.replace('"msgfid"', '"MsgFid"').replace('"statur"', '"STATUT"').replace('"dlrs"', '"DLRS"'),
    "numbers": lambda s: s.replace('"56"', "56").replace('"59"', "59.0"),
    "unknown names": lambda s: s.replace('{"', '{"note":{"vu":[1,null]},"'),
    "escapes": rearranged(lambda _: None),
    "control characters": lambda s: s.replace("55857", "55\x00857").replace("05442710", "05\x1f442\\u007f710"),
    "half a surrogate pair": lambda s: s.replace("55857", "55\\ud83d857").replace('"date":"', '"date":"\\udc00'),
    "a name twice": lambda s: s.replace('"statur":"56"', '"statur":"56","statut":"49"'),
    "control characters in a label": lambda s: s.replace('"texte":""', '"texte":"\x00\n"'),
    "constants that are no JSON": lambda s: s.replace('"texte":""', '"texte":NaN'),
    "a list for a label": lambda s: s.replace('"texte":""', '"texte":[]'),
    "another statut than 0": lambda s: s.replace('"statut":"0"', '"statut":3'),
    "no statut": lambda s: s.replace('"statut":"0",', ""),
    "id after the reports": rearranged(id_after_the_reports),
    "lists with gaps, as PHP writes them": rearranged(objects_for_lists),
    "one without a list": rearranged(one_without_a_list),
    "lists in their elements": rearranged(lists_in_their_elements),
    "reports without messages": rearranged(reports_without_messages),
    "the messages alone": rearranged(lambda document: document["messages"]),
}


@pytest.mark.parametrize("change", WOBBLES.values(), ids=WOBBLES)
def test_a_body_may_wobble(transcript, change):
    batch = parse_reports(change(transcript("json/reports_reply.json").decode()).encode())
    assert rows(batch) == ROWS
    assert not batch.truncated


def test_labels_in_latin_1_lose_no_report(transcript):
    batch = parse_reports(transcript("json/reports_reply.json").decode().encode("latin-1"))
    assert rows(batch) == ROWS


def reports_whole_in(body):
    """How many reports' last brace is in the transcript's beginning: none of them holds another object."""
    return sum(1 for piece in body.split(b'"smsfid"')[1:] if b"}" in piece)


@pytest.mark.parametrize("shape", [None, "blanks between values", "escapes", "unknown names"])
def test_a_body_cut_anywhere_yields_every_report_that_is_whole_in_it(transcript, shape):
    text = transcript("json/reports_reply.json").decode()
    whole = (WOBBLES[shape](text) if shape else text).encode()
    for at in range(whole.index(b'"statut"') + 20, len(whole)):
        batch = parse_reports(whole[:at])
        assert rows(batch) == ROWS[: reports_whole_in(whole[:at])], f"cut at {at}"
        assert batch.truncated, f"cut at {at}"


def test_a_body_cut_before_its_first_field_ends_is_no_reply_yet(transcript):
    whole = transcript("json/reports_reply.json")
    for at in range(whole.index(b'"0",') + 3):
        with pytest.raises(BadReply):
            parse_reports(whole[:at])


def test_a_report_cut_from_the_id_that_follows_it_is_not_given_to_the_sending_before_it(transcript):
    whole = WOBBLES["id after the reports"](transcript("json/reports_reply.json").decode()).encode()
    batch = parse_reports(whole[: whole.rindex(b'"msgfid"')])
    assert rows(batch) == [*ROWS[:2], ("", *ROWS[2][1:])]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda b: b"<br />\n<b>Notice</b>: {closure} of PHP\n" + b, id="a notice before the reply"),
        pytest.param(lambda b: b + b"\n<br/>Warning: PHP {}", id="a warning after the reply"),
        pytest.param(lambda b: b.replace(b"l'", b"l\\'"), id="escapes by hand"),
        pytest.param(lambda b: b.removesuffix(b"]}"), id="brackets that are missing"),
    ],
)
def test_a_broken_body_still_yields_its_reports_and_says_that_it_is_broken(transcript, damage):
    batch = parse_reports(damage(transcript("json/reports_reply.json")))
    assert rows(batch) == ROWS
    assert batch.truncated


def test_an_unknown_code_is_kept_and_one_that_is_no_number_is_zero(transcript):
    body = transcript("json/reports_reply.json").replace(b'"59"', b"777").replace(b'"55"', b'"DELIVRD"')
    assert parse_reports(body).codes == [56, 777, 0]


@pytest.mark.parametrize("code", ["null", "true", "{}", '""', "5.5", "9" * 5000])
def test_a_code_that_is_no_number_is_zero(code):
    body = f'{{"statut":0,"messages":[{{"msgfid":"m","dlrs":[{{"smsfid":"s","statut":{code}}}]}}]}}'
    assert rows(parse_reports(body.encode())) == [("m", "s", "", 0, "")]


@pytest.mark.parametrize(
    ("report", "row"),
    [
        ('{"destination":225,"statut":56}', ("m", "", "225", 56, "")),
        ('{"smsfid":"s","statut":56,"msgfid":"other"}', ("other", "s", "", 56, "")),
    ],
)
def test_a_report_needs_no_more_than_a_code_and_whose_it_is(report, row):
    body = f'{{"statut":0,"messages":[{{"msgfid":"m","dlrs":[{report},{{"smsfid":"s"}},{{"statut":59}}]}}]}}'
    assert rows(parse_reports(body.encode())) == [row]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"statut":0,"texte":"","messages":[]}', id="0 and no messages"),
        pytest.param(b'{"statut":0,"messages":null}', id="0 and null"),
        pytest.param(b'{"statut":"0"}', id="0 alone"),
        pytest.param(b'{"statut":-15,"text":"Aucun"}', id="-15"),
        pytest.param(b'{"statut":0,"messages":[{"msgfid":"m","dlrs":[]}]}', id="a message without reports"),
    ],
)
def test_nothing_to_report_is_an_empty_batch(body):
    batch = parse_reports(body)
    assert (len(batch), batch.truncated) == (0, False)


def test_the_vendors_words_for_nothing_are_an_empty_batch(transcript):
    assert len(parse_reports(transcript("json/reports_none_reply.json"))) == 0


def test_a_refusal_is_raised_with_its_code(transcript):
    with pytest.raises(NeedsPerson) as caught:
        parse_reports(transcript("json/reports_refused_reply.json"))
    assert caught.value.code == -4


def test_a_refusal_cut_short_is_still_a_refusal():
    with pytest.raises(Refused, match="-4"):
        parse_reports(b"""{"statut":"-4","texte":"Echec de l'Auth""")


def test_a_refusal_whose_code_is_cut_short_is_none():
    with pytest.raises(BadReply):
        parse_reports(b'{"statut":-1')


def test_the_reply_to_a_send_holds_no_reports(transcript):
    assert len(parse_reports(transcript("json/send_reply.json"))) == 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"{}", "no statut", id="an empty object"),
        pytest.param(b"[]", "an unknown document", id="an empty list"),
        pytest.param(b'{"statut":-99}', "code -99", id="an unknown code"),
        pytest.param(b"{", "broken JSON", id="a brace"),
        pytest.param(b"[oops", "broken JSON", id="a bracket"),
        pytest.param(b"{'statut':0}", "broken JSON", id="single quotes"),
        pytest.param(b'oops "dlrs"', "an unknown document", id="a word of it"),
        pytest.param(b'<html>"dlrs"</html>', "HTML", id="HTML with a word of it"),
    ],
)
def test_what_is_no_reply_is_said_so_and_kept(body, says):
    with pytest.raises(BadReply) as caught:
        parse_reports(body)
    assert caught.value.reason == says


@given(st.sampled_from([b"{", b"[", b'{"statut":0,"messages":[{"smsfid":1,"statut":2}']), st.binary())
def test_no_bytes_whatever_raise_anything_but_a_documented_error(begin, rest):
    with suppress(BadReply, Refused):
        parse_reports(begin + rest)


WORD = st.text('ab1- {}[],:"\\é\n', max_size=6)
REPORT = st.fixed_dictionaries(
    {"smsfid": WORD, "destination": WORD, "date": WORD, "statur": st.sampled_from(["56", 59, "", "x"]), "texte": WORD}
)
MESSAGE = st.fixed_dictionaries({"msgfid": WORD, "dlrs": st.lists(REPORT, max_size=3)})


@settings(max_examples=50)
@given(st.lists(MESSAGE, max_size=3), st.booleans())
def test_whatever_stands_in_the_values_a_cut_loses_only_what_is_not_whole(messages, escaped):
    def written(value):
        return plain.dumps(value, ensure_ascii=escaped)

    head = written({"statut": 0, "texte": "", "messages": []}).removesuffix("]}")
    ends, text = [], head
    for at, message in enumerate(messages):
        text += ("," if at else "") + written({"msgfid": message["msgfid"], "dlrs": []}).removesuffix("]}")
        for number, report in enumerate(message["dlrs"]):
            text += ("," if number else "") + written(report)
            ends.append(len(text.encode()))
        text += "]}"
    whole = (text + "]}").encode()
    told = rows(parse_reports(whole))
    assert len(told) == len(ends)
    for at in range(len(head), len(whole)):
        assert rows(parse_reports(whole[:at])) == told[: sum(end <= at for end in ends)], f"cut at {at}"
