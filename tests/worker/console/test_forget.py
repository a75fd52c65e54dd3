"""`campaigns forget`: it says what it is about to do, asks, and says in figures what it did, or could not yet."""

import json

import pytest

from tests.worker.command_line import submitted
from tests.worker.terminal import run

pytestmark = pytest.mark.usefixtures("bare")


def test_it_says_what_it_did_in_figures_and_nobody_is_found_then(clients: str) -> None:
    submitted(clients)
    assert "Koffi" in run("find", "05 05 06 07 08").stdout

    result = run("forget", "05 05 06 07 08", "--yes")

    assert result.exit_code == 0
    figures = dict(line.rsplit(maxsplit=1) for line in result.stdout.splitlines())
    assert figures["campaigns that had this person"] == "1"
    assert figures["of these, messages that were still to be sent"] == "1"
    assert "Campaigns that name this person: 1. What names them is erased there" in result.stderr
    assert "They are on no list of opt-outs, and may be texted again" in result.stderr
    assert run("find", "0505060708").stdout == "no campaign has this number\n"
    assert "0505060708" not in result.output
    assert "5060708" not in result.output


def test_where_nobody_is_found_that_is_said_and_no_figures(clients: str) -> None:
    submitted(clients)

    result = run("forget", "07 99 99 99 99", "--yes")

    assert (result.exit_code, result.stdout) == (0, "nobody has this number\n")
    assert "Campaigns that name this person: 0." in result.stderr


def test_without_a_terminal_nothing_is_erased_unless_that_was_agreed_to(clients: str) -> None:
    submitted(clients)

    result = run("forget", "0505060708")

    assert result.exit_code == 1
    assert "nothing was erased: there is no terminal to ask at; --yes agrees" in result.stderr
    assert "Koffi" in run("find", "0505060708").stdout


@pytest.mark.parametrize(
    ("option", "said", "listed"),
    [("--opt-out", "The number itself goes on the list", 1), ("--no-opt-out", "They are taken off all lists", 0)],
)
def test_the_list_of_opt_outs_can_be_chosen(clients: str, option: str, said: str, listed: int) -> None:
    submitted(clients)
    run("optout", "add", "0102030405")

    result = run("forget", "0102030405", "--yes", option, "--json")

    assert said in result.stderr
    assert json.loads(result.stdout)["opted_out"] is bool(listed)
    assert len(json.loads(run("optout", "list", "0102030405", "--json").stdout)) == listed


def test_as_json_it_is_one_object(clients: str) -> None:
    submitted(clients)

    done = json.loads(run("forget", "0505060708", "--yes", "--json").stdout)

    assert (done["campaigns"], done["left_out"], done["withdrawn"], done["whole"]) == (1, 2, 1, True)
    assert (done["open"], done["spooled"]) == ([], 0)


def test_what_is_no_number_is_said_and_not_repeated() -> None:
    refused = run("forget", "07 08", "--yes")
    assert (refused.exit_code, "no mobile number" in refused.stderr) == (1, True)
