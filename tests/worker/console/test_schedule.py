"""What a person does with schedules by the command, and what is shown of them."""

import json
import re
from typing import Any

import pytest

from campaigns import database, schedules
from tests.worker.terminal import run

pytestmark = pytest.mark.usefixtures("bare")

WHEN = ("--cron", "0 9 * * mon", "--timezone", "Africa/Lagos")
WHAT = ("--file", "clients.csv", "--template", "Bonjour {{ nom }}")


def added(*more: str, name: str = "lundi") -> dict[str, Any]:
    result = run("schedule", "add", name, *WHEN, *WHAT, "--json", *more)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_it_is_told_when_it_is_due_next_as_the_clocks_of_its_zone_show_it() -> None:
    result = run("schedule", "add", "lundi", *WHEN, *WHAT)
    assert re.fullmatch(r"schedule lundi is due next at Mon \d{4}-\d\d-\d\d 09:00 Africa/Lagos\n", result.stdout)


def test_every_option_reaches_the_schedule() -> None:
    words = "--sender S --account shop --lookup exclude --rate 20 --batch-size 100 --flash --transliterate"
    words += " --on-insufficient-credits fail --in-doubt write-off --in-doubt-deadline 3600 --number-column tel"
    words += " --when-missed catch-up --tolerance 60 --window 08:00-20:00 --window-zone recipient"
    made = added(*words.split())
    assert made["spec"] == {
        "name": "lundi",
        "template": "Bonjour {{ nom }}",
        "sender": "S",
        "account": "shop",
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
        "audience": {"file": "clients.csv"},
    }
    assert (made["account"], made["when_missed"], made["tolerance"]) == ("shop", "catch_up", 60)


def test_a_window_that_is_none_is_refused_when_the_schedule_is_added() -> None:
    result = run("schedule", "add", "lundi", *WHEN, *WHAT, "--window", "weekdays 8-20", "--window-zone", "Africa/Lagos")
    assert result.exit_code == 1
    assert "--window: 'weekdays' is no day of the week; there are mon, tue" in result.stderr


@pytest.mark.parametrize(
    ("whom", "named"),
    [
        (("--url", "https://lists.example/a.csv"), {"url": "https://lists.example/a.csv"}),
        (("--audience-id", "12"), {"id": 12}),
    ],
)
def test_an_audience_may_be_named_in_three_ways(whom: tuple[str, str], named: dict[str, Any]) -> None:
    made = run("schedule", "add", "lundi", *WHEN, *whom, "--template", "Bonjour", "--json")
    assert json.loads(made.stdout)["spec"]["audience"] == named


def test_what_is_wrong_is_said_in_the_words_of_the_command() -> None:
    result = run("schedule", "add", "lu{ndi", "--cron", "often", "--timezone", "Mars", "--tolerance", "0",
                 "--file", "a.csv", "--template", "{{ 1 + 1 }}")  # fmt: skip
    assert result.exit_code == 1
    named = re.findall(r"^  - (\S+):", result.stderr, re.MULTILINE)
    assert sorted(named) == ["--cron", "--template", "--timezone", "--tolerance", "NAME"]


@pytest.mark.parametrize("whom", [(), ("--file", "a.csv", "--audience-id", "1")])
def test_one_audience_has_to_be_named(whom: tuple[str, ...]) -> None:
    result = run("schedule", "add", "lundi", *WHEN, *whom, "--template", "Bonjour")
    assert result.exit_code == 2
    assert "say whom to text: --file, --url or --audience-id" in result.stderr


def test_what_each_occurrence_has_of_its_own_is_no_option_of_a_schedule() -> None:
    for option in ("--key", "--at"):
        assert run("schedule", "add", "lundi", *WHEN, *WHAT, option, "x").exit_code == 2


def test_the_list_says_when_each_is_due_next() -> None:
    assert run("schedule", "list").stdout.startswith("no schedule yet: `campaigns schedule add --help`")
    added()
    added(name="soldes")
    run("schedule", "pause", "soldes")
    first, second = run("schedule", "list").stdout.splitlines()[1:]
    assert re.match(r"lundi +Mon \S+ 09:00 Africa/Lagos +0 9 \* \* mon +default", first)
    assert re.match(r"soldes +paused", second)
    assert [each["name"] for each in json.loads(run("schedule", "list", "--json").stdout)] == ["lundi", "soldes"]
    assert run("schedule", "list", "--account", "shop").stdout.startswith("no schedule of the account 'shop' yet")


def test_one_is_shown_with_its_next_slots_and_what_it_texts() -> None:
    added()
    shown = run("schedule", "show", "lundi").stdout
    assert len(re.findall(r"Mon \d{4}-\d\d-\d\d 09:00 Africa/Lagos", shown)) == 3
    assert "Bonjour {{ nom }}" in shown
    assert "clients.csv" in shown
    assert json.loads(run("schedule", "show", "lundi", "--json").stdout)["name"] == "lundi"


def test_one_is_paused_resumed_and_removed() -> None:
    added()
    assert run("schedule", "pause", "lundi").stdout == "schedule lundi is paused: campaigns schedule resume lundi\n"
    assert run("schedule", "resume", "lundi").stdout.startswith("schedule lundi is due next at Mon ")
    again = run("schedule", "resume", "lundi")
    assert (again.exit_code, again.stderr) == (1, "Error: the schedule 'lundi' is not paused\n")
    assert run("schedule", "remove", "lundi").stdout == "schedule lundi is removed\n"
    assert schedules.listing(database=database.default()) == []


def test_one_is_run_now_and_its_key_is_told() -> None:
    added()
    told = run("schedule", "run", "lundi")
    assert told.exit_code == 0
    assert re.search(r"campaigns show --key 'schedule:lundi:by-hand:[^']+Z' --watch", told.stdout)
    assert "Nothing is lost: running workers look for it by themselves" in told.stderr  # there is no broker here
    assert "asked for now" in run("schedule", "list").stdout
    assert run("schedule", "run", "lundi").exit_code == 1


@pytest.mark.parametrize("word", ["show", "pause", "resume", "remove", "run"])
def test_one_that_is_not_there_is_told_so_with_what_to_do(word: str) -> None:
    result = run("schedule", word, "mardi")
    assert result.exit_code == 1
    assert "the account 'default' has no schedule 'mardi': `campaigns schedule list` names them" in result.stderr


@pytest.mark.parametrize("word", ["add", "list", "show", "pause", "resume", "remove", "run"])
def test_each_has_help_with_an_example(word: str) -> None:
    shown = run("schedule", word, "--help").stdout
    assert re.search(rf"Examples?:\n +campaigns schedule {word}", shown)
