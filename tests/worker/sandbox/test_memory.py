"""A sandbox that is stopped, or killed, and started again with the same file goes on as if nothing had been."""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.waiting import eventually
from worker.sandbox.calls import BalanceCall, Credentials, LookupCall, ReportsCall, SendCall
from worker.sandbox.clock import Clock
from worker.sandbox.codes import Refused
from worker.sandbox.memory import remembering
from worker.sandbox.options import SandboxOptions
from worker.sandbox.readings import ReadingsFile

EVERYTHING = ReportsCall("", "")
TOTO = Credentials("toto@toto.fr", "123456")


@pytest.fixture
def remember(tmp_path):
    """Opens the gateway of one file again and again; whoever had it before has let go of it then."""
    path = tmp_path / "state"
    gateways = []

    def opened(**options):
        defaults = {
            "accounts": {"toto@toto.fr": "123456"},
            "credits": 100,
            "senders": ("TOTO",),
            "delays": (0, 0),
            "state": path,
        }
        for gateway in gateways:
            gateway.close()
        gateways.append(remembering(SandboxOptions(**(defaults | options))))
        return gateways[-1]

    opened.path = path
    yield opened
    for gateway in gateways:
        gateway.close()


def everything(gateway) -> dict[str, object]:
    """What a client and an operator can see of a gateway, reports consumed."""
    gateway.settle_all()
    return {
        "sendings": [
            (s.msgfid, s.prefix, s.kind, s.at, list(s.destinations), list(s.texts), list(s.credits))
            for s in gateway.archive.sendings
        ],
        "accounts": [(a.credits, a.cumul, a.refunded, a.expire, a.active) for a in gateway.accounts.values()],
        "reports": [(number, list(dues)) for r in gateway.reports.values() for number, dues in r.read(limit=10_000)],
    }


def test_sendings_reports_and_credits_are_those_of_before(remember, a_send):
    gateway = remember(mix={"delivered": 1, "undelivered": 1, "rejected": 1, "silent": 1}, steps=True)
    gateway.answer(TOTO, a_send("05442710", ("07352518", [("nom", "Awa")]), text="Bonjour {nom}"))
    gateway.answer(TOTO, LookupCall("h", ["08559001", "0709999962"]))
    gateway.top_up("toto@toto.fr", 7)
    gateway.change("", delays=(0, 0), refunds=True)
    gateway.answer(TOTO, a_send("0709999962", "0709999954"))
    again = remember(mix={"delivered": 1, "undelivered": 1, "rejected": 1, "silent": 1}, steps=True)
    assert everything(again) == everything(gateway)
    assert len(again.archive) == 3


def test_a_report_that_was_read_before_is_not_handed_out_again(remember, a_send):
    gateway = remember()
    gateway.answer(TOTO, a_send("0709999956"))
    assert len(gateway.answer(TOTO, EVERYTHING).groups) == 1
    with pytest.raises(Refused):
        remember().answer(TOTO, EVERYTHING)


def test_ids_go_on_and_are_never_given_twice(remember, a_send):
    first = remember().answer(TOTO, a_send("05442710")).sending
    gateway = remember()
    second = gateway.answer(TOTO, a_send("05442710")).sending
    assert (first.first, second.first) == (1, 2)
    assert first.msgfid != second.msgfid
    assert gateway.recipients["toto@toto.fr"].distinct == 1


def test_what_is_due_while_it_is_down_is_there_when_it_is_back(remember, a_send, monkeypatch):
    gateway = remember(delays=(60, 60))
    gateway.answer(TOTO, a_send("0709999956"))
    began = gateway.clock.began
    monkeypatch.setattr("worker.sandbox.clock.time.time", lambda: began + 61)
    assert len(remember(delays=(60, 60)).answer(TOTO, EVERYTHING).groups) == 1


def test_time_never_goes_back_though_the_machines_clock_does(remember, a_send, monkeypatch):
    gateway = remember()
    gateway.answer(TOTO, a_send("0709999956"))
    tick, began = gateway.clock.tick(), gateway.clock.began
    monkeypatch.setattr("worker.sandbox.clock.time.time", lambda: began - 3600)
    assert remember().clock.tick() >= tick


