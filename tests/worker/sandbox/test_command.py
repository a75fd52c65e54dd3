import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tests.servers.waiting import eventually
from worker.sandbox import command
from worker.sandbox.command import sandbox
from worker.sandbox.faults import KINDS, Fault

START = "from worker.sandbox.command import sandbox; sandbox()"


def ask(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_interrupted_and_ends_well(tmp_path, signum):
    port_file = tmp_path / "port"
    arguments = ["--port", "0", "--port-file", port_file, "--account", "toto:1:2", "--account", "titi:3",
                 "--credits", "7", "--sender", "TOTO", "--sender", "TITI", "--ledger", tmp_path / "ledger"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", START, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        assert eventually(lambda: port_file.exists() or process.poll() is not None, within=120)
        port = int(port_file.read_text())
        accounts = json.loads(ask(port, "GET", "/_sandbox/accounts"))
        reply = ask(
            port,
            "POST",
            "/api/xml/getsenders/",
            "XML=<SMS><compte><login>toto</login><password>1:2</password></compte></SMS>",
        )
    finally:
        process.send_signal(signum)
        output, errors = process.communicate(timeout=120)
    assert [(account["login"], account["credits"]) for account in accounts] == [("toto", 7), ("titi", 7)]
    assert "<sender>TOTO</sender><sender>TITI</sender>" in reply
    assert len(output.splitlines()) == 1
    assert f"http://127.0.0.1:{port}," in output
    assert output.endswith(f" http://127.0.0.1:{port}/_sandbox/\n")
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--account", "toto"], "LOGIN:PASSWORD"),
        (["--mix", "delivered"], "NAME=WEIGHT"),
        (["--mix", "lost=1"], "the mix knows"),
        (["--delay-min", "5"], "delays"),
        (["--credits", "-5"], "credits"),
        (["--port", "70000"], "70000"),
        (["--fault", "reset"], "NAME=COUNT"),
        (["--fault", "thunder=1"], "there is no fault 'thunder'"),
        (["--fault", "reset:sned=1"], "there is no operation 'sned'"),
        (["--fault", "slow_body=5%"], "seconds are needed"),
        (["--ledger", "/nowhere/at/all"], "/nowhere/at/all: No such file"),
        (["--state", "/nowhere/at/all"], "/nowhere/at/all: No such file"),
        (["--port", "0", "--port-file", "/nowhere/port"], "/nowhere/port: No such file"),
        (["--tls-certificate", __file__], "a certificate and its own key are needed"),
        (["--latency", "nan"], "latency is a number"),
    ],
)
def test_a_users_mistake_is_named_without_a_traceback(arguments, named):
    result = CliRunner().invoke(sandbox, arguments)
    assert result.exit_code != 0
    assert named in result.output
    assert "Traceback" not in result.output


def test_a_port_that_is_taken_is_named_with_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(sandbox, ["--port", str(port)])
    assert result.exit_code == 1
    assert result.output == (
        f"Error: cannot listen on 127.0.0.1:{port}, address already in use: "
        "end what listens there, or choose another --port\n"
    )


def test_an_address_of_another_machine_is_named_with_what_to_do():
    result = CliRunner().invoke(sandbox, ["--host", "192.0.2.1"])
    assert result.exit_code == 1
    assert result.output == (
        "Error: cannot listen on 192.0.2.1:8800, cannot assign requested address: choose another --host or --port\n"
    )


@pytest.mark.needs("openssl")
def test_a_key_that_needs_a_password_is_refused_and_the_password_not_asked_for(certificate, tmp_path):
    key, chain = certificate
    locked = tmp_path / "locked.pem"
    subprocess.run(["openssl", "rsa", "-aes256", "-passout", "pass:1", "-in", key, "-out", locked], check=True,
                   capture_output=True)  # fmt: skip
    result = CliRunner().invoke(sandbox, ["--tls-certificate", str(chain), "--tls-key", str(locked)], input="1\n")
    assert f"{chain} and {locked}: a certificate and its own key are needed" in result.output


@pytest.mark.parametrize("kept", ["--state", "--ledger"])
def test_what_cannot_be_written_down_is_not_acknowledged_and_the_sandbox_ends_and_says_why(tmp_path, kept):
    port_file, file = tmp_path / "port", tmp_path / "file"
    process = subprocess.Popen(
        [sys.executable, "-c", START, "--port", "0", "--port-file", str(port_file), kept, str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert eventually(lambda: port_file.exists() or process.poll() is not None, within=120)
    before = file.read_bytes()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (len(before) + 20, len(before) + 20))
    reply = ask(
        int(port_file.read_text()),
        "POST",
        "/api/xml/sendsms/",
        "XML=<SMS><compte><login>demo</login><password>demo</password></compte><message><expediteur>DEMO</expediteur>"
        "<msg>Bonjour</msg></message><destinataires><numero>0709999956</numero></destinataires></SMS>",
    )
    _, errors = process.communicate(timeout=120)
    assert reply == "500: Internal Server Error"
    assert errors == f"Error: {file}: File too large. Nobody was told of an acceptance that is not in it; start again\n"
    assert (process.returncode, file.read_bytes()) == (1, before)


def test_faults_are_armed_from_the_start(monkeypatch):
    ran = []
    monkeypatch.setattr(command, "run", lambda options, **_: ran.append(options))
    arguments = ["--fault=reset=3", "--fault=slow_body:*=2.5%,seconds=1.5", "--fault=refuse:lookup=1,code=-6"]
    assert CliRunner().invoke(sandbox, arguments).exit_code == 0
    assert ran[0].faults == (
        Fault("reset", count=3),
        Fault("slow_body", operation="*", share=0.025, seconds=1.5),
        Fault("refuse", operation="lookup", count=1, code=-6),
    )


def test_help_tells_every_fault_on_a_line_of_its_own():
    lines = CliRunner().invoke(sandbox, ["--help"]).output.splitlines()
    assert {name for name in KINDS if not any(line.split()[:1] == [name] for line in lines)} == set()


def test_help_says_what_a_fault_of_reports_waits_for_and_how_to_be_rid_of_it():
    text = CliRunner().invoke(sandbox, ["--help"]).output
    assert "such a fault on reports waits\n" in text
    assert "The reply to what is carried out (to `reports`: that has any)\n" in text
    assert "DELETE /_sandbox/faults  disarms all\n" in text


def test_help_names_the_magic_numbers_and_the_endpoint():
    text = CliRunner().invoke(sandbox, ["--help"]).output
    assert "9999956 delivered" in text
    assert "/_sandbox/summary" in text
    assert "in a browser: http://127.0.0.1:8800/_sandbox/\n" in text
