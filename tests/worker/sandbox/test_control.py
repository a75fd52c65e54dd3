import pytest

from worker.sandbox.control import Control
from worker.sandbox.faults import Faults


@pytest.fixture
def gateway(open_gateway):
    return open_gateway(delays=(10, 10))


@pytest.fixture
def control(gateway):
    return Control(gateway, Faults())


def test_sendings_are_shown_the_newest_first_with_their_first_sms(control, gateway, toto, a_send):
    gateway.answer(toto, a_send("05442710", msgid="a", text="x" * 200))
    merged = [(f"0544271{i}", [("nom", f"n°{i}")]) for i in range(9)]
    gateway.answer(toto, a_send(*merged, msgid="b", text="Bonjour {nom}", unicode=True))
    second, first = control.sendings(sms=2)
    assert (first["msgid"], first["size"], first["credits"], first["sender"]) == ("a", 1, 2, "TOTO")
    assert (second["msgid"], second["size"], second["kind"], second["account"]) == ("b", 9, "send", "toto@toto.fr")
    assert [(sms["destination"], sms["text"]) for sms in second["sms"]] == [
        ("22505442710", "Bonjour n°0"), ("22505442711", "Bonjour n°1"),
    ]  # fmt: skip
    assert control.sendings(before=second["first"], sms=2) == [first]
    (alone,) = control.sendings(msgfid=second["msgfid"], skip=8)
    assert [sms["text"] for sms in alone["sms"]] == ["Bonjour n°8"]
    assert control.sendings(msgfid="x") == []


def test_an_sms_is_shown_with_what_has_become_of_it_though_nobody_asked_the_gateway(
    control, gateway, toto, a_send, hands
):
    def shown():
        (sms,) = control.sendings()[0]["sms"]
        return sms["status"], sms["since"]

    gateway.answer(toto, a_send("05442710"))
    assert shown() == (None, None)
    hands.seconds += 11
    assert shown() == (56, gateway.clock.stamp(1000))
