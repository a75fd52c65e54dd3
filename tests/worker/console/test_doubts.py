"""`campaigns doubts` and `campaigns resolve`: what a person sees of a request in doubt, and what is asked first."""

import getpass
import json
import re
from typing import Any

import pytest
from sqlalchemy import select

from campaigns import database, settling
from campaigns.claims import Claim
from campaigns.models import resolutions
from campaigns.policies import PAID_FOR
from tests.campaigns import making
from tests.worker.terminal import at_a_terminal, run

pytestmark = pytest.mark.usefixtures("bare")


def in_doubt(**options: Any) -> Claim:
    where = database.default()
    found = making.claimed(where, making.funded(where, making.numbers(4), **options))
    settling.doubt(where, found, "timed out", msgfid=options.pop("msgfid", None))
    making.advance(where)
    return found


def decided() -> list[Any]:
    with database.default().reading() as connection:
        return list(connection.execute(select(resolutions)).all())


def test_nothing_in_doubt_is_said() -> None:
    assert run("doubts").stdout == "nothing is in doubt\n"
    assert json.loads(run("doubts", "--json").stdout) == []


def test_each_doubt_is_a_line_that_says_what_becomes_of_it() -> None:
    held, policy = in_doubt(), in_doubt(in_doubt="resend")

    header, first, second, note = map(str.rstrip, run("doubts").stdout.splitlines())

    assert header.split()[:8] == ["attempt", "campaign", "batch", "numbers", "age", "credits", "before", "after"]
    assert first.split()[:4] == [str(held.attempt_id), str(held.campaign_id), "1", "4"]
    assert first.endswith("held for a person")
    assert re.search(r"sent again at 20\d\d-.* UTC$", second)
    assert second.split()[0] == str(policy.attempt_id)
    assert "campaigns resolve ATTEMPT --help" in note


def test_a_script_gets_every_figure_and_no_number_of_a_person() -> None:
    found = in_doubt(in_doubt="write_off")

    result = run("doubts", "--json", "--campaign", str(found.campaign_id), "--account", "default")

    (doubt,) = json.loads(result.stdout)
    assert {**doubt, "numbers": 4, "credits": 4, "policy": "write_off", "verdict": None, "batch": 1} == doubt
    assert doubt["acts_at"] > doubt["since"]
    assert str(making.FIRST)[:9] not in result.output


def test_a_full_page_says_how_to_see_the_next() -> None:
    found = in_doubt()
    in_doubt()

    which = f"--account default --campaign {found.campaign_id}"
    assert f"campaigns doubts --after {found.attempt_id}" in run("doubts", "-n", "1").stderr
    assert f"campaigns doubts {which} --after {found.attempt_id}" in run("doubts", "-n", "1", *which.split()).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--account", "defualt"], "no account 'defualt' is known: there is default"),
        (["--campaign", "404"], "404"),
        (["--campaign", "x"], "'x' is no id: ids are whole numbers from 1 on."),
    ],
)
def test_a_typing_error_does_not_read_like_good_news(words: list[str], said: str) -> None:
    in_doubt()

    for command in ("doubts", "credits", "reports") if "--account" in words else ("doubts",):
        result = run(command, *words)
        assert result.exit_code != 0
        assert said in result.stderr


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"msgfid": "f7"}, "it was most probably taken"),
        ({"detail": PAID_FOR}, PAID_FOR),
        ({"paused": True}, "its campaign is paused"),
    ],
    ids=["the broken reply had an id", "paid for", "paused"],
)
def test_what_a_policy_does_not_do_has_its_reason(options: dict[str, Any], why: str) -> None:
    where = database.default()
    found = making.claimed(where, making.funded(where, making.numbers(4), in_doubt="resend"))
    settling.doubt(where, found, options.get("detail", "timed out"), msgfid=options.get("msgfid"))
    if "paused" in options:
        run("pause", str(found.campaign_id))

    assert run("doubts").stdout.splitlines()[1].endswith(f"though its policy is resend: {why}")


