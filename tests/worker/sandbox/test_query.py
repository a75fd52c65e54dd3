"""Query strings as I-2, III-1 and V-1 print them."""

from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcripts.reading import TRANSCRIPTS
from tests.worker.sandbox.documented import CALLS, TEST, TOTO
from worker.sandbox import query
from worker.sandbox.asked import Asked, call_for
from worker.sandbox.calls import BalanceCall, LookupCall, SendCall, SendersCall
from worker.sandbox.codes import Refused


def test_numbers_are_separated_by_commas_and_blanks_between_them_are_nothing():
    assert query.read(b"numero=05442710,+07352518,,22678657808").recipients == [
        ("05442710", []),
        ("07352518", []),
        ("22678657808", []),
    ]


def test_a_parameter_is_url_decoded_and_the_first_of_a_name_counts():
    asked = query.read(b"login=toto%40toto.fr&msg=-50%+ce+soir%2B&msg=autre&datesend=2015-06-21%2016:49")
    assert (asked.account["login"], asked.message["msg"]) == ("toto@toto.fr", "-50% ce soir+")
    assert asked.message["datesend"] == "2015-06-21 16:49"


def test_nothing_asks_for_nothing():
    assert query.read(b"") == Asked()


def test_what_is_no_utf_8_is_refused_with_minus_1():
    with pytest.raises(Refused) as refused:
        query.read(b"msg=%E9")
    assert refused.value.code == -1


@pytest.mark.parametrize("query_string", [b"msg=%ED%A0%BD", b"msg=%FF", b"\xe9=1", b"numero=%C3"])
def test_what_else_is_no_utf_8_is_refused_too(query_string):
    with pytest.raises(Refused):
        query.read(query_string)


CALLS_BY_GET = CALLS | {
    ("send", "send_options_request"): SendCall(
        "15", "TOTO", TEST, unicode=True, datesend="2015-06-21 16:49", recipients=[("05442710", [])],
        options={"flash": "1", "binaire": "1"},
    ),
    ("balance", "balance_request"): BalanceCall(),
    ("senders", "senders_request"): SendersCall(),
    ("lookup", "lookup_request"): LookupCall("", ["05442710", "07352518", "08559001"]),
}  # fmt: skip
# What asks for another output asks for the same.
ASKED = {
    (operation, name): CALLS_BY_GET[operation, name.replace("_json", "").replace("_html", "")]
    for operation in ("send", "reports", "balance", "senders", "lookup")
    for name in sorted(file.stem for file in (TRANSCRIPTS / "get").glob(f"*{operation}_*"))
}


@pytest.mark.parametrize(("operation", "name"), ASKED)
def test_a_query_is_read_as_the_document_shows_it(transcript, operation, name):
    asked = query.read(transcript(f"get/{name}.txt").partition(b"?")[2])
    assert call_for(operation, asked) == (TOTO, ASKED[operation, name])


@pytest.mark.parametrize(("operation", "name"), ASKED)
def test_a_get_is_served_in_the_output_that_it_asks_for(served, transcript, operation, name):
    reply = served.post(transcript(f"get/{name}.txt").decode().removeprefix("GET "), "", method="GET")
    output = next((word for word in ("json", "html") if f"_{word}_" in name), "xml")
    kind = {"xml": "text/xml", "json": "application/json", "html": "text/html"}[output]
    assert (reply.status, reply.type) == (200, f"{kind}; charset=utf-8")
    assert served.sandbox.summary()["requests"] == {operation: 1}
    assert served.sandbox.summary()["refusals"] == {}


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(texts.filter(lambda name: name != "numero"), texts), st.lists(st.from_regex(r"\A\w+\Z")))
def test_any_values_come_back(values, numbers):
    asked = query.read(urlencode(values | {"numero": ",".join(numbers)}).encode())
    assert {name: asked.message[name] for name in values} == values
    assert [number for number, _ in asked.recipients] == numbers


@given(st.binary())
def test_no_bytes_whatever_raise_anything_but_a_refusal(query_string):
    with suppress(Refused):
        query.read(query_string)