def test_options_given_now_apply_from_now_on(remember, a_send):
    gateway = remember(price=1)
    gateway.answer(TOTO, a_send("05442710"))
    again = remember(price=5)
    assert again.accounts["toto@toto.fr"].credits == 99
    assert again.answer(TOTO, a_send("05442710")).solde == 94
    assert everything(remember(price=5)) == everything(again)


def test_a_balance_or_a_refusal_is_no_deed(remember, a_send):
    gateway = remember()
    before = remember.path.stat().st_size
    gateway.answer(TOTO, BalanceCall())
    with pytest.raises(Refused):
        gateway.answer(TOTO, a_send("12"))
    with pytest.raises(Refused):
        gateway.answer(TOTO, EVERYTHING)
    assert remember.path.stat().st_size == before


def test_a_reading_that_found_nothing_is_no_deed_however_that_is_told(remember):
    gateway = remember(empty_statut=0)
    before = remember.path.stat().st_size
    assert gateway.answer(TOTO, EVERYTHING).groups == []
    assert remember.path.stat().st_size == before


def test_half_a_line_is_cut_off_and_nothing_else(remember, a_send):
    gateway = remember()
    gateway.answer(TOTO, a_send("05442710"))
    whole = remember.path.read_bytes()
    gateway.answer(TOTO, a_send("07352518"))
    remember.path.write_bytes(remember.path.read_bytes()[:-9])
    assert len(remember().archive) == 1
    assert remember.path.read_bytes() == whole


def test_the_file_holds_no_password_and_is_for_nobody_else_to_read(remember, a_send):
    remember().answer(TOTO, a_send("05442710"))
    assert b"123456" not in remember.path.read_bytes()
    assert remember.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [b"number,name\n1,Awa\n", b"{}\n", b'{"deed": "set"}\n', b"[]\n", b"\x00\xff\n", b"no line", b"\n"],
)
def test_a_file_that_is_something_else_is_refused_and_left_as_it_is(remember, content):
    remember.path.write_bytes(content)
    with pytest.raises(ValueError, match="no memory of a sandbox: name another file"):
        remember()
    assert remember.path.read_bytes() == content


@pytest.mark.parametrize(
    ("other", "named"),
    [({"country": "221"}, "country"), ({"accounts": {"titi": "1"}}, "logins"), ({"seed": 2}, "seed")],
)
def test_the_memory_of_a_gateway_that_began_otherwise_is_refused(remember, other, named):
    remember()
    with pytest.raises(ValueError, match=f"with other {named}"):
        remember(**other)


def test_the_ledgers_file_is_not_written_again(remember, a_send, tmp_path):
    ledger = tmp_path / "ledger"
    remember(ledger=ledger).answer(TOTO, a_send("05442710"))
    remember(ledger=ledger).answer(TOTO, a_send("07352518"))
    assert [json.loads(line)["seq"] for line in ledger.read_text().splitlines()] == [1, 2]


def test_an_acceptance_is_in_the_memory_before_it_is_in_the_ledgers_file(remember, a_send, tmp_path, monkeypatch):
    gateway = remember(ledger=tmp_path / "ledger")
    seen = []
    monkeypatch.setattr(gateway.ledger, "write", lambda _: seen.append(remember.path.read_text().count("SendCall")))
    gateway.answer(TOTO, a_send("05442710"))
    assert seen == [1]


@pytest.mark.parametrize("left", [0, 1, 100, 400, 700])
def test_what_a_crash_left_out_of_the_ledgers_file_is_put_there(remember, a_send, tmp_path, left):
    ledger = tmp_path / "ledger"
    gateway = remember(ledger=ledger)
    gateway.answer(TOTO, a_send("05442710", "07352518"))
    gateway.answer(TOTO, a_send("08559001"))
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:left])
    remember(ledger=ledger)
    assert ledger.read_bytes() == whole


