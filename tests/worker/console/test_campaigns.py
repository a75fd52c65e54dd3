"""What a person does with campaigns by the command, and what is shown of them."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import campaigns
from campaigns import database
from tests.worker.command_line import ROWS, TEXT, submitted
from tests.worker.terminal import PROGRAM, forget, run

pytestmark = pytest.mark.usefixtures("bare")


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


def test_submit_into_a_window_that_is_closed_tells_when_it_opens(clients: str) -> None:
    hour = (datetime.now(UTC).hour + 12) % 23  # at least ten hours away, and its end is on the same day
    words = ["--window", f"{hour}h-{hour + 1}h", "--window-zone", "UTC"]
    result = run("submit", clients, *TEXT, *words)
    opens = campaigns.progress(1).window_opens_at
    assert opens is not None
    assert opens.hour == hour
    assert f"its window opens next at {opens:%Y-%m-%d %H:%M:%S} UTC\n" in result.stdout
    assert "window" not in run("submit", clients, *TEXT).stdout


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
    words += " --in-doubt write-off --in-doubt-deadline 3600 --map nom=NOM --map sans=objet --uncapped"
    words += " --window 8h-20h --window-zone recipient"
    result = run("submit", clients, "--name", "Soldes", "--template-file", str(text), *words.split(), "--json")
    assert result.exit_code == 0
    assert spec_of(1) == {
        "name": "Soldes",
        "template": "Bonjour {{ nom }}, à bientôt",
        "sender": "S",
        "account": "shop",
        "key": "k",
        "scheduled_at": "2030-07-01T09:00:00+02:00",
        "window": "mon-sun 08:00-20:00",
        "window_zone": "recipient",
        "lookup": {"unknown": "exclude"},
        "rate": 20.0,
        "batch_size": 100,
        "flash": True,
        "transliterate": True,
        "in_doubt": "write_off",
        "in_doubt_deadline": 3600,
        "on_insufficient_credits": "fail",
        "number_column": "tel",
        "columns": {"nom": "NOM", "sans": "objet"},
        "uncapped": True,
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
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout)["id"] == 1
    assert "the workers could not be told at once: the broker is away" in done.stderr
    assert "Nothing is lost" in done.stderr


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("while_it", ["worker.ringing.ring", "campaigns.progress"], ids=["rings", "tells the id"])
def test_ctrl_c_once_it_is_made_names_the_campaign_and_what_stops_it(
    clients: str, monkeypatch: pytest.MonkeyPatch, while_it: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(while_it, interrupted)
        result = run("submit", clients, *TEXT, "--watch")
    assert result.exit_code == 130
    assert "campaign 1 is made, and goes on to text people: `campaigns cancel 1` stops it\n" in result.stderr
    assert campaigns.progress(1).state == "funding"


def test_ctrl_c_where_nobody_knows_whether_it_is_made_says_how_to_tell_and_what_stops_it(
    clients: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.submission._wake", interrupted)
    result = run("submit", clients, *TEXT)
    assert (result.exit_code, result.stdout) == (130, "")
    assert "was made or it was not, and `campaigns list` tells which" in result.stderr
    assert "`campaigns cancel ID` stops it" in result.stderr
    assert campaigns.progress(1).state == "funding"


def test_the_workers_are_told_at_once_by_a_host_without_the_gateway_s_password(clients: str, broker_url: str) -> None:
    environment = {**os.environ, "REDIS_URL": broker_url}
    code = (
        "import json, sys; from click.testing import CliRunner; from worker.cli import main\n"
        "result = CliRunner().invoke(main, sys.argv[1:]); assert not result.stderr, result.stderr\n"
        "import kombu\n"
        f"with kombu.Connection({broker_url!r}) as connection:\n"
        "    print(json.dumps([connection.SimpleQueue('campaigns').get(timeout=60).payload[0], result.exit_code]))"
    )
    words = [sys.executable, "-c", code, "submit", clients, *TEXT]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
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
