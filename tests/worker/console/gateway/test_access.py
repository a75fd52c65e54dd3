"""Who asks which gateway: an account of the settings, or a URL and a login with a password that no option shows."""

import json
import socket
from pathlib import Path

import pytest

from tests.worker.console.gateway.conftest import LOGIN, PASSWORD
from tests.worker.terminal import at_a_terminal, run
from worker.console.gateway import access
from worker.console.gateway.access import Access
from worker.sandbox.server import RunningSandbox


def by_url(sandbox: RunningSandbox) -> tuple[str, ...]:
    return ("--url", f"{sandbox.url}/client/42/fr", "--login", LOGIN)


@pytest.mark.parametrize("command", [("balance",), ("gateway", "balance")])
def test_the_balance_is_asked_in_each_form(account: RunningSandbox, form: str, command: tuple[str, ...]) -> None:
    result = run(*command, "--form", form, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["account"], found["credits"], found["consumed"]) == ("default", 1_000_000, 0)
    assert found["account_id"]
    assert found["expires"]


@pytest.mark.parametrize("command", [("senders",), ("gateway", "senders")])
def test_the_senders_are_asked_in_each_form(account: RunningSandbox, form: str, command: tuple[str, ...]) -> None:
    assert run(*command, "--form", form).stdout == "CLINIQUE\n"


def test_without_settings_the_password_comes_from_the_environment(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMSECO_PASSWORD", PASSWORD)
    result = run("gateway", "senders", *by_url(sandbox))
    assert (result.exit_code, result.stdout) == (0, "CLINIQUE\n")


def test_without_settings_the_password_is_asked_for_and_not_shown(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "somebody_is_there", lambda: True)
    result = run("gateway", "senders", *by_url(sandbox), stdin=f"{PASSWORD}\n")
    assert (result.exit_code, result.stdout) == (0, "CLINIQUE\n")
    assert "password" in result.stderr
    assert PASSWORD not in result.output


def test_at_a_real_terminal_password_and_consent_are_asked_for_and_the_password_is_not_echoed(
    sandbox: RunningSandbox,
) -> None:
    words = ("gateway", "send", *by_url(sandbox), "--from", "CLINIQUE", "--text", "Bonjour", "2250709999956")
    status, seen = at_a_terminal(*words, answers={"password: ": f"{PASSWORD}\n", "Go on? [y/N]: ": "y\n"})
    assert status == 0, seen
    assert PASSWORD not in seen
    assert "1 of 1 number taken" in seen
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("send", "--from", "CLINIQUE", "--text", "Bonjour", "2250709999956"), "nothing was sent"),
        (("reports",), "no report was asked for"),
    ],
    ids=["send", "reports"],
)
def test_ctrl_c_at_the_question_is_a_no_with_the_status_of_an_interruption(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.setenv("SMSECO_PASSWORD", PASSWORD)
    status, seen = at_a_terminal("gateway", *words, *by_url(sandbox), answers={"Go on? [y/N]: ": "\x03"})
    assert status == 130
    assert said in seen
    assert "stopping as soon as" not in seen
    assert "Traceback" not in seen
    assert sandbox.summary()["requests"].keys() <= {"balance"}


def test_without_a_password_and_without_a_terminal_it_says_where_to_put_it(sandbox: RunningSandbox) -> None:
    result = run("gateway", "senders", *by_url(sandbox))
    assert result.exit_code == 1
    assert "there is no password: set SMSECO_PASSWORD" in result.stderr


def test_a_wrong_password_is_told_and_not_repeated(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSECO_PASSWORD", "wr0ng")
    result = run("gateway", "balance", *by_url(sandbox))
    assert result.exit_code == 1
    assert "-4 authentication failed" in result.stderr
    assert "check the account's login and password" in result.stderr
    assert "wr0ng" not in result.output
    assert LOGIN not in result.output


def test_plain_http_beyond_this_machine_has_to_be_agreed_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSECO_PASSWORD", "x")
    result = run("gateway", "balance", "--url", "http://sms.invalid", "--login", "x")
    assert result.exit_code == 2
    assert "use https, or add --allow-plain-http" in result.stderr

    def asks(*_: object, **__: object) -> None:  # a real resolver may take its time to say no
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", asks)
    allowed = run("gateway", "balance", "--url", "http://sms.invalid", "--login", "x", "--allow-plain-http")
    assert "the gateway does not answer" in allowed.stderr


def test_what_was_said_of_a_login_shows_in_no_repr() -> None:
    assert LOGIN not in repr(Access(None, "https://sms.example", LOGIN, "xml"))


@pytest.mark.parametrize(
    ("said", "again"),
    [
        (Access(None, None, None, "xml"), ""),
        (Access("shop", None, None, "soap"), " --account shop --form soap"),
        (
            Access(None, "http://sms.example/c 1", LOGIN, "get", "my ca.pem", allow_plain_http=True),
            f" --url 'http://sms.example/c 1' --login {LOGIN} --ca-bundle 'my ca.pem' --allow-plain-http --form get",
        ),
    ],
    ids=["the default account", "an account", "a URL"],
)
def test_the_next_command_asks_the_same_gateway_as_it_is_pasted(said: Access, again: str) -> None:
    assert said.again == again


@pytest.mark.parametrize("name", ["send", "merge", "lookup", "reports", "balance", "senders"])
def test_every_command_s_help_teaches(name: str) -> None:
    result = run("gateway", name, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert "--form [xml|json|get|soap]" in result.stdout


def test_no_help_of_the_gateway_s_needs_a_setting_or_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("gateway", "--help").exit_code == 0
    assert list(tmp_path.iterdir()) == []
