"""Reports object by object: the same as a tree of the whole body gives, whatever its size or spelling."""

import json as plain

import pytest

from tests.worker.smseco.documented import ROWS, rows
from tests.worker.smseco.test_json_reports import WOBBLES, reports_whole_in
from worker.smseco import BadReply
from worker.smseco.json_pieces import one_by_one
from worker.smseco.json_reports import _row_of, parse_reports

FAULT = BadReply("too many elements")


@pytest.mark.parametrize("change", WOBBLES.values(), ids=WOBBLES)
def test_a_body_may_wobble_as_one_that_is_read_by_a_tree(transcript, change):
    batch = one_by_one(change(transcript("json/reports_reply.json").decode()).encode(), _row_of, FAULT)
    assert rows(batch) == ROWS
    assert not batch.truncated


@pytest.mark.parametrize("shape", [None, "blanks between values", "escapes", "unknown names"])
def test_a_body_cut_anywhere_yields_every_report_that_is_whole_in_it(transcript, shape):
    text = transcript("json/reports_reply.json").decode()
    whole = (WOBBLES[shape](text) if shape else text).encode()
    for at in range(whole.index(b'"libelle"'), len(whole)):
        expected = ROWS[: reports_whole_in(whole[:at])]
        if not expected:
            continue
        batch = one_by_one(whole[:at], _row_of, FAULT)
        assert (rows(batch), batch.truncated) == (expected, True), f"cut at {at}"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"statut":0,"messages":[]}', b'{"statut":1', b"<html/>"])
def test_a_body_without_reports_is_what_it_was_said_to_be(body):
    with pytest.raises(BadReply, match="too many elements"):
        one_by_one(body, _row_of, FAULT)


@pytest.mark.parametrize("rubbish", ["\\", '"' * 5, "<br/>", "x:", ",,", "{oops}"])
def test_rubbish_between_reports_costs_none_of_them(transcript, rubbish):
    text = transcript("json/reports_reply.json").decode()
    at = text.rindex('{"msgfid"')
    batch = parse_reports((text[:at] + rubbish + text[at:]).encode())
    assert rows(batch)[:2] == ROWS[:2]
    assert batch.truncated


def test_a_body_of_many_reports_is_read_to_the_last(transcript):
    (head, *_) = plain.loads(transcript("json/reports_reply.json"))["messages"]
    report = head["dlrs"][0]
    messages = [{"dlrs": [report | {"smsfid": f"{m}-{n}"} for n in range(300)], "msgfid": f"m{m}"} for m in range(100)]
    batch = parse_reports(plain.dumps({"statut": "0", "messages": messages}).encode())
    assert batch.smsfids == [f"{m}-{n}" for m in range(100) for n in range(300)]
    assert batch.msgfids == [f"m{m}" for m in range(100) for n in range(300)]
    assert not batch.truncated
