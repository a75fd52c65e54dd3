"""Client and sandbox, which share no line, understand each other: whatever the one can say, the other reads, in each
form. That both are not wrong alike is for the transcripts to show."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import ModuleType
from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import example, given
from hypothesis import strategies as st

from worker.sandbox import calls, soap, xml
from worker.sandbox import json as sandbox_json
from worker.sandbox.asked import call_for
from worker.sandbox.codes import ERRORS, Refused
from worker.sandbox.sendings import Sending as Taken
from worker.sandbox.ways import way_of
from worker.smseco import Credentials, Sending, parse_reports
from worker.smseco.forms import FORMS
from worker.smseco.message import message_of
from worker.smseco.request import Request

WRITERS: Mapping[str, ModuleType] = {"xml": xml, "json": sandbox_json, "get": xml, "soap": soap}
MERGING = sorted(FORMS.keys() - {"get"})

# Who is at the other end of a request's connection; making it anew for each would be half of what these tests do.
NOBODY = dict.fromkeys(("app", "loop", "protocol", "transport", "writer"), Mock())

# The first draw makes a table of all characters, which takes a busy machine seconds.

CARRIED = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXTS = st.text(st.one_of(st.sampled_from("\t\n\r&<>\"'%+={};,/\\]€{}\x7f\x85 "), CARRIED))
WORDS = TEXTS.map(str.strip)
PIECES = st.text(st.one_of(st.sampled_from("\n\r&<>%+ "), CARRIED)).filter(lambda text: not set("{}") & set(text))
NUMBERS = st.lists(st.integers(1, 10**15).map(str), min_size=1, max_size=5, unique=True)
NAMES = st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,29}", fullmatch=True), min_size=1, max_size=10, unique=True)
MSGIDS = st.from_regex(r"[A-Za-z0-9-]{1,30}", fullmatch=True)
NASTY = "-50% ce soir: 2 + 2 %2b 3 & <b>«é»</b> {x} ]]> \r\n \U0001f600 \U0010fffd"


@st.composite
def credentials(draw: st.DrawFn) -> Credentials:
    return Credentials(draw(WORDS.filter(bool)), draw(TEXTS.filter(bool)))


@st.composite
def sends(draw: st.DrawFn) -> Sending:
    return Sending(draw(MSGIDS), draw(WORDS), draw(TEXTS), draw(NUMBERS), **draw(options()))


@st.composite
def merges(draw: st.DrawFn) -> Sending:
    """Each field has one placeholder, and they come in the order of the fields: by name or by place, it is the same."""
    names, numbers = draw(NAMES), draw(NUMBERS)
    text = draw(PIECES) + "".join(f"{{{name}}}{draw(PIECES)}" for name in names)
    row = st.lists(TEXTS, min_size=len(names), max_size=len(names))
    values = draw(st.lists(row, min_size=len(numbers), max_size=len(numbers)))
    return Sending(draw(MSGIDS), draw(WORDS), text, numbers, tuple(names), values, **draw(options()))


def options() -> st.SearchStrategy[dict[str, object]]:
    some = st.one_of(st.none(), st.integers(0, 255), WORDS)
    moments = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year > 1000)  # written with four digits
    return st.fixed_dictionaries({
        "unicode": st.booleans(), "flash": st.booleans(), "binary": st.booleans(),
        "datesend": st.one_of(st.none(), moments), "mwi": some, "pid": some, "rpi": some, "alt_dcs": some,
        "udhdata": st.one_of(st.none(), WORDS),
    })  # fmt: skip


def read(request: Request) -> tuple[calls.Credentials, calls.Call]:
    """What the sandbox takes a request of the client for."""
    path = f"/client/42/fr/{request.path}" + (f"?{request.query}" if request.query else "")
    came = make_mocked_request(request.method, path, headers={"Content-Type": request.content_type}, **NOBODY)
    way = way_of(came, request.body)
    return call_for(way.operation, way.read())


def meant(sending: Sending) -> calls.SendCall:
    """The call that a sending is."""
    said = message_of(sending)
    rows = sending.values or [[] for _ in sending.numbers]
    return calls.SendCall(
        msgid=sending.msgid,
        sender=sending.sender,
        text=sending.text,
        unicode=sending.unicode,
        datesend="" if sending.datesend is None else sending.datesend.strftime("%Y-%m-%d %H:%M"),
        recipients=[
            (str(number), list(zip(sending.fields, row, strict=True)))
            for number, row in zip(sending.numbers, rows, strict=True)
        ],
        options={
            name: said[name]
            for name in ("flash", "binaire", "mwi", "pid", "rpi", "alt_dcs", "udhdata")
            if said.get(name)
        },
    )


@given(who=credentials(), sending=sends())
@example(who=Credentials("toto@toto.fr", " a+b%20&= "), sending=Sending("15", "A&B", NASTY, [2250700000000]))
def test_whatever_send_the_client_can_express_the_sandbox_reads_as_the_same(who: Credentials, sending: Sending) -> None:
    for name in FORMS:
        by, call = read(FORMS[name].send_request(who, sending))
        assert (name, by.login, by.password) == (name, who.login, who.password)
        assert (name, call) == (name, meant(sending))


@given(sending=merges())
@example(Sending("15", "TOTO", "a {nom} b", ["1", "2"], ("nom",), [(NASTY,), ("",)]))
def test_whatever_merge_the_client_can_express_the_sandbox_reads_as_the_same(sending: Sending) -> None:
    for name in MERGING:
        assert (name, read(FORMS[name].send_request(Credentials("a", "b"), sending))[1]) == (name, meant(sending))


@given(msgid=MSGIDS, numbers=NUMBERS)
def test_a_lookup_asks_for_the_same_numbers(msgid: str, numbers: list[str]) -> None:
    for name in FORMS:
        # V-1 has no place for a msgid.
        expected = calls.LookupCall("" if name == "get" else msgid, numbers)
        assert (name, read(FORMS[name].lookup_request(Credentials("a", "b"), msgid, numbers))[1]) == (name, expected)


@given(msgfid=WORDS, smsfid=WORDS)
def test_reports_are_asked_for_by_the_same_ids(msgfid: str, smsfid: str) -> None:
    for name in FORMS:
        request = FORMS[name].reports_request(Credentials("a", "b"), msgfid or None, smsfid or None)
        assert (name, read(request)[1]) == (name, calls.ReportsCall(msgfid, smsfid))


@pytest.mark.parametrize("name", sorted(FORMS))
def test_balance_and_senders_are_asked_for_with_a_login_alone(name: str) -> None:
    who = Credentials("toto@toto.fr", "123456")
    assert read(FORMS[name].balance_request(who)) == (calls.Credentials(who.login, who.password), calls.BalanceCall())
    assert read(FORMS[name].senders_request(who)) == (calls.Credentials(who.login, who.password), calls.SendersCall())


def taken(count: int) -> Taken:
    return Taken(
        kind="send", account="toto", msgid="15", at=1435935707.0, number=3, first=7,
        destinations=range(2250700000000, 2250700000000 + count), texts=["a"], credits=[2] * count,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(FORMS))
@pytest.mark.parametrize("count", [1, 2, 500])
def test_a_receipt_is_read_as_it_was_written(name: str, count: int) -> None:
    sending = taken(count)
    answer = FORMS[name].read_answer(WRITERS[name].write(calls.Accepted(sending, 2 * count, 97)))
    assert answer.msgfid or answer.msgid == sending.msgfid
    assert (answer.status, answer.recipients, answer.sms) == (count, count, 2 * count)
    assert (answer.credits, answer.balance) == (Decimal(2 * count), Decimal(97))
    assert answer.smsfids == [sending.smsfid(position) for position in range(count)]
    assert answer.destinations == [str(number) for number in sending.destinations]
    assert answer.message_credits == [Decimal(2)] * count


@pytest.mark.parametrize("name", sorted(FORMS))
def test_reports_are_read_as_they_were_written(name: str) -> None:
    groups = [
        ("m-1", [("s-1", 2250700000000, "2015-06-21 16:49:00", 56), ("s-2", 2250700000001, "2015-06-21 16:50:00", 59)]),
        ("m-2", [("s-3", 2250700000002, "2015-06-21 16:51:00", 65)]),
    ]
    batch = parse_reports(WRITERS[name].write(calls.ReportsAnswer("38", groups)))
    assert list(zip(batch.msgfids, batch.smsfids, batch.destinations, batch.dates, batch.codes, strict=True)) == [
        (msgfid, smsfid, str(number), date, code)
        for msgfid, reports in groups
        for smsfid, number, date, code in reports
    ]
    assert not batch.truncated


@pytest.mark.parametrize("name", sorted(FORMS))
@given(senders=st.lists(st.text(CARRIED).map(str.strip).filter(bool), max_size=3))
def test_balance_and_senders_are_read_as_they_were_written(name: str, senders: list[str]) -> None:
    form, writer = FORMS[name], WRITERS[name]
    balance = form.read_balance(writer.write(calls.BalanceAnswer("38", 94, "2030-12-31 23:59:59", 6)))
    assert (balance.account_id, balance.credits, balance.consumed) == ("38", 94, 6)
    assert balance.expires == datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert form.read_senders(writer.write(calls.SendersAnswer("38", senders))) == tuple(senders)


@pytest.mark.parametrize("name", sorted(FORMS))
@pytest.mark.parametrize("operation", ["send", "lookup", "reports", "balance", "senders"])
def test_every_refusal_of_every_operation_is_read_with_its_code_and_text(name: str, operation: str) -> None:
    for code, meaning in ERRORS.items():
        answer = FORMS[name].read_answer(WRITERS[name].write_refusal(operation, Refused(code)))
        assert (answer.status, answer.text) == (code, meaning)
