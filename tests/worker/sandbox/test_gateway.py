import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from worker.sandbox.calls import BalanceCall, Credentials, LookupCall, ReportsCall, SendersCall
from worker.sandbox.codes import Refused
from worker.sandbox.options import DEAREST, LATEST

EVERYTHING = ReportsCall("", "")


def refusal(gateway, credentials, call) -> int:
    with pytest.raises(Refused) as refused:
        gateway.answer(credentials, call)
    return refused.value.code


def reported(gateway, credentials, call=EVERYTHING) -> list[tuple[str, int]]:
    try:
        groups = gateway.answer(credentials, call).groups
    except Refused as refused:
        if refused.code != -15:
            raise
        return []
    return [(smsfid, statut) for _, reports in groups for smsfid, _, _, statut in reports]


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        pytest.param(Credentials("", "123456"), -2, id="no login"),
        pytest.param(Credentials("toto@toto.fr", ""), -3, id="no password"),
        pytest.param(Credentials("toto@toto.fr", "654321"), -4, id="a wrong password"),
        pytest.param(Credentials("titi@toto.fr", "123456"), -4, id="nobody's login"),
    ],
)
@pytest.mark.parametrize(
    "call",
    [LookupCall("", ["07352518"]), EVERYTHING, BalanceCall(), SendersCall()],
    ids=lambda call: type(call).__name__,
)
def test_every_operation_asks_who_is_there(open_gateway, credentials, code, call):
    assert refusal(open_gateway(), credentials, call) == code


@pytest.mark.parametrize(
    ("fields", "options", "code"),
    [
        pytest.param({"text": "  \n"}, {}, -5, id="-5 no message"),
        pytest.param({"text": "a" * 161}, {"credits": 3}, -6, id="-6 not enough credits"),
        pytest.param({"recipients": []}, {}, -7, id="-7 no recipient"),
        pytest.param({"sender": "TITI"}, {}, -8, id="-8 a sender that is not registered"),
        pytest.param({"sender": ""}, {}, -8, id="-8 no sender"),
        pytest.param({"recipients": [("12", [])]}, {}, -9, id="-9 no valid recipient"),
        pytest.param({"msgid": "x" * 31}, {}, -10, id="-10 a msgid of 31 characters"),
        pytest.param({}, {"may_send": False}, -11, id="-11 an account that may not send"),
        pytest.param({}, {"active": False}, -12, id="-12 an account that is not active"),
        pytest.param({"datesend": "demain"}, {}, -13, id="-13 a bad datesend"),
        pytest.param(
            {"recipients": [("07352518", []), ("0709999901", [])]}, {}, -1, id="-1 an unreadable one among them"
        ),
    ],
)
def test_a_send_that_is_refused_costs_nothing_and_leaves_nothing(open_gateway, toto, a_send, fields, options, code):
    gateway = open_gateway(**options)
    call = replace(a_send("05442710", "07352518"), **fields)
    assert refusal(gateway, toto, call) == code
    assert len(gateway.archive) == 0
    assert gateway.answer(toto, BalanceCall()).cumul == 0


@pytest.mark.parametrize(
    ("call", "options", "code"),
    [
        pytest.param(LookupCall("", ["07352518"]), {"credits": 0}, -6, id="-6"),
        pytest.param(LookupCall("", []), {}, -7, id="-7"),
        pytest.param(LookupCall("", ["12"]), {}, -9, id="-9 none valid"),
        pytest.param(LookupCall("", ["0709999944"]), {}, -9, id="-9 all left out"),
        pytest.param(LookupCall("x" * 31, ["07352518"]), {}, -10, id="-10"),
        pytest.param(LookupCall("", ["07352518"]), {"enterprise": False}, -11, id="-11 no enterprise account"),
        pytest.param(LookupCall("", ["07352518"]), {"active": False}, -12, id="-12"),
    ],
)
def test_a_lookup_that_is_refused_costs_nothing_and_leaves_nothing(open_gateway, toto, call, options, code):
    gateway = open_gateway(**options)
    assert refusal(gateway, toto, call) == code
    assert len(gateway.archive) == 0


def test_the_id_of_an_account_is_a_login_too(open_gateway, toto):
    gateway = open_gateway()
    balance = gateway.answer(toto, BalanceCall())
    assert gateway.answer(Credentials(balance.accountid, "123456"), BalanceCall()) == balance
    with pytest.raises(Refused) as refused:
        gateway.answer(Credentials(balance.accountid, "1"), BalanceCall())
    assert refused.value.code == -4


