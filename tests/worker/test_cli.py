"""The command `campaigns` as a person or a script meets it: what it says, where, and with which exit status."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import campaigns
from campaigns import database
from campaigns.database import Database
from tests.servers.waiting import eventually
from tests.worker.terminal import PROGRAM, forget, run
from worker.cli import COMMANDS

NOBODY = "http://127.0.0.1:9"
ROWS = "nom;tel\nAwa;0707080910\nKoffi;0505060708\nKoffi;+225 05 05 06 07 08\n"
TEXT = ("--name", "Rappel", "--template", "Bonjour {{ nom }}")


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)  # away from any .env
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.delenv("ACCOUNTS", raising=False)
    forget()
    yield
    forget()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"base_url": NOBODY, "login": "toto", "password": "s3cret", "sender": "CLINIQUE"}
    monkeypatch.setenv("ACCOUNTS", json.dumps({"default": told}))


@pytest.fixture
def clients(tmp_path: Path) -> str:
    path = tmp_path / "clients.csv"
    path.write_text(ROWS, encoding="utf-8")
    return str(path)


def submitted(clients: str, *more: str) -> int:
    made: int = json.loads(run("submit", clients, *TEXT, "--json", *more).stdout)["id"]
    return made


# What is written wrongly


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lst"], "Did you mean one of these?\n    list"),
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


# What goes well


def test_migrate_makes_the_tables_once(monkeypatch: pytest.MonkeyPatch, empty_sqlite_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_sqlite_url)
    assert run("migrate").stdout == "the database is migrated\n"
    assert run("migrate").stdout == "the database is up to date\n"
    assert run("list").exit_code == 0


def test_submit_tells_the_id_and_what_comes_next(clients: str) -> None:
    result = run("submit", clients, *TEXT)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "campaign 1 is made, 3 rows taken in"
    assert "campaigns show 1 --watch" in result.stdout


def test_submit_reads_standard_input() -> None:
    result = run("submit", "-", *TEXT, "--json", stdin=ROWS)
    assert json.loads(result.stdout) == {"id": 1, "state": "funding", "created": True, "rows": 3}


def test_submit_takes_a_stored_audience(clients: str) -> None:
    stored = campaigns.store_audience(clients)
    result = run("submit", "--audience-id", str(stored.id), *TEXT, "--json")
    assert json.loads(result.stdout)["rows"] == 3


def test_every_option_reaches_the_spec(clients: str, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\ufeffBonjour {{ nom }}, à bientôt\n", encoding="utf-8")
    words = "--sender S --account shop --key k --at 2030-07-01T09:00 --timezone Europe/Paris --lookup exclude --rate 20"
    words += " --batch-size 100 --flash --transliterate --on-insufficient-credits fail --number-column tel"
    words += " --in-doubt write-off --in-doubt-deadline 3600"
    result = run("submit", clients, "--name", "Soldes", "--template-file", str(text), *words.split(), "--json")
    assert result.exit_code == 0
    assert spec_of(1) == {
        "name": "Soldes",
        "template": "Bonjour {{ nom }}, à bientôt",
        "sender": "S",
        "account": "shop",
        "key": "k",
        "scheduled_at": "2030-07-01T09:00:00+02:00",
        "lookup": {"unknown": "exclude"},
        "rate": 20.0,
        "batch_size": 100,
        "flash": True,
        "transliterate": True,
        "in_doubt": "write_off",
        "in_doubt_deadline": 3600,
        "on_insufficient_credits": "fail",
        "number_column": "tel",
    }


def test_a_lookup_without_a_word_sends_to_unknown_numbers(clients: str) -> None:
    submitted(clients, "--lookup")
    assert spec_of(1)["lookup"] == {"unknown": "send"}


def spec_of(campaign_id: int) -> dict[str, object]:
    with database.default().reading() as connection:
        raw = connection.exec_driver_sql("SELECT spec FROM campaigns WHERE id = ?", (campaign_id,)).scalar_one()
    spec: dict[str, object] = json.loads(raw)
    return spec


def test_the_same_key_twice_is_told(clients: str) -> None:
    submitted(clients, "--key", "k")
    again = run("submit", clients, *TEXT, "--key", "k")
    assert "campaign 1 was made with this key and content before: nothing new is sent" in again.stdout
    other = run("submit", clients, "--name", "Other", "--template", "Bonsoir", "--key", "k")
    assert other.exit_code == 1
    assert "--key: campaign 1 has this key and other content" in other.stderr


def test_a_campaign_with_nothing_to_send_says_why() -> None:
    result = run("submit", "-", *TEXT, stdin="nom;tel\n")
    assert "completed: nothing to send: the audience is empty" in result.stdout


def test_a_broker_that_is_away_is_a_remark(clients: str) -> None:
    words = ["submit", clients, *TEXT, "--json"]
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout)["id"] == 1
    assert "the workers could not be told at once: the broker is away" in done.stderr
    assert "Nothing is lost" in done.stderr


def test_the_workers_are_told_at_once_by_a_host_without_the_gateway_s_password(clients: str, broker_url: str) -> None:
    environment = {**os.environ, "REDIS_URL": broker_url}
    code = (
        "import json, sys; from click.testing import CliRunner; from worker.cli import main\n"
        "result = CliRunner().invoke(main, sys.argv[1:]); assert not result.stderr, result.stderr\n"
        "import kombu\n"
        f"with kombu.Connection({broker_url!r}) as connection:\n"
        "    print(json.dumps([connection.SimpleQueue('campaigns').get(timeout=5).payload[0], result.exit_code]))"
    )
    words = [sys.executable, "-c", code, "submit", clients, *TEXT]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(done.stdout) == [["default", 1], 0], done.stderr


def test_pause_resume_and_cancel_tell_what_had_left(clients: str) -> None:
    submitted(clients)
    assert run("pause", "1", "--reason", "wrong price").stdout == (
        "campaign 1 is paused: 0 messages left before, 2 did not\n"
    )
    assert "waits for a person to resume it: wrong price" in run("show", "1").stdout
    assert "campaign 1 goes on" in run("resume", "1").stdout
    assert run("resume", "1").exit_code == 1
    cancelled = json.loads(run("cancel", "1", "--reason", "the sale is off", "--json").stdout)
    assert (cancelled["state"], cancelled["by_status"]) == ("cancelled", {"voided": 2})
    assert "the sale is off" in run("show", "1").stdout
    assert run("pause", "1").exit_code == 1


def test_show_is_the_account_for_a_person_and_for_a_script(clients: str) -> None:
    submitted(clients, "--key", "k")
    page = run("show", "--key", "k").stdout
    for line in (r"rows read +3", r"excluded: duplicate +1", r"messages +2", r"pending +2 +100.0%", r"adds up +yes"):
        assert re.search(line, page), line
    figures = json.loads(run("show", "1", "--json").stdout)
    assert figures["recipients"] == sum(figures["excluded"].values()) + figures["messages"] == 3
    assert (figures["credits_estimated"], figures["adds_up"], figures["finished"]) == (2, True, False)


def test_watching_ends_with_the_campaign() -> None:
    result = run("submit", "-", *TEXT, "--watch", "--json", stdin="nom;tel\nAwa;none\n")
    assert json.loads(result.stdout)["state"] == "completed"
    assert "completed: expanded 1 of 1" in result.stderr


def test_watching_a_campaign_that_was_cancelled_ends_with_status_1(clients: str) -> None:
    submitted(clients)
    run("cancel", "1")
    result = run("show", "1", "--watch", "--json")
    assert (result.exit_code, json.loads(result.stdout)["state"]) == (1, "cancelled")
    assert run("show", "1").exit_code == 0


def test_a_broker_that_is_named_wrongly_is_said_before_anything_is_made(
    clients: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "nonsense")
    forget()
    refused = run("submit", clients, *TEXT)
    assert refused.exit_code == 1
    assert "REDIS_URL: it is no URL, such as redis://127.0.0.1:6379/0" in refused.stderr
    assert json.loads(run("list", "--json").stdout) == []


def test_list_pages_by_the_last_id_and_by_state(clients: str) -> None:
    for _ in range(3):
        submitted(clients)
    run("cancel", "2")
    assert [row["id"] for row in json.loads(run("list", "--json").stdout)] == [3, 2, 1]
    page = run("list", "-n", "2", "--json")
    assert [row["id"] for row in json.loads(page.stdout)] == [3, 2]
    assert "campaigns list -n 2 --before 2" in page.stderr
    page = run("list", "-n", "1", "--state", "cancelled")
    assert "campaigns list --state cancelled -n 1 --before 2" in page.stderr
    assert [row["id"] for row in json.loads(run("list", "--before", "2", "--json").stdout)] == [1]
    assert [row["id"] for row in json.loads(run("list", "--state", "cancelled", "--json").stdout)] == [2]
    assert "no campaign is failed" in run("list", "--state", "failed").stdout


def test_no_number_is_shown(clients: str) -> None:
    submitted(clients)
    shown = [run(*words) for words in (["show", "1"], ["show", "1", "--json"], ["list"], ["list", "--json"])]
    for result in shown:
        assert "0707080910" not in result.output
        assert "22507" not in result.output


def test_a_name_cannot_rewrite_the_terminal(clients: str) -> None:
    submitted(clients)
    with database.default().transaction() as connection:
        connection.exec_driver_sql("UPDATE campaigns SET name = '\x1b[2J[bold]Solde'")
    for words in (["show", "1"], ["list"]):
        assert "�[2J[bold]Solde" in run(*words).stdout


# How it behaves as a program


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
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
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
            [*PROGRAM, *words], env=environment, capture_output=True, text=True, timeout=30, check=True
        )
        assert name.strip() in done.stdout
        assert "\x1b" not in done.stdout


def test_a_reader_that_goes_away_is_no_traceback(clients: str) -> None:
    submitted(clients)
    process = subprocess.Popen([*PROGRAM, "list", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=30) in (0, 1)
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
    assert eventually(lambda: campaigns.listing(database=there) != [], within=30)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")
    assert "nothing is half done" in errors
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
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")
    assert "campaign 1 goes on" in errors
    assert campaigns.progress(1).state == "funding"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("buffered", ["", "1"])
def test_what_cannot_be_shown_is_a_failure_in_a_sentence(buffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": buffered},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "Error: it cannot be shown or written: No space left on device\n")
