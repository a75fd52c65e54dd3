"""The table of what became of a request, and the same rows again over real sockets in `test_connection.py`."""

from decimal import Decimal

import pytest

from worker.smseco import (
    BadReply,
    BadRequest,
    InDoubt,
    NeedsPerson,
    NotEnoughCredits,
    NotSent,
    Receipt,
    Refused,
    Unreachable,
    xml,
)
from worker.smseco.outcome import Exchange, body_of, classify

ROW = "<sms><smsfid>s{0}</smsfid><destination>2250{0}</destination><credits>1</credits></sms>"


def reply(*, statut="2", destinataires="2", rows=2, msgfid="<msgfid>m-1</msgfid>", cost="2", sms="2") -> bytes:
    listed = "".join(ROW.format(i) for i in range(rows))
    return (
        f"<REPONSE>{msgfid}<statut>{statut}</statut><destinataires>{destinataires}</destinataires><sms>{sms}</sms>"
        f"<credits>{cost}</credits><solde>90</solde><messages>{listed}</messages></REPONSE>"
    ).encode()


def refused(code: int) -> bytes:
    return f"<REPONSE><statut>{code}</statut><texte>peu importe</texte></REPONSE>".encode()


def judge(exchange: Exchange, asked: int = 2) -> Receipt:
    return classify(exchange, xml, msgid="ours-1", asked=asked)


def arrived(body: bytes, status: int = 200) -> Exchange:
    return Exchange(begun=True, status=status, body=body)


@pytest.mark.parametrize(
    ("exchange", "error", "says"),
    [
        pytest.param(Exchange(begun=False, failure="name not found"), NotSent, "name not found", id="no name"),
        pytest.param(
            Exchange(begun=False, failure="connection refused"), NotSent, "connection refused", id="refused port"
        ),
        pytest.param(Exchange(begun=False, failure="timed out"), NotSent, "timed out", id="connect time-out"),
        pytest.param(Exchange(begun=False, failure="TLS failed"), NotSent, "TLS failed", id="handshake"),
        pytest.param(Exchange(begun=True, failure="timed out"), InDoubt, "timed out", id="read time-out"),
        pytest.param(Exchange(begun=True, failure="connection reset"), InDoubt, "connection reset", id="reset"),
        pytest.param(
            Exchange(begun=True, failure="timed out", status=200, body=reply()),
            InDoubt,
            "timed out",
            id="a reply whose end never came, though it looks whole",
        ),
        pytest.param(Exchange(begun=True, failure="reply too long", status=200), InDoubt, "too long", id="oversize"),
        pytest.param(arrived(b"", 500), InDoubt, "HTTP 500", id="500"),
        pytest.param(arrived(reply(), 500), InDoubt, "HTTP 500", id="a 500 that says accepted"),
        pytest.param(arrived(refused(-9), 500), InDoubt, "HTTP 500", id="a 500 that says refused"),
        pytest.param(arrived(b"", 302), InDoubt, "HTTP 302", id="redirect"),
        pytest.param(arrived(b"<html/>", 404), InDoubt, "HTTP 404", id="404"),
        pytest.param(arrived(reply(), 404), InDoubt, "HTTP 404", id="a 404 that says accepted"),
        pytest.param(
            arrived(refused(-4), 401), NeedsPerson, "-4", id="a documented refusal with the status that suits it"
        ),
        pytest.param(arrived(b""), InDoubt, "empty", id="empty body"),
        pytest.param(arrived(b"<html><body>Maintenance</body></html>"), InDoubt, "HTML", id="HTML"),
        pytest.param(arrived(b"<!DOCTYPE html><html></html>"), InDoubt, "document type", id="HTML 5"),
        pytest.param(arrived(reply()[:-20]), InDoubt, "broken XML", id="XML cut short"),
        pytest.param(arrived(reply() + b"<br/>"), InDoubt, "broken XML", id="something after the reply"),
        pytest.param(arrived(b"<soap/>"), InDoubt, "unknown document", id="another document"),
        pytest.param(arrived(b"<REPONSE/>"), InDoubt, "no statut", id="no statut"),
        pytest.param(arrived(reply(statut="deux")), InDoubt, "no statut", id="statut in words"),
        pytest.param(arrived(reply(statut="0", rows=0)), InDoubt, "code 0", id="statut 0"),
        pytest.param(arrived(reply(statut="0")), InDoubt, "code 0", id="statut 0 with a list"),
        pytest.param(
            arrived(refused(-15)), InDoubt, "code -15 Aucun statut sms disponible", id="-15 says nothing of a send"
        ),
        pytest.param(arrived(refused(-99)), InDoubt, "code -99", id="a code that nobody documented"),
        pytest.param(arrived(reply(statut="-6")), InDoubt, "code -6", id="a refusal that lists messages"),
        pytest.param(arrived(reply(statut="-6", rows=0)), InDoubt, "code -6", id="a refusal that counts messages"),
        pytest.param(arrived(reply(msgfid="")), InDoubt, "no msgfid", id="no id"),
        pytest.param(
            arrived(reply(msgfid=f"<msgfid>{'7' * 256}</msgfid>")), InDoubt, "no msgfid", id="no id that could be kept"
        ),
        pytest.param(arrived(reply(msgfid="<msgid>ours-1</msgid>")), InDoubt, "no msgfid", id="our own id echoed"),
        pytest.param(
            arrived(reply(cost="?", rows=0, statut="2", destinataires="2")), InDoubt, "no credits", id="no price"
        ),
        *[
            pytest.param(arrived(refused(code)), BadRequest, f"{code} ", id=str(code))
            for code in (-1, -5, -7, -9, -10, -13)
        ],
        *[
            pytest.param(arrived(refused(code)), NeedsPerson, f"{code} ", id=str(code))
            for code in (-2, -3, -4, -8, -11, -12, -14)
        ],
        pytest.param(arrived(refused(-6)), NotEnoughCredits, "-6 ", id="-6"),
    ],
)
def test_what_is_no_receipt_is_told_by_what_can_be_done_about_it(exchange, error, says):
    with pytest.raises(error, match=says) as caught:
        judge(exchange)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("body", "consistent"),
    [
        pytest.param(reply(), True, id="all agree"),
        pytest.param(reply(statut="1", destinataires="1", rows=1), True, id="one left out"),
        pytest.param(reply(rows=1), False, id="list too short"),
        pytest.param(reply(rows=0), False, id="no list"),
        pytest.param(reply(statut="1"), False, id="statut differs"),
        pytest.param(reply(destinataires="1"), False, id="destinataires differ"),
        pytest.param(reply(destinataires=""), False, id="destinataires missing"),
        pytest.param(reply(statut="3", destinataires="3", rows=3), False, id="more than were asked"),
        pytest.param(reply().replace(b"22501", b"22500"), False, id="one number twice"),
        pytest.param(reply().replace(b"22501", b""), False, id="a number missing"),
        pytest.param(reply().replace(b">s1<", b"><"), False, id="an id missing"),
    ],
)
def test_a_receipt_says_whether_what_is_missing_was_left_out_or_is_in_doubt(body, consistent):
    assert judge(arrived(body)).consistent is consistent


