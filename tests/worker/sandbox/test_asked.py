"""What each operation takes of the texts that a form found, whatever the form."""

import pytest

from worker.sandbox.asked import Asked, call_for
from worker.sandbox.calls import Credentials, SendCall
from worker.sandbox.codes import Refused


def test_blanks_around_ids_are_dropped_and_those_of_texts_and_passwords_count():
    asked = Asked({"login": " toto ", "password": " a b "}, {"msgid": " 15\n", "msg": " Bonjour "}, [("1", [])])
    assert call_for("send", asked) == (
        Credentials("toto", " a b "),
        SendCall("15", "", " Bonjour ", unicode=False, datesend="", recipients=[("1", [])]),
    )


def test_options_are_kept_as_they_came_and_those_left_empty_are_not():
    asked = Asked(message={"flash": "1", "binaire": "0", "mwi": "", "udhdata": " 0605 ", "inconnu": "x"})
    assert call_for("send", asked)[1].options == {"flash": "1", "binaire": "0", "udhdata": "0605"}


def test_an_unknown_operation_is_refused_with_minus_14():
    with pytest.raises(Refused) as refused:
        call_for("sendfax", Asked())
    assert refused.value.code == -14
