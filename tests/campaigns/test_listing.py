"""Campaigns in a row, page by page."""

from datetime import UTC, datetime

import pytest

import campaigns
from campaigns import accounts
from campaigns.database import Database
from campaigns.keys import keep_refusal

SPEC = {"name": "Rappel", "template": "Bonjour"}


@pytest.fixture
def five(any_database: Database) -> list[int]:
    """Ids of five campaigns; the second is refused, the fourth has nobody to send to."""
    made = []
    for number in range(5):
        if number == 1:
            made.append(keep_refusal("Promo", "p", "default", ["rate: too high"], any_database))
        else:
            rows = [] if number == 3 else ["0708091011"]
            made.append(campaigns.submit({**SPEC, "key": f"k{number}"}, rows, database=any_database).id)
    return made


def test_the_newest_comes_first(any_database: Database, five: list[int]) -> None:
    assert [row.id for row in campaigns.listing(database=any_database)] == five[::-1]


def test_a_page_goes_on_from_the_last_id_of_the_one_before(any_database: Database, five: list[int]) -> None:
    first = campaigns.listing(most=2, database=any_database)
    second = campaigns.listing(most=2, before=first[-1].id, database=any_database)
    assert [row.id for row in first + second] == five[:0:-1]


def test_only_those_in_a_state_when_asked(any_database: Database, five: list[int]) -> None:
    assert [row.id for row in campaigns.listing(state="completed", database=any_database)] == [five[3]]
    assert campaigns.listing(state="nonsense", database=any_database) == []


def test_a_line_says_whose_it_is_and_why_it_is_so(any_database: Database, five: list[int]) -> None:
    refused = campaigns.listing(state="failed", database=any_database)[0]
    assert (refused.name, refused.account, refused.key) == ("Promo", "default", "p")
    assert refused.reason == "refused: rate: too high"
    assert refused.completed_at is not None


def test_it_says_what_it_waits_for_where_a_line_can_tell(any_database: Database, five: list[int]) -> None:
    later = {**SPEC, "scheduled_at": datetime(2100, 1, 1, 9, tzinfo=UTC)}
    campaigns.submit(later, ["0708091011"], database=any_database)
    strange = campaigns.submit({**SPEC, "account": "shopp"}, ["0708091011"], database=any_database).id
    accounts.serve(any_database, ["default"])
    why = {row.id: row.reason for row in campaigns.listing(database=any_database)}
    assert why[strange] == "waits for a worker whose settings have the account 'shopp': those at work have others"
    assert why[strange - 1] == "waits for its time, 2100-01-01 09:00 UTC"
    assert why[five[0]] is None


def test_why_it_is_paused_comes_before_why_it_is_in_its_state(any_database: Database, five: list[int]) -> None:
    campaigns.pause(five[0], reason="the text is wrong", database=any_database)
    row = campaigns.listing(database=any_database)[-1]
    assert (row.reason, row.paused_at is not None) == ("the text is wrong", True)