def test_a_decision_is_understood_as_it_is_spelt_in_a_spec() -> None:
    found = in_doubt()

    assert run("resolve", str(found.attempt_id), "write_off", "--reason", "too late").exit_code == 0
    assert [row.decision for row in decided()] == ["write_off"]


@pytest.mark.parametrize(
    ("decision", "says", "state"),
    [
        ("accepted", "counts as accepted: its reports are awaited", "tracking"),
        ("write-off", "is written off", "completed"),
    ],
)
def test_what_texts_nobody_is_not_asked_about(decision: str, says: str, state: str) -> None:
    found = in_doubt()

    result = run("resolve", str(found.attempt_id), decision, "--reason", "the gateway's log")

    assert result.exit_code == 0
    assert result.stdout == (
        f"attempt {found.attempt_id} (batch 1, 4 numbers) {says}\ncampaign {found.campaign_id} is {state}\n"
    )
    (kept,) = decided()
    assert (kept.decided_by, kept.reason) == (getpass.getuser(), "the gateway's log")


def test_what_may_text_people_twice_is_not_done_without_consent() -> None:
    found = in_doubt()

    result = run("resolve", str(found.attempt_id), "resend", "--reason", "nobody got it")

    assert result.exit_code == 1
    assert f"4 numbers of campaign {found.campaign_id} may be texted twice, for 4 credits more." in result.stderr
    assert "nothing was decided" in result.stderr
    assert not decided()


def test_a_person_at_a_terminal_is_asked() -> None:
    found = in_doubt()
    words = ["resolve", str(found.attempt_id), "resend", "--reason", "nobody got it", "--by", "awa"]

    refused, _ = at_a_terminal(*words, answers={"Go on? [y/N]: ": "n\n"})
    agreed, screen = at_a_terminal(*words, answers={"Go on? [y/N]: ": "y\n"})

    assert (refused, agreed) == (1, 0)
    assert "may be texted twice" in screen
    assert [row.decided_by for row in decided()] == ["awa"]


def test_a_script_that_agrees_beforehand_gets_the_campaign_s_account() -> None:
    found = in_doubt()

    result = run("resolve", str(found.attempt_id), "resend", "--reason", "x", "--yes", "--json")

    account = json.loads(result.stdout)
    assert (account["state"], account["by_status"], account["duplicates"]) == ("funding", {"pending": 4}, 0)
    assert "the workers could not be told at once" in result.stderr


def test_what_cannot_be_decided_is_explained() -> None:
    found = in_doubt()
    words = ["resolve", str(found.attempt_id), "accepted", "--reason", "x"]
    run(*words)

    for words_, said in [(words, "was decided already: accepted, by "), (["resolve", "404", *words[2:]], "no attempt")]:
        result = run(*words_)
        assert result.exit_code == 1
        assert said in result.stderr
    assert run("resolve", str(found.attempt_id), "resend").exit_code == 2


def test_in_a_narrow_terminal_no_figure_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    found = in_doubt()
    monkeypatch.setenv("COLUMNS", "60")

    _, screen = at_a_terminal("doubts", answers={})

    told = " ".join(screen.split())
    assert f"attempt {found.attempt_id}: campaign {found.campaign_id}, batch 1: 4 numbers, 4 credits, " in told
    assert "old, before –, after –: held for a person" in told


def test_the_gateway_s_id_is_kept_with_what_was_taken_and_with_nothing_else() -> None:
    taken, other = in_doubt(), in_doubt()

    refused = run("resolve", str(other.attempt_id), "write-off", "--id", "80033412", "--reason", "the log")
    run("resolve", str(taken.attempt_id), "accepted", "--id", "80033412", "--reason", "the log")

    assert refused.exit_code == 1
    assert "decide `accepted`" in refused.stderr
    assert making.attempt(database.default(), taken).msgfid == "80033412"
    assert [row.attempt_id for row in decided()] == [taken.attempt_id]
