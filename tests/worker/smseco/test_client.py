"""The five operations over a real socket, played from transcripts of the vendor's document."""

import logging
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from worker.smseco import (
    BadReply,
    BadRequest,
    Credentials,
    Gateway,
    InDoubt,
    NeedsPerson,
    Sending,
    Unreachable,
    parse_reports,
)

SENDING = Sending("15", "TOTO", "Bonjour", ["05442710", "07352518", "22678657808"])


def test_a_send_returns_the_gateways_receipt(stub, gateway, transcript):
    stub.plays(transcript("xml/send_reply.xml"))
    receipt = gateway.send(SENDING)
    assert (receipt.msgfid, receipt.status, receipt.sms) == ("55857bdb8d51b7-38880789", 3, 6)
    assert (receipt.credits, receipt.balance, receipt.consistent) == (Decimal(6), Decimal(94), True)


def test_a_number_that_was_left_out_is_missing_from_a_consistent_receipt(stub, gateway, transcript):
    stub.plays(transcript("xml/send_in_part_reply.xml"))
    receipt = gateway.send(SENDING)
    assert receipt.destinations == ["05442710", "22678657808"]
    assert receipt.consistent


def test_a_refused_send_says_why_in_the_vendors_words(stub, gateway, transcript):
    stub.plays(transcript("xml/refused_reply.xml"))
    with pytest.raises(NeedsPerson) as caught:
        gateway.send(SENDING)
    assert (caught.value.code, caught.value.text) == (-8, "Expéditeur non enregistré")


@pytest.mark.parametrize(
    ("headers", "clock"),
    [
        (["Date: Sun, 29 Nov 2026 03:00:00 GMT"], datetime(2026, 11, 29, 3, tzinfo=UTC)),
        (["Date: yesterday"], None),
        ([], None),
    ],
    ids=["said", "no date", "none"],
)
def test_the_gateways_own_time_is_that_of_its_last_reply(stub, gateway, transcript, headers, clock):
    stub.script = [stub.http(transcript("xml/balance_reply.xml"), "200 OK", *headers)]
    assert gateway.clock is None
    gateway.balance()
    assert gateway.clock == clock


def test_a_send_with_fields_is_refused_by_name_and_so_is_a_merge_without(stub, gateway):
    merge = Sending("15", "TOTO", "Bonjour {nom}", ["05442710"], ("nom",), [("Awa",)])
    with pytest.raises(ValueError, match=r"use merge\(\)"):
        gateway.send(merge)
    with pytest.raises(ValueError, match=r"use send\(\)"):
        gateway.merge(SENDING)
    assert stub.received == []


def test_an_unknown_form_is_refused_and_html_is_said_to_be_for_eyes(credentials):
    with pytest.raises(ValueError, match="choose one of xml"):
        Gateway("https://sms.example", credentials, form="yaml")
    with pytest.raises(ValueError, match="for eyes"):
        Gateway("https://sms.example", credentials, form="html")


def test_reports_are_fetched_and_parsed_in_one_step(stub, gateway, transcript):
    stub.plays(transcript("xml/reports_reply.xml"))
    assert gateway.reports().codes == [56, 59, 55]


def test_a_lookup_returns_a_receipt_too(stub, gateway, transcript):
    stub.plays(transcript("xml/lookup_reply.xml"))
    receipt = gateway.lookup("15", ["05442710", "07352518", "08559001"])
    assert (receipt.destinations, receipt.credits) == (["05442710", "07352518"], Decimal(1))
    assert receipt.message_credits == [Decimal("0.5")] * 2
    assert stub.received[0].path == "/client/42/fr/api/xml/sendhrl/"


def test_a_lookup_by_an_account_that_may_not_is_refused(stub, gateway, transcript):
    stub.plays(transcript("xml/lookup_refused_reply.xml"))
    with pytest.raises(NeedsPerson, match="-11"):
        gateway.lookup("15", ["05442710"])