def test_each_account_has_senders_of_its_own(open_gateway, toto, a_send):
    titi = Credentials("titi", "x")
    gateway = open_gateway(accounts={"toto@toto.fr": "123456", "titi": "x"})
    gateway.change("titi", senders=["TITI", "TATA"])
    assert gateway.answer(titi, SendersCall()).senders == ("TITI", "TATA")
    assert gateway.answer(toto, SendersCall()).senders == ("TOTO",)
    assert gateway.answer(titi, a_send("05442710", sender="TITI")).solde == 99
    assert refusal(gateway, titi, a_send("05442710", sender="TOTO")) == -8
    assert refusal(gateway, toto, a_send("05442710", sender="TITI")) == -8


def test_a_msgid_of_thirty_characters_is_taken(open_gateway, toto, a_send):
    assert open_gateway().answer(toto, a_send("05442710", msgid="x" * 30)).solde == 99


def test_an_inactive_account_may_still_ask_for_its_balance_and_reports(open_gateway, toto):
    gateway = open_gateway(active=False)
    assert gateway.answer(toto, BalanceCall()).credits == 100
    assert refusal(gateway, toto, EVERYTHING) == -15


def test_a_send_costs_its_segments_for_each_valid_number_once(open_gateway, toto, a_send):
    accepted = open_gateway(price=3).answer(toto, a_send("05442710", "12", "22505442710", "07352518", text="a" * 161))
    assert list(accepted.sending.destinations) == [22505442710, 22507352518]
    assert list(accepted.sending.credits) == [6, 6]
    assert (accepted.segments, accepted.solde) == (4, 88)


def test_each_recipient_of_a_merge_pays_for_the_own_text(open_gateway, toto, a_send):
    call = a_send(("05442710", [("nom", "Philo")]), ("07352518", [("nom", "x" * 200)]), text="Bonjour {nom}")
    accepted = open_gateway().answer(toto, call)
    assert list(accepted.sending.credits) == [1, 2]
    assert accepted.sending.texts == ["Bonjour Philo", "Bonjour " + "x" * 200]


def test_unicode_decides_the_price_and_what_the_phone_shows(open_gateway, toto, a_send):
    gateway = open_gateway()
    text = "fête " * 20
    gsm = gateway.answer(toto, a_send("05442710", text=text)).sending
    ucs = gateway.answer(toto, a_send("05442710", text=text, unicode=True)).sending
    assert (gsm.texts, list(gsm.credits)) == (["f?te " * 20], [1])
    assert (ucs.texts, list(ucs.credits)) == ([text], [2])


def test_a_merged_text_is_shown_by_the_alphabet_that_was_asked_for(open_gateway, toto, a_send):
    gateway = open_gateway()
    recipients = [("05442710", [("nom", "Anaïs")])]
    texts = [
        gateway.answer(toto, a_send(*recipients, text="{nom}", unicode=unicode)).sending.texts
        for unicode in (False, True)
    ]
    assert texts == [["Ana?s"], ["Anaïs"]]


def test_credits_run_out_at_the_request_that_they_do_not_cover(open_gateway, toto, a_send):
    gateway = open_gateway(credits=3)
    assert gateway.answer(toto, a_send("05442710", "07352518")).solde == 1
    assert refusal(gateway, toto, a_send("05442710", "07352518")) == -6
    gateway.accounts[toto.login].top_up(1)
    assert gateway.answer(toto, a_send("05442710", "07352518")).solde == 0


def test_credits_and_consumption_add_up_to_what_was_granted(open_gateway, toto, a_send):
    gateway = open_gateway(mix={"delivered": 1, "rejected": 1, "not_sent": 1})
    for number in range(50):
        gateway.answer(toto, a_send(f"07{number:08d}"))
    gateway.accounts[toto.login].top_up(1000)
    balance = gateway.answer(toto, BalanceCall())
    assert balance.credits + balance.cumul == 1100
    assert 0 < balance.cumul < 50


@pytest.mark.parametrize("code", [49, 54, 62])
@pytest.mark.parametrize(("refunds", "left"), [(True, 100), (False, 99)], ids=["refunds", "no refunds"])
def test_an_end_that_is_not_billed_gives_its_credits_back_when_it_happens(
    open_gateway, toto, a_send, hands, code, refunds, left
):
    gateway = open_gateway(delays=(5, 5), refunds=refunds)
    gateway.answer(toto, a_send(f"07099999{code}"))
    assert gateway.answer(toto, BalanceCall()).credits == 99
    hands.seconds += 5
    assert gateway.answer(toto, BalanceCall()).credits == left
    assert [statut for _, statut in reported(gateway, toto)] == [code]


