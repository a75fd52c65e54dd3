"""What costs credits and may have been sent: said in plain words, with a status of its own, and how to look."""

import json
import os
import re
import shlex
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.servers.waiting import eventually
from tests.worker.console.gateway.conftest import LOGIN, LOOKUP, MERGE, NUMBER, PASSWORD, ROWS, SEND
from tests.worker.terminal import PROGRAM, run
from tests.worker.workshop import accepted
from worker.sandbox.server import RunningSandbox
from worker.smseco import Gateway, InDoubt


@pytest.mark.parametrize(
    ("words", "done"), [(SEND, "sent"), (MERGE, "sent"), (LOOKUP, "looked up")], ids=["send", "merge", "lookup"]
)
def test_a_lost_reply_is_in_doubt_with_a_status_of_its_own(
    account: RunningSandbox, words: tuple[str, ...], done: str
) -> None:
    account.fault("drop_reply", operation="lookup" if words == LOOKUP else "send")
    result = run(*words, "--msgid", "m-1", "--yes", stdin=ROWS)
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"it may have been {done}, or not. Do not repeat it before you know" in result.stderr
    assert "campaigns gateway reports --msgfid m-1" in result.stderr
    assert "had 1,000,000 credits before and has 999,99" in result.stderr
    assert f"if nobody else used the account, it was {done}" in result.stderr
    assert NUMBER not in result.stderr
    assert account.summary()["acceptances"] == 1


def test_a_doubt_is_one_json_object_for_a_script(account: RunningSandbox) -> None:
    account.fault("drop_reply", operation="send")
    result = run(*SEND, "--msgid", "m-1", "--yes", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout) == {
        "in_doubt": True,
        "reason": "closed without a reply",
        "msgid": "m-1",
        "msgfid": None,
    }


def test_what_to_do_next_can_be_pasted(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSECO_PASSWORD", PASSWORD)
    sandbox.fault("drop_reply", operation="send")
    there = ("--url", sandbox.url, "--login", LOGIN, "--form", "json")
    lost = run(*SEND, "--from", "CLINIQUE", *there, "--yes")
    pasted = [line.strip() for line in lost.stderr.splitlines() if line.startswith("  campaigns")]
    answers = [run(*shlex.split(line)[1:], "--yes") for line in pasted if "reports" in line]
    answers += [run(*shlex.split(line)[1:]) for line in pasted if "balance" in line]
    assert [answer.exit_code for answer in answers] == [0, 0, 0], lost.stderr
    refused = run(*SEND, "--from", "NOBODY", *there, "--yes")
    (command,) = re.findall("`(campaigns gateway senders .*)`", refused.stderr)
    assert run(*shlex.split(command)[1:]).stdout == "CLINIQUE\n"


def test_a_lookup_whose_form_has_no_msgid_is_not_looked_for_by_one(account: RunningSandbox) -> None:
    account.fault("drop_reply", operation="lookup")
    result = run(*LOOKUP, "--form", "get", "--yes")
    assert result.exit_code == 3
    assert "campaigns gateway reports --form get" in result.stderr
    assert "msgid" not in result.stderr
    assert json.loads(run(*LOOKUP, "--form", "get", "--yes", "--json").stdout)["msgid"] is None


def test_ctrl_c_while_the_balance_is_asked_for_hides_no_doubt(
    account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.fault("drop_reply")
    really, asked = Gateway.balance, iter([False, True])

    def balance(gateway: Gateway) -> Any:
        if next(asked):
            raise KeyboardInterrupt
        return really(gateway)

    monkeypatch.setattr(Gateway, "balance", balance)
    result = run(*SEND, "--msgid", "m-1", "--yes")
    assert result.exit_code == 3
    assert "campaigns gateway reports --msgfid m-1" in result.stderr


def test_a_doubt_that_shows_its_msgfid_is_looked_for_by_it(
    account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Any:
        raise InDoubt("cut short", "f-1")

    monkeypatch.setattr(Gateway, "send", fail)
    result = run(*SEND, "--yes")
    assert result.exit_code == 3
    assert "campaigns gateway reports --msgfid f-1\n" in result.stderr
    assert "All reports" not in result.stderr
    assert "that proves nothing yet" in result.stderr


def test_a_receipt_that_contradicts_itself_is_shown_and_is_in_doubt(
    account: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gateway, "send", lambda _, sending: replace(accepted(sending), consistent=False))
    result = run(*SEND, "--msgid", "m-1", "--yes", "--json")
    assert result.exit_code == 3
    shown = json.loads(result.stdout)
    assert (shown["consistent"], shown["in_doubt"], shown["not_taken"]) == (False, True, None)
    assert "contradicts itself" in result.stderr
    assert "--msgfid f-m-1" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["table", "json"])
def test_a_receipt_that_cannot_be_shown_does_not_look_like_a_failure_to_send(
    account: RunningSandbox, form: list[str]
) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *SEND, "--yes", *form], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    (line,) = account.ledger()
    assert done.returncode == 3
    assert "the receipt cannot be shown (No space left on device), but the gateway took it" in done.stderr
    assert f"1 of 1 taken, msgfid {line['msgfid']}" in done.stderr
    assert NUMBER not in done.stderr


def test_ctrl_c_while_the_gateway_answers_says_that_it_may_have_been_sent_and_ends_like_any_doubt(
    account: RunningSandbox,
) -> None:
    account.fault("latency", seconds=60)
    process = subprocess.Popen(
        [*PROGRAM, *SEND, "--msgid", "m-1", "--yes", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert eventually(lambda: account.summary()["acceptances"] == 1, within=120)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 3
    assert json.loads(output) == {"in_doubt": True, "reason": "interrupted", "msgid": "m-1", "msgfid": None}
    assert "interrupted: it may have been sent" in errors
    assert "How to look, without sending anything" in errors
    assert "Traceback" not in errors
