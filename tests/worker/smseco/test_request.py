"""Urlencoding, held against the standard library's."""

from urllib.parse import parse_qs, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.smseco.request import Request, urlencode


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_encoded_exactly_as_the_standard_library_does(text):
    assert urlencode(text) == quote_plus(text)


@pytest.mark.parametrize("text", ["%", "+", "%2B+ ", "a&XML=b", "é€😀", "-50% ce soir", "\r\n\0"])
def test_awkward_text_comes_back(text):
    assert parse_qs(f"XML={urlencode(text)}", keep_blank_values=True) == {"XML": [text]}


def test_a_request_keeps_its_body_to_itself():
    assert "secret" not in repr(Request("api/xml/sendsms/", b"secret"))