def test_reports_come_after_their_delay_and_are_gone_once_read(open_gateway, toto, a_send, hands):
    gateway = open_gateway(delays=(2, 2))
    sending = gateway.answer(toto, a_send("05442710")).sending
    assert refusal(gateway, toto, EVERYTHING) == -15
    hands.seconds += 2
    assert reported(gateway, toto) == [(sending.smsfid(0), 56)]
    assert reported(gateway, toto) == []


def test_reports_of_a_send_with_a_future_date_come_only_after_it(open_gateway, toto, a_send, hands):
    gateway = open_gateway(delays=(2, 2))
    moment = datetime.now(UTC) + timedelta(hours=2)
    gateway.answer(toto, a_send("05442710", datesend=moment.strftime("%Y-%m-%d %H:%M")))
    hands.seconds += 2 * 3600 - 61
    assert reported(gateway, toto) == []
    hands.seconds += 64
    assert len(reported(gateway, toto)) == 1


@pytest.mark.parametrize("datesend", ["", "2015-06-21 16:49"], ids=["empty", "past"])
def test_an_empty_or_a_past_date_is_now(open_gateway, toto, a_send, datesend):
    gateway = open_gateway()
    gateway.answer(toto, a_send("05442710", datesend=datesend))
    assert len(reported(gateway, toto)) == 1


def test_reports_of_a_send_with_a_far_date_wait_for_it(open_gateway, toto, a_send, hands):
    gateway = open_gateway()
    gateway.answer(toto, a_send("05442710", datesend="2999-01-01 00:00"))
    hands.seconds += 1_000_000
    assert reported(gateway, toto) == []


def test_reports_can_be_asked_for_by_sending_and_by_sms(open_gateway, toto, a_send):
    gateway = open_gateway()
    first = gateway.answer(toto, a_send("05442710", "07352518")).sending
    second = gateway.answer(toto, a_send("05442710")).sending
    assert reported(gateway, toto, ReportsCall(second.msgfid, first.smsfid(0))) == []
    assert reported(gateway, toto, ReportsCall(second.msgfid, "")) == [(second.smsfid(0), 56)]
    assert reported(gateway, toto, ReportsCall("", first.smsfid(1))) == [(first.smsfid(1), 56)]
    assert reported(gateway, toto, ReportsCall(first.msgfid, first.smsfid(0))) == [(first.smsfid(0), 56)]
    assert reported(gateway, toto) == []


@pytest.mark.parametrize("filters", [("zz", ""), ("", "zz"), ("0-1", ""), ("55857bdb8d51b7-38880789", "")])
def test_an_id_that_means_nothing_finds_nothing(open_gateway, toto, a_send, filters):
    gateway = open_gateway()
    gateway.answer(toto, a_send("05442710"))
    assert reported(gateway, toto, ReportsCall(*filters)) == []


@pytest.mark.parametrize(("understood", "count"), [(False, 0), (True, 2)], ids=["as documented", "understood"])
def test_our_own_msgid_finds_its_sendings_only_where_that_is_understood(open_gateway, toto, a_send, understood, count):
    gateway = open_gateway(msgid_understood=understood)
    for msgid in ("a", "b", "a"):
        gateway.answer(toto, a_send("05442710", msgid=msgid))
    assert len(reported(gateway, toto, ReportsCall("a", ""))) == count


def test_an_account_never_sees_what_another_sent(open_gateway, toto, a_send):
    titi = Credentials("titi", "x")
    gateway = open_gateway(accounts={"toto@toto.fr": "123456", "titi": "x"}, msgid_understood=True)
    sending = gateway.answer(toto, a_send("05442710")).sending
    for call in (
        EVERYTHING,
        ReportsCall(sending.msgfid, ""),
        ReportsCall("", sending.smsfid(0)),
        ReportsCall("15", ""),
    ):
        assert reported(gateway, titi, call) == []
    assert len(reported(gateway, toto)) == 1


def test_a_reply_has_room_for_as_many_reports_as_it_was_told(open_gateway, toto, a_send):
    gateway = open_gateway(reports_per_reply=2)
    gateway.answer(toto, a_send("05442710", "07352518", "08559001"))
    assert [len(reported(gateway, toto)) for _ in range(3)] == [2, 1, 0]


def test_a_reply_has_no_more_room_when_several_sendings_are_asked_for(open_gateway, toto, a_send):
    gateway = open_gateway(reports_per_reply=3, msgid_understood=True)
    for _ in range(2):
        gateway.answer(toto, a_send("05442710", "07352518"))
    assert [len(reported(gateway, toto, ReportsCall("15", ""))) for _ in range(3)] == [3, 1, 0]


