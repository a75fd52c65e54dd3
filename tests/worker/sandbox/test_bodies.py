from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.bodies import field, urldecoded


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"XML=%3CSMS%2F%3E", b"<SMS/>", id="urlencoded"),
        pytest.param(b"XML=%3csms%2f%3e", b"<sms/>", id="urlencoded in small letters"),
        pytest.param(b"a=1&XML=%3CSMS%2F%3E&b=2", b"<SMS/>", id="among other fields"),
        pytest.param(b"XML=<SMS>2 %2b 2 %26amp; 3</SMS>", b"<SMS>2 + 2 &amp; 3</SMS>", id="raw, escaped by hand"),
        pytest.param(b"XML=<SMS>-50% ce soir</SMS>", b"<SMS>-50% ce soir</SMS>", id="a lone percent sign"),
        pytest.param(b"XML=<SMS>a &amp; b</SMS>", b"<SMS>a &amp; b</SMS>", id="raw, with an & that nobody escaped"),
        pytest.param(b"XML=\n  <SMS/>\r\n", b"\n  <SMS/>", id="raw, with blanks around"),
        pytest.param(b"XML=%253CSMS%253E", b"%3CSMS%3E", id="decoded once, not twice"),
        pytest.param(b"XML=%%33C", b"%3C", id="an escape does not grow out of its neighbours"),
        pytest.param(b"<SMS/>", None, id="no field"),
        pytest.param(b"", None, id="no body"),
        pytest.param(b"JSON={}", None, id="another field"),
        pytest.param(b"XML=", b"", id="an empty field"),
    ],
)
def test_the_document_is_found_however_it_travels(body, expected):
    assert field(body, b"XML") == expected


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_whatever_a_program_encodes_comes_back(text):
    assert urldecoded(quote_plus(text).encode()) == text.encode()
    assert urldecoded(quote(text, safe="").encode()) == text.encode()