def test_reports_come_raw_and_are_parsed_apart(stub, gateway, transcript):
    stub.plays(transcript("xml/reports_reply.xml"))
    raw = gateway.fetch_reports(msgfid="55857bdb8d51b7-38880789")
    assert raw == transcript("xml/reports_reply.xml")
    assert parse_reports(raw).codes == [56, 59, 55]
    assert "<msgfid>55857bdb8d51b7-38880789</msgfid>" in stub.received[0].document


def test_what_came_is_kept_before_it_is_read(stub, gateway, transcript):
    kept = []
    stub.plays(transcript("xml/reports_reply.xml"), b"<html>oops</html>", transcript("xml/refused_reply.xml"))
    assert gateway.reports(keep=kept.append).codes == [56, 59, 55]
    with pytest.raises(BadReply, match="HTML"):
        gateway.reports(keep=kept.append)
    with pytest.raises(NeedsPerson, match="-8"):
        gateway.reports(keep=kept.append)
    assert kept == [transcript("xml/reports_reply.xml"), b"<html>oops</html>", transcript("xml/refused_reply.xml")]


def test_reports_that_came_before_the_reply_broke_off_are_kept_and_handed_over(stub, gateway, transcript):
    kept, whole = [], transcript("xml/reports_reply.xml")
    stub.plays(stub.cut(whole, at=whole.rindex(b"<dlr>")), stub.http(whole, "500 Oops"))
    batch = gateway.reports(keep=kept.append)
    assert (batch.codes, batch.truncated) == ([56, 59], True)
    batch = gateway.reports(keep=kept.append)
    assert (batch.codes, batch.truncated) == ([56, 59, 55], True)
    assert kept == [whole[: whole.rindex(b"<dlr>")], whole]


def test_a_reply_that_broke_off_without_a_report_is_told_as_what_it_is(stub, gateway, transcript):
    kept, whole = [], transcript("xml/reports_reply.xml")
    begun = whole[: whole.index(b"<dlr>")]
    stub.plays(
        stub.cut(whole, at=len(begun)), stub.raw(b""), stub.http(transcript("xml/refused_reply.xml"), "500 Oops")
    )
    for error in (Unreachable, Unreachable, BadReply):
        with pytest.raises(error):
            gateway.reports(keep=kept.append)
    assert kept == [begun, transcript("xml/refused_reply.xml")]


@pytest.mark.parametrize("form", ["xml", "json", "soap"])
def test_a_refusal_that_holds_reports_all_the_same_is_handed_over_to_be_journaled(stub, credentials, transcript, form):
    body = transcript(f"{form}/reports_reply.{'json' if form == 'json' else 'xml'}")
    mended = re.sub(rb'(statut"\s*:\s*"|<statut>)0', rb"\g<1>-4", body, count=1)
    assert mended != body
    stub.plays(stub.http(mended, "403 Forbidden"))
    with Gateway(stub.url, credentials, form=form) as gateway, pytest.raises(BadReply) as caught:
        gateway.fetch_reports()
    assert caught.value.partial == mended


def test_a_refusal_by_http_too_says_why(stub, gateway, transcript):
    stub.plays(stub.http(transcript("xml/refused_reply.xml"), "403 Forbidden"))
    with pytest.raises(NeedsPerson, match="-8"):
        gateway.fetch_reports()


def test_a_page_of_html_instead_of_reports_is_still_handed_over_to_be_journaled(stub, gateway):
    stub.plays(b"<html>oops</html>")
    raw = gateway.fetch_reports()
    with pytest.raises(BadReply, match="HTML"):
        parse_reports(raw)


def test_the_balance_is_read(stub, gateway, transcript):
    stub.plays(transcript("xml/balance_reply.xml"))
    assert gateway.balance().credits == Decimal(94)


def test_the_senders_are_read(stub, gateway, transcript):
    stub.plays(transcript("xml/senders_reply.xml"))
    assert gateway.senders() == ("TOTO", "TEST")


@pytest.mark.parametrize(
    ("name", "ask", "code"),
    [("balance_refused_reply", Gateway.balance, -4), ("senders_refused_reply", Gateway.senders, -3)],
)
def test_a_refused_question_says_why(stub, gateway, transcript, name, ask, code):
    stub.plays(transcript(f"xml/{name}.xml"))
    with pytest.raises(NeedsPerson) as caught:
        ask(gateway)
    assert caught.value.code == code