def test_what_others_wrote_into_the_ledgers_file_stays(remember, a_send, tmp_path):
    ledger = tmp_path / "ledger"
    others = b'{"seq": 9, "msgfid": "55857bdb8d51b7-38880789"}\n'
    ledger.write_bytes(others)
    remember(ledger=ledger).answer(TOTO, a_send("05442710"))
    ledger.write_bytes(ledger.read_bytes() + others)
    remember(ledger=ledger)
    assert [json.loads(line)["seq"] for line in ledger.read_text().splitlines()] == [9, 1, 9]


def test_a_reading_that_died_with_its_writer_is_written_down_at_the_next_start(remember, a_send, tmp_path):
    readings = tmp_path / "readings"
    gateway = remember(mix={"delivered": 1})
    gateway.answer(TOTO, a_send("05442710"))
    told = gateway.answer(TOTO, EVERYTHING)
    with closing(ReadingsFile(readings)) as file:
        file.write(told, at=1.0, login=TOTO.login, whole=True)
    with readings.open("a") as file:
        file.write('{"at": 1, "acc')
    gateway.answer(TOTO, a_send("07352518"))
    lost = gateway.answer(TOTO, EVERYTHING)

    for _ in range(2):
        remember(mix={"delivered": 1}, readings=readings)

    lines = [json.loads(line) for line in readings.read_text().splitlines()]
    smsfids = [answer.groups[0][1][0][0] for answer in (told, lost)]
    assert [(line["whole"], line["reports"][0][1]) for line in lines] == list(zip([True, False], smsfids, strict=True))
    assert lines[1]["account"] == TOTO.login


def test_two_sandboxes_never_share_a_memory(remember, a_send):
    gateway = remember()
    with pytest.raises(ValueError, match="in use by another sandbox: stop that one, or name another file"):
        remembering(gateway.options)
    gateway.answer(TOTO, a_send("05442710"))
    assert len(remember().archive) == 1


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_text_is_remembered(text):
    call = SendCall("15", "TOTO", text, unicode=True, datesend="", recipients=[("05442710", [])])
    with tempfile.TemporaryDirectory() as folder:
        options = SandboxOptions(accounts={"toto@toto.fr": "123456"}, senders=("TOTO",), state=Path(folder, "state"))
        with closing(remembering(options)) as gateway:
            said = gateway.answer(TOTO, call).sending.texts
        with closing(remembering(options)) as gateway:
            assert gateway.archive[0].texts == said


def test_a_killed_sandbox_comes_back_with_what_it_had_acknowledged(tmp_path):
    port_file = tmp_path / "port"
    arguments = ["--port", "0", "--port-file", port_file, "--state", tmp_path / "state", "--delay-min", "0",
                 "--delay-max", "0"]  # fmt: skip
    start = "from worker.sandbox.command import sandbox; sandbox()"

    def started():
        port_file.unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-c", start, *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"]},
        )
        assert eventually(lambda: port_file.exists() or process.poll() is not None, within=120)
        return process, f"http://127.0.0.1:{port_file.read_text().strip()}"

    def asked(url, command, content=""):
        compte = "<compte><login>demo</login><password>demo</password></compte>"
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        connection.request("POST", f"/api/xml/{command}/", f"XML=<SMS>{compte}{content}</SMS>")
        reply = connection.getresponse().read().decode()
        connection.close()
        return reply

    process, url = started()
    sent = asked(url, "sendsms", "<message><msgid>1</msgid><expediteur>DEMO</expediteur><msg>Bonjour</msg></message>"
                                 "<destinataires><numero>0709999956</numero></destinataires>")  # fmt: skip
    process.kill()
    process.wait()
    process, url = started()
    try:
        reports = asked(url, "getdlrs")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=120)
    msgfid = sent.partition("<msgfid>")[2].partition("<")[0]
    assert f"<msgfid>{msgfid}</msgfid>" in reports
    assert "<statut>56</statut>" in reports


def test_a_clock_that_is_held_stands_still(hands):
    clock = Clock(hands)
    with clock.held() as moment:
        hands.seconds += 5
        assert (clock.now(), clock.tick()) == moment
    assert clock.tick() == 500
