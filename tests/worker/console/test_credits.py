"""`campaigns credits`: an account's credits on a page and in JSON, and what a drift may mean."""

import json

import pytest
from sqlalchemy import update

from campaigns import database
from campaigns.models import campaigns as campaigns_table
from tests.campaigns import making
from tests.campaigns.gateways import Count, later
from tests.worker.terminal import run

pytestmark = pytest.mark.usefixtures("bare")


def at_work() -> Count:
    """An account with a campaign of three batches: one is posted, one is in doubt, one is held; and one that waits."""
    where = database.default()
    gateway = Count(where)
    gateway.read()
    campaign = making.funded(where, making.numbers(9), batch_size=3)
    gateway.accept(making.claimed(where, campaign))
    gateway.lose(making.claimed(where, campaign))
    waits = making.submitted(where, making.numbers(4), name="Soldes")
    making.fund(where, 7)
    making.change(where, update(campaigns_table).where(campaigns_table.c.id == waits).values(shortfall=4))
    later(where)
    gateway.read()
    return gateway


def test_a_page_names_what_is_promised_to_whom_and_what_is_free() -> None:
    at_work()

    page = " ".join(run("credits").stdout.split())

    for said in ("balance 994 asked at", "held 3 ", "3 campaign 1, Rappel", "in doubt 3 ", "free 988", "posted 3 "):
        assert said in page
    assert "short of 4 campaign 2, Soldes" in page
    assert "counted 3 more than our ledger: what is in doubt may explain it" in page
    assert "Last readings" in page


def test_what_was_spent_since_the_balance_was_asked_has_a_line_so_that_the_figures_add_up() -> None:
    where = at_work().database
    making.accepted(where, 1)

    page = " ".join(run("credits").stdout.split())
    (figures,) = json.loads(run("credits", "--json").stdout)

    assert "spent since 3 by requests that were settled after the balance was asked" in page
    promised = sum(figures[name] for name in ("held", "in_the_air", "in_doubt", "spent_since"))
    assert (figures["held"], figures["balance"] - promised) == (0, figures["free"])


def test_another_programs_traffic_is_named_as_what_it_may_be() -> None:
    gateway = at_work()
    gateway.take(9)
    later(gateway.database)
    gateway.read()

    page = run("credits", "--account", "default").stdout

    assert "counted 12 more than our ledger: what was written off or sent again was taken, or another" in page


def test_credits_that_came_back_and_a_gateway_that_agrees_are_told_apart() -> None:
    where = database.default()
    gateway = Count(where)
    gateway.read()
    agrees = run("credits").stdout
    gateway.take(-2)
    later(where)
    gateway.read()

    assert "drift: none" in agrees
    assert "2 less than our ledger: credits came back" in run("credits").stdout


def test_credits_whose_reports_may_not_have_been_read_yet_are_no_drift_that_shows() -> None:
    where = database.default()
    gateway = Count(where)
    gateway.read()
    gateway.accept(making.claimed(where, making.funded(where, making.numbers(3))))
    gateway.take(-2)
    later(where)
    gateway.read()

    page = run("credits").stdout

    assert "drift: none that shows" in page
    assert "counted 2 less than our ledger, and 3 may have come back whose reports were not read yet" in page


def test_a_script_gets_every_figure() -> None:
    at_work()

    (figures,) = json.loads(run("credits", "--json").stdout)

    assert {name: figures[name] for name in ("account", "balance", "held", "in_doubt", "free", "drift")} == {
        "account": "default", "balance": 994, "held": 3, "in_doubt": 3, "free": 988, "drift": 3,
    }  # fmt: skip
    assert figures["holders"] == [{"id": 1, "name": "Rappel", "credits": 3}]
    assert figures["readings"][0]["consumed"] == 5006


def test_an_account_that_nobody_asked_for_is_a_sentence() -> None:
    told = run("credits", "--account", "nobody")

    assert told.exit_code == 1
    assert "no account 'nobody' is known" in told.stderr
