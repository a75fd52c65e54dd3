import tracemalloc
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.bodies import document, field, urldecoded
from worker.sandbox.codes import Refused

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


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


@pytest.mark.parametrize("content_type", ["", "text/xml", FORM, JSON, "application/octet-stream"])
def test_raw_xml_is_url_decoded_whatever_the_body_calls_itself(content_type):
    assert field(b"XML=<SMS>-50% de 2 %2b 2</SMS>", b"XML", content_type) == b"<SMS>-50% de 2 + 2</SMS>"


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        pytest.param(b"JSON=%7B%22a%22%3A%221%2B1%22%7D", FORM, b'{"a":"1+1"}', id="urlencoded"),
        pytest.param(b"JSON=%7B%7D", JSON, b"{}", id="urlencoded, whatever it calls itself"),
        pytest.param(b'JSON={"a":"1+1 %2b & -50%"}', JSON, b'{"a":"1+1 %2b & -50%"}', id="raw as JSON: as it is"),
        pytest.param(b'JSON= {"a":1} \r\n', JSON, b' {"a":1} \r\n', id="raw as JSON, with blanks around"),
        pytest.param(b'JSON={"a":1}}"', JSON, b'{"a":1}}"', id="raw as JSON, with what is one too many"),
        pytest.param(b'JSON={"a":"1%2b1+-50% %C3%A9"}', FORM, b'{"a":"1+1 -50% \xc3\xa9"}', id="raw as a form"),
        pytest.param(b'JSON={"a":"b & c"}&x=1', "", b'{"a":"b & c"}', id="raw, with an & that nobody escaped"),
        pytest.param(b"JSON={", FORM, b"", id="raw and cut short"),
        pytest.param(b'{"a":1}', JSON, None, id="without its name"),
        pytest.param(b"XML=<SMS/>", JSON, None, id="another field"),
    ],
)
def test_json_is_url_decoded_unless_it_comes_raw_in_a_body_that_calls_itself_json(body, content_type, expected):
    assert field(body, b"JSON", content_type) == expected


@pytest.mark.parametrize("body", [b"", b"<SMS/>", b"{}", b"JSON={}"])
def test_a_body_without_the_document_is_refused_with_minus_1(body):
    with pytest.raises(Refused) as refused:
        document(body, b"XML")
    assert refused.value.code == -1


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_whatever_a_program_encodes_comes_back(text):
    assert urldecoded(quote_plus(text).encode()) == text.encode()
    assert urldecoded(quote(text, safe="").encode()) == text.encode()


@pytest.mark.parametrize("before", range(8_186, 8_194))
def test_an_escape_is_decoded_wherever_in_a_long_body_it_stands(before):
    assert urldecoded(b"+" * before + b"%C3%A9%%4") == b" " * before + "é%%4".encode()


@pytest.mark.parametrize("unit", [b"%", b"a%41", b"aa%e9", b"&", b"+", b"&XML"])
@pytest.mark.parametrize("start", [b"XML=", b"XML=<", b""])
def test_a_hostile_body_takes_little_more_memory_than_its_length(start, unit):
    body = start + unit * (200_000 // len(unit)) + b">"
    tracemalloc.start()
    try:
        field(body, b"XML")
        assert tracemalloc.get_traced_memory()[1] < 6 * len(body)
    finally:
        tracemalloc.stop()


@given(st.binary(), st.sampled_from(["", FORM, JSON]))
def test_no_bytes_whatever_raise_anything(body, content_type):
    for name in (b"XML", b"JSON"):
        field(body, name, content_type)
        field(name + b"=" + body, name, content_type)
