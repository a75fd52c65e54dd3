"""`campaigns restored`, and how what it left in doubt is decided: it says what it will do, asks, and does it once."""

import json
from pathlib import Path

import pytest

import campaigns
from campaigns import database, lineage
from campaigns.states import CampaignState
from tests.campaigns import making
from tests.worker.terminal import at_a_terminal, forget, run
from tests.worker.workshop import ACCOUNTS
from worker.console import restored

MANY = restored.NAMED + 1

pytestmark = pytest.mark.usefixtures("bare")


def unsent(batches: int = 2) -> int:
    """A campaign of so many batches of three that had not left when the backup was taken."""
    return making.funded(database.default(), making.numbers(3 * batches), batch_size=3)


def test_where_nobody_is_at_the_terminal_nothing_is_done_without_a_yes() -> None:
    made = unsent()

    result = run("restored")

    assert result.exit_code == 1
    assert f"campaign {made} Rappel (default): 2 requests for 6 numbers, 6 credits" in result.stderr
    assert "nothing was done: there is no terminal to ask at" in result.stderr
    assert making.account(database.default(), made).by_status == {"pending": 6}


@pytest.mark.parametrize(("answer", "left"), [("n\n", {"pending": 6}), ("y\n", {"in_doubt": 6})])
def test_a_person_is_told_what_it_will_do_and_asked(answer: str, left: dict[str, int]) -> None:
    made = unsent()
    _, screen = at_a_terminal("restored", answers={"[y/N]: ": answer})
    assert "Put in doubt" in screen
    assert making.account(database.default(), made).by_status == left


def test_a_second_time_it_says_when_it_was_done_and_does_nothing() -> None:
    run("restored", "--yes")
    made = unsent()

    result = run("restored", "--yes")

    assert "a restored backup was seen to already, at 20" in result.stdout
    assert making.account(database.default(), made).by_status == {"pending": 6}
    assert "1 campaign" not in run("restored", "--yes", "--again").stderr
    assert making.account(database.default(), made).by_status == {"in_doubt": 6}


def test_who_looks_makes_no_mark_that_the_workers_user_could_not_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ACCOUNTS", json.dumps(ACCOUNTS))
    forget()
    run("restored", "--yes")
    assert "was seen to already" in run("restored", "--yes").stdout
    assert not list(tmp_path.rglob("*.mark"))


def test_another_backup_that_was_noticed_needs_no_word_more() -> None:
    run("restored", "--yes")
    made = unsent()
    lineage.declare_set_back(database.default(), "noticed", newest_attempt=0)
    assert "seen to: 2 requests in doubt" in run("restored", "--yes").stdout
    assert making.state(database.default(), made) == CampaignState.STALLED


def test_a_script_gets_what_was_done() -> None:
    made = unsent()
    done = json.loads(run("restored", "--yes", "--json").stdout)
    assert (done["done"], [each["campaign_id"] for each in done["to_decide"]]) == (True, [made])
    assert json.loads(run("restored", "--yes", "--json").stdout)["done"] is False


def test_when_the_backup_was_taken_may_be_said_with_its_zone_alone() -> None:
    unsent()
    assert "write 2026-11-29T03:00+00:00" in run("restored", "--backup-time", "2026-11-29 03:00").stderr
    assert run("restored", "--backup-time", "yesterday").exit_code == 2
    told = run("restored", "--backup-time", "2026-11-29T03:00+01:00", "--yes").stderr
    assert "What was done until 2026-11-29 02:00:00 UTC" in told


def test_of_many_campaigns_the_first_are_named() -> None:
    for _ in range(MANY):
        unsent(1)
    said = run("restored").stderr
    assert said.count("Rappel (default)") == restored.NAMED
    assert "more campaigns: 1" in said


def test_an_empty_database_has_nothing_to_be_put_in_doubt() -> None:
    assert "nothing is put in doubt" in run("restored", "--yes").stderr


def test_each_doubt_says_that_it_is_of_that_time() -> None:
    unsent()
    run("restored", "--yes")
    lines = run("doubts").stdout.splitlines()
    assert [line.rstrip().endswith("backup that was restored: held for a person") for line in lines[1:3]] == [True] * 2


def test_all_of_a_campaign_is_decided_at_once_and_no_other() -> None:
    made, other = unsent(), unsent()
    run("restored", "--yes")

    result = run("resolve", "--campaign", str(made), "write-off", "--reason", "too late")

    assert result.stdout.count("is written off") == 2
    assert result.stdout.count("campaign ") == 1
    assert making.account(database.default(), made).by_status == {"written_off": 6}
    assert making.account(database.default(), other).by_status == {"in_doubt": 6}


def test_some_are_decided_by_their_ids_and_who_may_be_texted_twice_is_summed_up() -> None:
    made = unsent(3)
    run("restored", "--yes")
    ids = [str(doubt.attempt_id) for doubt in campaigns.open_doubts()][:2]

    refused = run("resolve", *ids, "resend", "--reason", "x")
    assert "2 requests: 6 numbers may be texted twice, for 6 credits more." in refused.stderr
    assert refused.exit_code == 1

    assert run("resolve", *ids, "resend", "--reason", "x", "--yes").exit_code == 0
    assert making.account(database.default(), made).by_status == {"in_doubt": 3, "pending": 6}


@pytest.mark.parametrize("words", [[], ["1", "--campaign", "1"]])
def test_it_must_be_plain_which_are_meant(words: list[str]) -> None:
    result = run("resolve", *words, "resend", "--reason", "x")
    assert (result.exit_code, "name the requests, or with --campaign" in result.stderr) == (2, True)


def test_a_campaign_of_which_nothing_is_in_doubt_is_said() -> None:
    made = unsent()
    result = run("resolve", "--campaign", str(made), "resend", "--reason", "x")
    assert f"nothing of campaign {made} is in doubt" in result.stderr
    assert "no campaign" in run("resolve", "--campaign", "404", "resend", "--reason", "x").stderr


def test_an_id_of_the_gateway_is_that_of_one() -> None:
    made = unsent()
    run("restored", "--yes")
    result = run("resolve", "--campaign", str(made), "accepted", "--id", "80033412", "--reason", "x")
    assert "name that one alone" in result.stderr