@pytest.mark.parametrize("filtered", [False, True], ids=["of all", "of one sending"])
@pytest.mark.parametrize(("harsher", "later"), [(False, 4), (True, 0)], ids=["as documented", "harsher"])
def test_what_is_reported_after_a_first_consultation_depends_on_the_reading(
    open_gateway, toto, a_send, hands, harsher, later, filtered
):
    gateway = open_gateway(delays=(1, 1), steps=True, once_per_sms=harsher)
    sending = gateway.answer(toto, a_send("05442710")).sending
    call = ReportsCall(sending.msgfid if filtered else "", "")
    assert [statut for _, statut in reported(gateway, toto, call)] == [50]
    hands.seconds += 1
    assert len(reported(gateway, toto, call)) == later


def test_a_lookup_has_no_steps_on_its_way(open_gateway, toto):
    gateway = open_gateway(steps=True, lookup_dead=0)
    gateway.answer(toto, LookupCall("h", ["07352518"]))
    assert [statut for _, statut in reported(gateway, toto)] == [56]


def test_a_lookup_is_paid_for_and_answered_by_reports(open_gateway, toto):
    gateway = open_gateway(lookup_dead=0, lookup_price=2)
    numbers = ["07352518", "07352518", "0709999959", "0709999900", "0709999944"]
    accepted = gateway.answer(toto, LookupCall("h", numbers))
    assert list(accepted.sending.destinations) == [22507352518, 2250709999959, 2250709999900]
    assert (accepted.segments, accepted.solde) == (3, 94)
    assert [statut for _, statut in reported(gateway, toto)] == [56, 59]


def test_the_share_of_dead_numbers_is_set_apart_from_the_mix_of_sends(open_gateway, toto):
    gateway = open_gateway(lookup_dead=1)
    gateway.answer(toto, LookupCall("h", ["07352518"]))
    assert [statut for _, statut in reported(gateway, toto)] == [59]


def test_settings_hold_for_what_comes_afterwards(open_gateway, toto, a_send):
    gateway = open_gateway()
    gateway.answer(toto, a_send("05442710"))
    gateway.change(mix={"undelivered": 1}, price=7)
    assert gateway.answer(toto, a_send("07352518")).solde == 92
    assert [statut for _, statut in reported(gateway, toto)] == [56, 59]


def test_at_the_dearest_price_a_long_text_is_charged_for_and_recorded(open_gateway, toto, a_send):
    gateway = open_gateway(price=DEAREST, credits=1_000_000_000_000)
    accepted = gateway.answer(toto, a_send("05442710", text="x" * 1_000))
    assert list(accepted.sending.credits) == [7 * DEAREST]


def test_the_latest_end_can_be_waited_for(open_gateway, toto, a_send, hands):
    gateway = open_gateway(delays=(LATEST, LATEST), steps=True)
    gateway.answer(toto, a_send("0709999956"))
    hands.seconds += LATEST
    ((_, reports),) = gateway.answer(toto, ReportsCall("", "")).groups
    assert [status for *_, status in reports] == [50, 65, 55, 61, 56]


def test_a_setting_that_is_fixed_is_refused(open_gateway):
    with pytest.raises(ValueError, match="cannot be changed: port"):
        open_gateway().change(port=80)


def test_what_else_was_asked_for_is_recorded_and_changes_nothing(open_gateway, toto, a_send):
    gateway = open_gateway()
    plain = gateway.answer(toto, a_send("05442710")).sending
    asked = gateway.answer(toto, a_send("05442710", options={"flash": "1", "udhdata": "0605"})).sending
    assert (plain.options, asked.options) == ({}, {"flash": "1", "udhdata": "0605"})
    assert (plain.texts, plain.credits) == (asked.texts, asked.credits)


def test_the_stored_text_is_what_a_phone_would_show_where_a_value_holds_a_placeholder(open_gateway, toto, a_send):
    values = [("nom", "{solde} €"), ("solde", "5")]
    sending = open_gateway().answer(toto, a_send(("05442710", values), text="{nom}: {solde}, {age} ans")).sending
    assert sending.texts == ["5 €: 5, {age} ans"]


def test_an_acceptance_is_in_the_file_before_it_is_answered(open_gateway, toto, a_send, tmp_path):
    gateway = open_gateway(ledger=tmp_path / "ledger.jsonl")
    gateway.answer(toto, a_send("05442710", "07352518", text="l'été\n\u2028😀", unicode=True))
    records = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    gateway.close()
    assert [record["destination"] for record in records] == ["22505442710", "22507352518"]
    assert {record["text"] for record in records} == {"l'été\n\u2028😀"}
