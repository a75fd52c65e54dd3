"""What may be asked of the gateway at all."""

from datetime import UTC, date, datetime

import pytest

from worker.smseco import Credentials, ReportBatch, Sending


def sending(**changes) -> Sending:
    given = {"msgid": "a-1", "sender": "SHOP", "text": "Bonjour", "numbers": [22507000001, 22507000002]}
    return Sending(**(given | changes))


MERGE = {"fields": ("f1", "f2"), "values": [("a", "b"), ("c", "d")]}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"msgid": ""}, "msgid", id="no msgid"),
        pytest.param({"msgid": "a" * 31}, "msgid", id="msgid of 31"),
        pytest.param({"msgid": "a_1"}, "msgid", id="msgid with an underscore"),
        pytest.param({"msgid": "a\n"}, "msgid", id="msgid with a line feed"),
        pytest.param({"sender": "A\x00"}, "sender", id="null in the sender"),
        pytest.param({"text": "a\x1fb"}, "text", id="control character in the text"),
        pytest.param({"text": "\ud83d"}, "text", id="half a surrogate pair"),
        pytest.param({"text": "\ufffe"}, "text", id="no character"),
        pytest.param({"udhdata": "\x05"}, "udhdata", id="control character in an option"),
        pytest.param({"numbers": []}, "numbers is empty", id="no numbers"),
        pytest.param({"numbers": "22507000001"}, "numbers is a single text", id="a number without its list"),
        pytest.param({"numbers": b"22507000001"}, "numbers is a single text", id="a number in bytes"),
        pytest.param({"numbers": ["+22507000001"]}, r"numbers\[0\]", id="plus"),
        pytest.param({"numbers": [1, ""]}, r"numbers\[1\]", id="empty number"),
        pytest.param({"numbers": [1, 2, "22 5"]}, r"numbers\[2\]", id="blank in a number"),
        pytest.param({"numbers": [-1]}, r"numbers\[0\]", id="negative number"),
        pytest.param({"numbers": ["٢٢٥"]}, r"numbers\[0\]", id="Arabic digits"),
        pytest.param({"values": [("a",), ("b",)]}, "without fields", id="values without fields"),
        pytest.param(MERGE | {"values": None}, "one row for each number", id="fields without values"),
        pytest.param(MERGE | {"values": [("a", "b")]}, "one row for each number", id="a row too few"),
        pytest.param(MERGE | {"values": [("a", "b"), ("c",)]}, r"values\[1\]", id="a value too few"),
        pytest.param(MERGE | {"fields": ("f1", "f1")}, "fields", id="one field twice"),
        pytest.param(MERGE | {"fields": ("f1", "un nom")}, "fields", id="a field that is no XML name"),
        pytest.param(MERGE | {"values": [("a", "b"), ("c", "d\x0b")]}, r"values\[1\]\.f2", id="control in a value"),
        pytest.param({"datesend": "2027-01-01 10:00"}, "datesend is not a datetime", id="a date as text"),
        pytest.param({"datesend": date(2027, 1, 1)}, "datesend is not a datetime", id="a date without a time"),
        pytest.param({"datesend": datetime(2026, 1, 1)}, "time zone", id="a date without zone"),  # noqa: DTZ001
        pytest.param(
            {"datesend": datetime.fromisoformat("9999-12-31T23:59-05:00")}, "datesend", id="a date after the last one"
        ),
    ],
)
def test_what_no_form_can_carry_is_refused_when_it_is_made(changes, says):
    with pytest.raises(ValueError, match=says):
        sending(**changes)


def test_a_refusal_names_the_place_and_not_the_value():
    with pytest.raises(ValueError) as caught:
        sending(fields=("f1",), values=[("ok",), ("secret\x00",)])
    assert "secret" not in str(caught.value)


def test_line_breaks_braces_and_every_plane_are_fine():
    assert sending(text="{a}\r\n\té€😀\U0010fffd", datesend=datetime(2026, 1, 1, tzinfo=UTC)).text


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(Credentials("login", "hunter2"), id="credentials"),
        pytest.param(sending(text="hunter2", numbers=["login"[:0] + "225"]), id="sending"),
        pytest.param(ReportBatch(["hunter2"], ["login"], ["225"], [56], ["hunter2"]), id="reports"),
        pytest.param(sending(text="login", fields=("f1",), values=[("hunter2",), ("login",)]), id="merge"),
    ],
)
def test_a_repr_keeps_what_is_private(value):
    assert not any(word in repr(value) for word in ("hunter2", "login", "225"))


def test_the_repr_of_reports_says_how_many_and_whether_these_are_all():
    batch = ReportBatch(["m"] * 3, ["s"] * 3, ["225"] * 3, [56] * 3, [""] * 3, truncated=True)
    assert repr(batch) == "ReportBatch(reports=3, truncated=True)"