def test_a_msgid_that_is_not_ours_is_the_gateways():
    assert judge(arrived(reply(msgfid="<msgid>theirs</msgid>"))).msgfid == "theirs"


def test_the_cost_is_added_up_where_the_total_cannot_be_read():
    assert judge(arrived(reply(cost=""))).credits == Decimal(2)


@pytest.mark.parametrize(
    ("exchange", "msgfid"),
    [
        pytest.param(arrived(reply()[:-20]), "m-1", id="cut short after it"),
        pytest.param(
            Exchange(begun=True, failure="timed out", status=200, body=reply()[:40]), "m-1", id="time-out after it"
        ),
        pytest.param(arrived(reply(statut="0")), "m-1", id="statut 0"),
        pytest.param(arrived(reply()[:20]), None, id="cut short before its end"),
    ],
)
def test_a_doubt_keeps_the_sendings_id_if_it_was_seen(exchange, msgfid):
    with pytest.raises(InDoubt) as caught:
        judge(exchange)
    assert caught.value.msgfid == msgfid


@pytest.mark.parametrize(
    ("exchange", "error", "begun", "partial"),
    [
        pytest.param(Exchange(begun=False, failure="timed out"), Unreachable, False, b"", id="nothing left"),
        pytest.param(Exchange(begun=True, failure="timed out"), Unreachable, True, b"", id="nothing came"),
        pytest.param(Exchange(True, "connection reset", 200, b"<REP"), Unreachable, True, b"<REP", id="some came"),
        pytest.param(arrived(b"<REPONSE/>", 500), BadReply, True, b"<REPONSE/>", id="500 with reports, perhaps"),
        pytest.param(arrived(b"<html/>", 404), BadReply, True, b"<html/>", id="404"),
        pytest.param(arrived(b"", 302), BadReply, True, b"", id="redirect"),
    ],
)
def test_a_question_without_an_answer_keeps_what_came(exchange, error, begun, partial):
    with pytest.raises(error) as caught:
        body_of(exchange, xml)
    assert (caught.value.begun, caught.value.partial) == (begun, partial)


def test_a_question_may_be_refused_by_a_4xx():
    with pytest.raises(Refused, match="-4"):
        body_of(arrived(refused(-4), 403), xml)


def test_no_error_repeats_what_a_reply_said():
    said = b"<REPONSE><statut>-8</statut><texte>22507070707 inconnu</texte></REPONSE>"
    with pytest.raises(Refused) as caught:
        judge(arrived(said))
    assert "22507070707" not in repr(caught.value) + str(caught.value)


def test_no_repr_shows_a_body():
    assert "secret" not in repr(arrived(b"secret"))
    with pytest.raises(BadReply) as caught:
        body_of(arrived(b"secret", 500), xml)
    assert "secret" not in repr(caught.value) + str(caught.value)
