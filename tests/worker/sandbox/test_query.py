"""Query strings as I-2, III-1 and V-1 print them."""

import pytest

from worker.sandbox import query
from worker.sandbox.asked import Asked
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


@pytest.mark.parametrize("form", ["xml"])
def test_a_get_is_answered_in_the_form_of_its_path(shared, form):
    reply = shared.post(f"/api/{form}/Getbalance?login=toto%40toto.fr&password=123456", "", method="GET")
    assert (reply.status, "<credits>1000000</credits>" in reply.text) == (200, True)