@pytest.mark.parametrize("ask", [Gateway.balance, Gateway.senders])
@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(b"<html/>", BadReply, id="HTML"),
        pytest.param(b"<REPONSE><statut>0</statut></REPONSE>", BadReply, id="nothing in it"),
        pytest.param(b"<REPONSE><statut>-15</statut></REPONSE>", BadReply, id="-15"),
        pytest.param(b"<REPONSE><statut>-1</statut></REPONSE>", BadRequest, id="-1"),
    ],
)
def test_a_question_is_answered_or_says_so(stub, gateway, ask, body, error):
    stub.plays(body)
    with pytest.raises(error):
        ask(gateway)


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_base_url_keeps_its_path_with_either_slash(stub, credentials, transcript, slash):
    stub.plays(transcript("xml/balance_reply.xml"))
    with Gateway(stub.url + slash, credentials) as gateway:
        gateway.balance()
    assert stub.received[0].path == "/client/42/fr/api/xml/getbalance/"


def test_a_request_travels_as_a_browser_would_send_a_form(stub, gateway, transcript):
    stub.plays(transcript("xml/balance_reply.xml"))
    gateway.balance()
    (request,) = stub.received
    assert request.line == "POST /client/42/fr/api/xml/getbalance/ HTTP/1.1"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["accept-encoding"] == "identity"
    assert int(request.headers["content-length"]) == len(request.body)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://sms.example/fr", id="plain http"),
        pytest.param("http://127.0.0.1.sms.example", id="a name that looks like this machine"),
        pytest.param("ftp://sms.example", id="another scheme"),
        pytest.param("sms.example", id="no scheme"),
        pytest.param("https://", id="no host"),
        pytest.param("https://sms.example:port", id="a port that is none"),
        pytest.param("https://me:hunter2@sms.example", id="a login in the URL"),
        pytest.param("https://sms.example?x=hunter2", id="a query"),
        pytest.param("https://sms.example/fr?", id="an empty query"),
        pytest.param("https://sms.example/fr#", id="an empty fragment"),
    ],
)
def test_a_base_url_that_cannot_be_meant_is_refused_without_repeating_it(credentials, url):
    with pytest.raises(ValueError) as caught:
        Gateway(url, credentials)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://sms.example", "http://localhost:1", "http://127.9.9.9:1", "http://[::1]:1/x"])
def test_https_or_this_machine_needs_no_leave(credentials, url):
    Gateway(url, credentials).close()


def test_plain_http_is_allowed_by_an_explicit_word(credentials):
    Gateway("http://sms.example", credentials, allow_plain_http=True).close()


def test_the_environments_proxy_and_passwords_are_not_used(stub, gateway, transcript, monkeypatch, tmp_path):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    stub.plays(transcript("xml/balance_reply.xml"))
    gateway.balance()
    assert "authorization" not in stub.received[0].headers


def test_a_lease_can_know_how_long_a_send_may_take(credentials):
    with Gateway("https://sms.example", credentials, connect_timeout=5, read_timeout=30) as gateway:
        assert gateway.longest_send == 45


def test_nothing_private_is_logged(stub, transcript, caplog):
    caplog.set_level(logging.DEBUG)
    stub.plays(transcript("xml/send_reply.xml"), b"<html>07352518</html>", stub.reset)
    with Gateway(stub.url, Credentials("toto@toto.fr", "hunter2")) as gateway:
        gateway.send(SENDING)
        for _ in range(2):
            with pytest.raises(InDoubt) as caught:
                gateway.send(SENDING)
            assert "07352518" not in str(caught.value)
    assert not any(word in caplog.text for word in ("toto@", "hunter2", "07352518", "Bonjour"))


def test_reports_that_could_not_be_asked_for_are_not_lost(credentials):
    with Gateway("http://127.0.0.1:1", credentials) as gateway, pytest.raises(Unreachable) as caught:
        gateway.fetch_reports()
    assert (caught.value.begun, caught.value.partial) == (False, b"")
