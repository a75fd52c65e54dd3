"""`campaigns retry`: what it makes, and what it says."""

import json

import pytest

from tests.worker.command_line import submitted
from tests.worker.terminal import run

pytestmark = pytest.mark.usefixtures("bare")


@pytest.fixture
def cancelled(clients: str) -> int:
    """A campaign of which nothing was sent."""
    campaign = submitted(clients)
    run("cancel", str(campaign))
    return campaign


def test_it_makes_a_campaign_that_both_accounts_show(cancelled: int) -> None:
    result = run("retry", str(cancelled), "--only", "refused, voided")

    assert result.exit_code == 0
    assert result.stdout.startswith("campaign 2 is made: 2 messages of campaign 1 again\n")
    assert "texts those again whom campaign 1 did not reach" in run("show", "2").stdout
    assert "retried by campaign 2" in run("show", "1").stdout
    assert json.loads(run("show", "1", "--json").stdout)["retries"] == [2]


def test_the_same_again_is_said_to_be_the_same(cancelled: int) -> None:
    run("retry", str(cancelled), "--only", "voided")

    result = run("retry", str(cancelled), "--only", "voided", "--json")
    told = run("retry", str(cancelled), "--only", "voided")

    assert json.loads(result.stdout) == {"id": 2, "state": "funding", "created": False, "rows": 2, "retry_of": 1}
    assert told.stdout.startswith("campaign 2 has 2 messages of campaign 1 again: nothing new is sent\n")


@pytest.mark.parametrize(
    ("only", "status", "why"),
    [("delivered", 2, "it has arrived"), ("no-credit", 1, "nobody to text again"), ("", 2, "say which messages")],
)
def test_what_cannot_be_is_said_in_a_sentence(cancelled: int, only: str, status: int, why: str) -> None:
    result = run("retry", str(cancelled), "--only", only)
    assert (result.exit_code, why in result.stderr) == (status, True)
