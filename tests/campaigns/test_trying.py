"""A campaign is tried on one's own phones: the same text, to nobody else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

import campaigns
from campaigns.database import Database
from campaigns.models import batches, messages
from campaigns.payload import Payload
from campaigns.spec import SpecError
from campaigns.submission import store_audience
from campaigns.trying import Tried
from tests.campaigns.producing import SPEC, counts, row

ROWS = [
    {"tel": "none", "nom": "Ali"},
    {"tel": "0505060708", "nom": ""},
    {"tel": "0708091011", "nom": "Loïc"},
    {"tel": "0708091012", "nom": "Awa"},
]
MINE = "+225 01 02 03 04 05"


def tried(database: Database, rows: Any = ROWS, numbers: Any = (MINE,), **options: Any) -> Tried:
    return campaigns.try_out({**SPEC, **options}, rows, numbers, database=database)


def sent_to(database: Database, campaign_id: int) -> list[tuple[int, list[str]]]:
    with database.reading() as connection:
        packed = connection.execute(select(batches.c.payload).where(batches.c.campaign_id == campaign_id)).scalars()
        payloads = [Payload.unpack(data) for data in packed]
    return [pair for its in payloads for pair in zip(its.numbers, its.values, strict=True)]


def test_the_first_recipient_with_a_text_lends_it_to_ones_own_numbers_and_gets_nothing(sqlite: Database) -> None:
    test = tried(sqlite, numbers=[MINE, "0708091099", "01 02 03 04 05"])
    assert (test.row, test.text, test.segments, test.numbers) == (3, "Bonjour Loïc", 1, 2)
    assert sent_to(sqlite, test.campaign.id) == [(2250102030405, ["Loïc"]), (2250708091099, ["Loïc"])]
    with sqlite.reading() as connection:
        assert set(connection.execute(select(messages.c.msisdn)).scalars()) == {2250102030405, 2250708091099}


def test_it_is_a_campaign_of_its_own_whose_name_says_so_and_it_is_not_kept_waiting(sqlite: Database) -> None:
    later = datetime(2099, 1, 1, tzinfo=UTC)
    options = {"key": "k", "scheduled_at": later, "rate": 1, "lookup": True, "flash": True, "transliterate": True}
    first, second = tried(sqlite, **options), tried(sqlite, **options)
    assert first.campaign.id != second.campaign.id
    assert first.campaign.state == "funding"
    made = row(sqlite, first.campaign.id)
    assert (made.name, made.key, made.scheduled_at, made.rate) == ("Test of Rappel", None, None, None)
    assert (made.spec["lookup"], made.spec["flash"], made.spec["transliterate"]) == (None, True, True)
    assert first.text == "Bonjour Loic"


def test_a_long_name_is_cut_to_what_a_campaign_may_be_called(sqlite: Database) -> None:
    assert len(row(sqlite, tried(sqlite, name="x" * 200).campaign.id).name) == 200


def test_a_stored_audience_and_columns_that_are_called_otherwise_will_do(sqlite: Database) -> None:
    rows = [{"Nom du client": "Awa", "fixe": "2720212223", "contact": "0708091011"}]
    stored = store_audience(rows, number_column="contact", database=sqlite)
    test = tried(sqlite, stored, columns={"nom": "Nom du client"})
    assert sent_to(sqlite, test.campaign.id) == [(2250102030405, ["Awa"])]


@pytest.mark.parametrize("numbers", [["0708"], [MINE, "nobody"], []], ids=["short", "the second", "none"])
def test_a_number_that_is_none_is_refused_and_not_repeated(sqlite: Database, numbers: list[str]) -> None:
    with pytest.raises(SpecError, match="no mobile number") as refused:
        tried(sqlite, numbers=numbers)
    assert "0708" not in str(refused.value)
    assert counts(sqlite) == {}


def test_where_nobody_gets_a_text_nothing_is_tried(sqlite: Database) -> None:
    with pytest.raises(SpecError, match="nobody in the audience gets a text"):
        tried(sqlite, ROWS[:2])
    with pytest.raises(SpecError, match="there is no column for"):
        tried(sqlite, template="{{ prenom }}")
    assert counts(sqlite) == {}


def test_no_number_and_no_text_is_in_its_text_for_a_log(sqlite: Database) -> None:
    said = repr(tried(sqlite))
    assert "0102030405" not in said
    assert "Bonjour" not in said
