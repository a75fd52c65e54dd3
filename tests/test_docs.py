"""The pages, held to their word: each command, target, setting and option in them exists, and the other way round."""

import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import kombu
import pytest

import campaigns
from campaigns.database import Database
from campaigns.spec import Spec
from campaigns.states import CampaignState
from tests.data.make_clients import ROWS
from worker.cli import COMMANDS
from worker.resources import Resources
from worker.settings import Account, Settings
from worker.submitting import submit_named

ROOT = Path(__file__).parent.parent
PAGES = {
    path.stem: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
ACCOUNTS = {"default": {"base_url": "http://127.0.0.1:9", "login": "demo", "password": "secret"}}


def section(page: str, title: str) -> str:
    return re.split(r"\n#{2,3} ", PAGES[page].split(f"# {title}\n", 1)[1], maxsplit=1)[0]


def first_column(text: str) -> set[str]:
    cells = [re.split(r"(?<!\\)\|", line)[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def example(name: str) -> str:
    found = re.findall(rf"<!-- example: {name} -->\n```python\n(.*?)```", "\n".join(PAGES.values()), re.DOTALL)
    assert len(found) == 1, f"{len(found)} pages have the example {name}"
    return str(found[0])


@pytest.fixture
def surroundings(sqlite_url: str, broker_url: str) -> dict[str, str]:
    """A producer's: it knows the database and the broker, and no account's password."""
    unset = {name for name in os.environ if name.startswith("ACCOUNTS")}
    known = {name: value for name, value in os.environ.items() if name not in unset}
    return {**known, "DATABASE_URL": sqlite_url, "REDIS_URL": broker_url}


def first_in_queue(broker_url: str) -> list[Any]:
    """The arguments of the first task that waits."""
    with kombu.Connection(broker_url) as connection:
        queue = connection.SimpleQueue("campaigns")
        arguments, _, _ = queue.get(timeout=60).payload
        queue.close()
    return list(arguments)


def run(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_is_in_the_table_of_commands() -> None:
    table = first_column(section("operating", "Which command for what"))
    assert {found for cell in table for found in re.findall(r"^campaigns ([a-z]+)\b", cell)} == set(COMMANDS)


def test_the_quick_start_has_the_commands_that_are_run_of_the_french_one() -> None:
    def commands(page: str) -> list[str]:
        return [re.sub(r" +# .*", "", block) for block in re.findall(r"```sh\n(.*?)```", PAGES[page], re.DOTALL)]

    assert commands("quickstart") == [each for each in commands("demarrage") if "LANGUAGE=fr" not in each]


def test_the_front_page_is_short_enough_to_be_read_to_its_end_and_leads_to_every_page() -> None:
    assert len(PAGES["README"].splitlines()) <= 200
    assert [page for page in PAGES if page != "README" and f"(docs/{page}.md)" not in PAGES["README"]] == []


def test_every_name_that_a_producer_may_import_is_on_the_page_of_python() -> None:
    named = re.findall(r"^\.\. auto(?:function|class|exception):: campaigns\.(\w+)$", PAGES["python"], re.MULTILINE)
    assert sorted(named) == sorted(campaigns.__all__)


def test_every_target_in_the_pages_exists_and_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split())  # type: ignore[union-attr]
    named = re.findall(r"(?:`|^)make ([a-z-]+)\b", "\n".join(PAGES.values()), re.MULTILINE)
    assert {"demo", "test", "docs"} <= set(named) <= targets
    helped = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"make ([a-z-]+)", helped)) >= targets


def test_the_table_of_settings_is_the_settings() -> None:
    listed = {name.removeprefix("…") for name in first_column(section("settings", "Settings"))} - {"WORKER_CONCURRENCY"}
    accounts = {f"ACCOUNTS__NAME__{field.upper()}" for field in Account.model_fields}
    fields = {field.upper() for field in Settings.model_fields} - {"ACCOUNTS"} | accounts
    assert {f"ACCOUNTS__NAME{name}" if name.startswith("__") else name for name in listed} == fields


def test_the_table_of_options_is_the_spec() -> None:
    assert first_column(section("campaigns", "What a campaign may ask for")) == set(Spec.model_fields)


def test_the_example_in_python_makes_a_campaign_of_two_messages_and_wakes_the_workers(
    surroundings: dict[str, str], broker_url: str
) -> None:
    assert run(example("python"), surroundings) == "{'pending': 2}\n"
    assert first_in_queue(broker_url) == ["default", 1]


def test_the_example_of_a_bare_celery_client_makes_a_campaign(
    surroundings: dict[str, str], broker_url: str, sqlite_url: str, tmp_path: Path
) -> None:
    run(example("client"), surroundings)
    (spec,) = first_in_queue(broker_url)
    made = submitted(spec, sqlite_url, tmp_path)
    assert made.recipients == ROWS


def test_the_example_of_a_beat_entry_makes_one_campaign_an_occurrence(sqlite_url: str, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(example("beat"), names)
    (entry,) = names["beat_schedule"].values()
    assert entry["task"] == "campaigns.submit"
    slot = entry["kwargs"]["occurrence"]()  # as the beat does when it sends the task
    first = submitted(entry["args"][0], sqlite_url, tmp_path, slot)
    again = submitted(entry["args"][0], sqlite_url, tmp_path, slot)
    assert again.id == first.id
    assert datetime.fromisoformat(slot).strftime("%a %H:%M") == "Mon 09:00"
    assert first.key == f"lundi-{datetime.fromisoformat(slot):%Y-%m-%d}"


def test_the_example_of_a_schedule_is_due_on_the_next_monday_at_nine(surroundings: dict[str, str]) -> None:
    printed = run(example("schedule"), surroundings).strip()
    assert datetime.fromisoformat(printed).strftime("%a %H:%M %Z") == "Mon 09:00 UTC"


def test_every_state_that_a_campaign_may_be_in_is_in_the_table_of_states() -> None:
    table = section("operating", "What you may see, and what it means")
    assert set(re.findall(r"`([a-z_]+)`", table)) >= set(CampaignState)


def submitted(
    spec: dict[str, Any], database_url: str, folder: Path, occurrence: str | None = None
) -> campaigns.Progress:
    """What a worker makes of a spec that came by task, with the shipped list as `clients.csv`."""
    (folder / "clients.csv").write_bytes((ROOT / "worker" / "demo" / "clients.csv").read_bytes())
    settings = Settings(accounts=ACCOUNTS, database_url=database_url, audience_dir=folder, _env_file=None)  # type: ignore[arg-type,call-arg]
    database = Database(database_url)
    answer = submit_named(Resources(settings, database, ring=lambda *_: None), spec, occurrence)
    campaign_id = int(re.search(r"campaign (\d+)", answer).group(1))  # type: ignore[union-attr]
    found = campaigns.progress(campaign_id, database=database)
    assert found.state != "failed", found.reason
    database.close()
    return found
