"""What workers wrote in English is shown in the language spoken; what programs read is as it was written."""

import json
from collections.abc import Iterator

import pytest

from campaigns import database, lifecycle, schedules
from campaigns.occurrences import begin, end
from tests.campaigns import making
from tests.worker.command_line import submitted
from tests.worker.terminal import forget, run
from worker.language import speak

pytestmark = pytest.mark.usefixtures("bare")

WRITTEN = "the gateway refused it, -8: Expéditeur non enregistré"
SHOWN = "la passerelle l’a refusée, -8: Expéditeur non enregistré"


@pytest.fixture
def french(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LC_ALL", "fr_CI.UTF-8")
    yield
    speak("C")


@pytest.fixture
def paused(clients: str) -> int:
    """The id of a campaign that a worker has paused."""
    made = submitted(clients)
    with database.default().transaction() as connection:
        lifecycle.halt(connection, made, WRITTEN)
    return made


@pytest.mark.usefixtures("french")
def test_a_reason_is_shown_in_french(paused: int) -> None:
    assert SHOWN in run("show", str(paused)).stdout
    assert SHOWN in run("list").stdout


@pytest.mark.usefixtures("french")
def test_a_script_reads_what_was_written(paused: int) -> None:
    assert json.loads(run("show", str(paused), "--json").stdout)["waits_for"] == f"a person to resume it: {WRITTEN}"
    assert json.loads(run("list", "--json").stdout)[0]["reason"] == WRITTEN


def test_in_english_it_is_shown_as_it_was_written(paused: int) -> None:
    assert WRITTEN in run("show", str(paused)).stdout


@pytest.mark.usefixtures("french")
def test_what_became_of_an_occurrence_is_shown_in_french(clients: str) -> None:
    asked = {"template": "Bonjour", "audience": {"file": clients}}
    made = schedules.add(asked, name="rappel", cron="* * * * *", timezone="Africa/Abidjan")
    schedules.run("rappel")
    occurrence = begin(database.default(), made.id)
    assert occurrence is not None
    end(database.default(), occurrence, "refused: campaign 12 says why")
    assert "refusée : la campagne 12 dit pourquoi" in run("schedule", "show", "rappel").stdout.replace("\xa0", " ")
    assert json.loads(run("schedule", "list", "--json").stdout)[0]["last_outcome"] == "refused: campaign 12 says why"


@pytest.mark.usefixtures("french")
def test_what_a_person_does_in_french_is_stored_in_english(paused: int) -> None:
    run("resume", str(paused))
    run("cancel", str(paused))
    assert json.loads(run("show", str(paused), "--json").stdout)["reason"] == "cancelled by a person"


@pytest.mark.usefixtures("french")
def test_why_a_gateway_says_nothing_of_the_time_since_a_backup_is_shown_in_french(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"BASE_URL": "http://127.0.0.1:9", "LOGIN": "demo", "PASSWORD": "secret"}.items():
        monkeypatch.setenv(f"ACCOUNTS__DEFAULT__{name}", value)
    forget()
    making.funded(database.default(), making.numbers(3))
    said = run("restored", "--yes").stdout.replace("\xa0", " ").replace("\u202f", " ")
    assert "la passerelle ne dit pas ce qu’elle a compté : pas de réponse : connexion refusée" in said
