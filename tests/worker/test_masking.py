"""Numbers and secrets in a text that is about to be logged: masked; ids, times and measures: as they are."""

import pytest

from worker.masking import Mask


@pytest.mark.parametrize(
    ("written", "masked"),
    [
        ("2250701020304", "22507********"),
        ("sent to 2250701020304, and 22670123456", "sent to 22507********, and 22670******"),
        ("0701020304", "070*******"),
        ("70123456", "701*****"),
        ("+2250701020304", "+22507********"),
        ("+225 07 01 02 03 04", "+225 07 ** ** ** **"),
        ("00225 07-01-02-03-04", "00225 **-**-**-**-**"),
        ("07 01 02 03 04", "07 0* ** ** **"),
        ("tel2250701020304x", "tel22507********x"),
        ('{"tel": "0701020304"}', '{"tel": "070*******"}'),
        ("?dest=2250701020304&x=1", "?dest=22507********&x=1"),
        ("sent.2250701020304", "sent.22507********"),
    ],
)
def test_a_number_keeps_the_digits_that_tell_where_it_is_from(written: str, masked: str) -> None:
    assert Mask()(written) == masked


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29T03:32:26.907846Z",
        "2026-11-29 03:24:27,123",
        "Task campaigns.send[3f2a1b44-1234-4321-9999-123412341234] received",
        "Task campaigns.send[30000000-1234-4321-9999-123412341234] succeeded in 0.123456789123s: 'lane 1'",
        "campaign 12345678, batch 12345678, attempt 123456789 and poll 1234567890",
        "lane 1: campaign 7, batches 1–1000, 500,000 accepted",
        "msgid 0a1b22507010203040506070",
        "at 0x7f0123456789",
        "127.0.0.1:6379",
        "",
    ],
)
def test_what_is_no_number_stays(text: str) -> None:
    assert Mask()(text) == text


def test_logins_and_passwords_are_taken_out_wherever_they_stand() -> None:
    mask = Mask(["toto@example.com", "hunter2", "hunter2-too", ""])
    assert mask("http://toto@example.com:hunter2-too@host?p=hunter2") == "http://***:***@host?p=***"


def test_whatever_holds_texts_is_masked_within_and_figures_are_left_alone() -> None:
    masked = Mask(["hunter2"])(
        {"a": ["2250701020304"], "b": {"c": b"hunter2"}, "d": 2250701020304, "e": None, "f": 0.5}
    )
    assert masked == {"a": ["22507********"], "b": {"c": "b'***'"}, "d": 2250701020304, "e": None, "f": 0.5}
