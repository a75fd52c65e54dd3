"""The command `campaigns` as a person or a script meets it: what it says, where, and with which exit status."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import campaigns
from campaigns.database import Database
from tests.servers.waiting import eventually
from tests.worker.command_line import ROWS, TEXT, submitted
from tests.worker.terminal import PROGRAM, run
from worker.cli import COMMANDS

pytestmark = pytest.mark.usefixtures("bare")

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"base_url": NOBODY, "login": "toto", "password": "s3cret", "sender": "CLINIQUE"}
    monkeypatch.setenv("ACCOUNTS", json.dumps({"default": told}))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lst"], "Did you mean 'list'?"),
        (["submit", *TEXT], "say whom to text"),
        (["submit", "a.csv", "--audience-id", "1", *TEXT], "say whom to text"),
        (["submit", "a.csv", "--name", "x"], "--template"),
        (["submit", "a.csv", "--template", "x"], "Missing option '--name'"),
        (["submit", "a.csv", *TEXT, "--template-file", __file__], "say what to text"),
        (["submit", "a.csv", "--name", "x", "--template-file", "none.txt"], "'none.txt' does not exist"),
        (["submit", "a.csv", *TEXT, "--at", "tomorrow"], "'tomorrow' is no time"),
        (["submit", "a.csv", *TEXT, "--at", "2030-01-01T09:00"], "does not say in which time zone"),
        (["submit", "a.csv", *TEXT, "--at", "2030-01-01T09:00", "--timezone", "Abidjan"], "no time zone is named"),
        (["submit", "a.csv", *TEXT, "--at", "2030-01-01T09:00Z", "--timezone", "Africa/Abidjan"], "has its own offset"),
        (["submit", "a.csv", *TEXT, "--timezone", "Africa/Abidjan"], "for the time of --at"),
        (["submit", "a.csv", *TEXT, "--lookup", "perhaps"], "'perhaps' is not one of 'send', 'exclude'"),
        (["submit", "a.csv", *TEXT, "--rate", "fast"], "'fast' is not a valid float"),
        (["submit", "a.csv", *TEXT, "--map", "nom"], "'nom' is not like FIELD=COLUMN"),
        (["submit", "a.csv", *TEXT, "--map", "nom=A", "--map", "nom=B"], "nom is given two columns, 'A' and 'B'"),
        (["show"], "say which campaign"),
        (["show", "1", "--key", "k"], "say which campaign"),
        (["show", "one"], "'one' is no id: ids are whole numbers"),
        (["list", "--state", "lost"], "'lost' is not one of"),
        (["pause"], "Missing argument 'ID'"),
        (["cancel", "0"], "'0' is no id"),
    ],
)
def test_a_command_written_wrongly_is_explained_with_status_2(words: list[str], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (["submit", "none.csv", *TEXT], None, "none.csv cannot be opened (No such file or directory)"),
        (["submit", "-", *TEXT], "nom;ville\nAwa;Bouaké\n", "name it as --number-column"),
        (["submit", "-", "--name", "x", "--template", "{{ prenom }}"], ROWS, "--template: there is no column for"),
        (["submit", "-", *TEXT, "--map", "nom=Client"], ROWS, "--template: there is no column 'Client' for {{ nom }}"),
        (["submit", "-", *TEXT, "--sender", "TWELVE CHARS"], ROWS, "--sender: a sender has at most 11"),
        (["submit", "-", *TEXT, "--rate", "-4"], ROWS, "--rate: "),
        (["submit", "-", *TEXT, "--batch-size", "0"], ROWS, "--batch-size: "),
        (["submit", "-", *TEXT, "--at", "2020-01-01T00:00Z"], ROWS, "--at: 2020-01-01T00:00:00+00:00 is past"),
        (["submit", "--audience-id", "7", *TEXT], None, "--audience-id: no complete audience has the id 7"),
        (["show", "99"], None, "no campaign has the id 99"),
        (["show", "--key", "k"], None, "no campaign of the account 'default' has the key 'k'"),
        (["pause", "99"], None, "no campaign has the id 99"),
        (["resume", "99"], None, "no campaign has the id 99"),
        (["cancel", "99"], None, "no campaign has the id 99"),
        (["balance"], None, "ACCOUNTS: there is none: set ACCOUNTS__DEFAULT__LOGIN"),
    ],
)
def test_what_cannot_be_done_is_explained_with_status_1(words: list[str], stdin: str | None, said: str) -> None:
    result = run(*words, stdin=stdin)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_every_fault_of_a_campaign_is_named_at_once(clients: str) -> None:
    result = run("submit", clients, "--name", "x", "--template", "{{ nom", "--rate", "0", "--batch-size", "9999")
    assert [line.split(":")[0] for line in result.stderr.splitlines()[1:]] == [
        "  - --template",
        "  - --rate",
        "  - --batch-size",
    ]
    assert campaigns.listing() == []


def test_a_database_that_is_not_migrated_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch, empty_sqlite_url: str, clients: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_sqlite_url)
    for words in (["list"], ["submit", clients, *TEXT], ["show", "1"]):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "run `campaigns migrate`" in result.stderr


def test_a_database_that_is_away_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:s3cret@127.0.0.1:9/campaigns")
    result = run("list")
    assert result.exit_code == 1
    assert "127.0.0.1:9/campaigns is away" in result.stderr
    assert "s3cret" not in result.stderr


def test_a_gateway_that_is_away_is_no_traceback(account: None) -> None:
    for question in ("balance", "senders"):
        result = run(question)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "the gateway does not answer (connection refused)" in result.stderr


def test_an_account_that_the_settings_lack_is_told_with_those_there_are(account: None) -> None:
    result = run("balance", "--account", "shop")
    assert result.exit_code == 2
    assert "no account 'shop'; there are: default" in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_s_help_teaches(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 5
    if name != "demo":
        assert "xample" in result.stdout or "A first try" in result.stdout


def test_the_help_names_every_command_and_imports_none() -> None:
    code = "import sys; from worker.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'campaigns', 'celery', 'rich', 'sqlalchemy', 'lxml'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


def test_a_part_that_is_broken_breaks_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "worker.demo.command", None)
    assert isinstance(run("demo").exception, ImportError)
    assert run("--help").exit_code == 0
    assert run("list").exit_code == 0


def test_a_pipe_gets_whole_lines_without_colours(clients: str) -> None:
    name = "Un nom qui est bien plus long que ce qu'un terminal étroit peut montrer sur une seule ligne, " * 2
    run("submit", clients, "--name", name.strip(), "--template", "Bonjour")
    environment = {**os.environ, "COLUMNS": "40", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    for words in (["list"], ["show", "1"]):
        done = subprocess.run(
            [*PROGRAM, *words], env=environment, capture_output=True, text=True, timeout=120, check=True
        )
        assert name.strip() in done.stdout
        assert "\x1b" not in done.stdout


def test_a_reader_that_goes_away_is_no_traceback(clients: str) -> None:
    submitted(clients)
    process = subprocess.Popen([*PROGRAM, "list", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=120) in (0, 1)
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()


def test_ctrl_c_while_the_audience_comes_leaves_no_campaign(sqlite_url: str) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "submit", "-", *TEXT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write("nom;tel\n" + "".join(f"Awa;07{number:08d}\n" for number in range(50_000)))
    process.stdin.flush()
    there = Database(sqlite_url)
    assert eventually(lambda: campaigns.listing(database=there) != [], within=120)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (130, "")
    assert "`campaigns list` tells which" in errors
    assert "Traceback" not in errors
    assert campaigns.listing(database=there) == []
    there.close()


def test_ctrl_c_while_watching_leaves_the_campaign_alone(clients: str) -> None:
    submitted(clients)
    process = subprocess.Popen(
        [*PROGRAM, "show", "1", "--watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("funding: expanded 3 of 3")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (130, "")
    assert "campaign 1 goes on" in errors
    assert campaigns.progress(1).state == "funding"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("buffered", ["", "1"])
def test_what_cannot_be_shown_is_a_failure_in_a_sentence(buffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": buffered},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "Error: it cannot be shown or written: No space left on device\n")
