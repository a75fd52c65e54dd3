"""Whatever the form: the same values, the same errors, nothing asked twice, and nothing private told."""

import logging
import socket
from decimal import Decimal

import pytest

from worker.smseco import BadReply, Credentials, Gateway, InDoubt, NeedsPerson, NotSent, Sending, Unreachable
from worker.smseco.forms import FORMS

# In which form the replies come.
REPLIES = {"xml": "xml/{}.xml", "json": "json/{}.json", "get": "xml/{}.xml", "soap": "soap/{}.xml"}
SENDING = Sending("15", "TOTO", "Bonjour", ["05442710", "07352518", "22678657808"])
MERGE = Sending("15", "TOTO", "Bonjour {nom}", ["05442710", "07352518"], ("nom",), [("Awa",), ("Kofi",)])


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


@pytest.fixture
def reply(form, transcript):
    return lambda name: transcript(REPLIES[form].format(name))


@pytest.fixture
def gateway(stub, form):
    credentials = Credentials("toto@toto.fr", "hunter2")
    with Gateway(stub.url, credentials, form=form, connect_timeout=30, read_timeout=30) as client:
        yield client


def test_a_send_has_the_same_receipt(stub, gateway, reply):
    stub.plays(reply("send_reply"))
    receipt = gateway.send(SENDING)
    assert (receipt.msgfid, receipt.status, receipt.sms) == ("55857bdb8d51b7-38880789", 3, 6)
    assert (receipt.credits, receipt.balance, receipt.consistent) == (Decimal(6), Decimal(94), True)
    assert receipt.destinations == list(SENDING.numbers)


def test_a_merge_has_a_receipt_or_is_refused_by_name(stub, gateway, form, reply):
    stub.plays(reply("send_in_part_reply"))
    if form == "get":
        with pytest.raises(ValueError, match="no mail merge"):
            gateway.merge(MERGE)
        assert stub.received == []
    else:
        assert gateway.merge(MERGE).status == 2


def test_a_lookup_has_the_same_receipt(stub, gateway, reply):
    stub.plays(reply("lookup_reply"))
    receipt = gateway.lookup("15", ["05442710", "07352518", "08559001"])
    assert (receipt.destinations, receipt.credits) == (["05442710", "07352518"], Decimal(1))


def test_the_same_reports_are_read(stub, gateway, reply):
    stub.plays(reply("reports_reply"))
    batch = gateway.reports("55857bdb8d51b7-38880789")
    assert (batch.codes, batch.destinations) == ([56, 59, 55], ["05442710", "07352518", "05442710"])


def test_no_reports_are_no_error(stub, gateway, reply):
    stub.plays(reply("reports_none_reply"))
    assert len(gateway.reports()) == 0


def test_the_same_balance_and_senders_are_read(stub, gateway, reply):
    stub.plays(reply("balance_reply"), reply("senders_reply"))
    balance = gateway.balance()
    assert (balance.account_id, balance.credits, balance.consumed) == ("ECO-1234", Decimal(94), Decimal(1206))
    assert gateway.senders() == ("TOTO", "TEST")


@pytest.mark.parametrize(
    ("name", "ask", "code"),
    [
        ("refused_reply", lambda gateway: gateway.send(SENDING), -8),
        ("lookup_refused_reply", lambda gateway: gateway.lookup("15", [225]), -11),
        ("reports_refused_reply", Gateway.reports, -4),
        ("balance_refused_reply", Gateway.balance, -4),
        ("senders_refused_reply", Gateway.senders, -3),
    ],
)
def test_a_refusal_is_the_same_error(stub, gateway, reply, name, ask, code):
    stub.plays(reply(name))
    with pytest.raises(NeedsPerson) as caught:
        ask(gateway)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda s: s.raw(b""), id="hung up"),
        pytest.param(lambda s: s.reset, id="reset"),
        pytest.param(lambda s: s.http(b"", "503 Later", "Retry-After: 0"), id="told to come again"),
        pytest.param(lambda s: s.http(b"", "429 Slower", "Retry-After: 0"), id="told to slow down"),
        pytest.param(lambda s: s.http(b"", "302 Found", "Location: /elsewhere"), id="redirect"),
        pytest.param(lambda s: s.http(b"<html>oops</html>"), id="HTML"),
    ],
)
def test_a_request_that_left_is_in_doubt_and_is_never_made_again(stub, gateway, act):
    stub.plays(act(stub))
    with pytest.raises(InDoubt):
        gateway.send(SENDING)
    assert len(stub.received) == 1
    with pytest.raises((BadReply, Unreachable)):
        gateway.balance()
    assert len(stub.received) == 2


def test_nothing_private_is_logged_whatever_happens(stub, gateway, reply, caplog):
    caplog.set_level(logging.DEBUG)
    stub.plays(
        reply("send_reply"),
        b"<html>07352518</html>",
        stub.http(b"", "302 Found", "Location: http://127.0.0.1/?login=toto@toto.fr"),
        stub.reset,
    )
    gateway.send(SENDING)
    for _ in range(3):
        with pytest.raises(InDoubt) as caught:
            gateway.send(SENDING)
        assert "07352518" not in repr(caught.value)
    assert "urllib3.connectionpool" in caplog.text
    assert not any(word in caplog.text for word in ("toto", "hunter2", "07352518", "Bonjour"))


def test_nothing_private_is_logged_when_connecting_fails(form, caplog):
    caplog.set_level(logging.DEBUG)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        with Gateway(url, Credentials("toto@toto.fr", "hunter2"), form=form) as gateway:
            with pytest.raises(NotSent) as caught:
                gateway.send(SENDING)
            assert caught.value.__context__ is None
            with pytest.raises(Unreachable):
                gateway.balance()
    assert caplog.records
    assert not any(word in caplog.text + repr(caught.value) for word in ("toto", "hunter2", "07352518", "Bonjour"))
