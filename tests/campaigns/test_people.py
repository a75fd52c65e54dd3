"""What a person was sent: every message with its text and its status, and every row that left it out."""

import pytest

import campaigns
from campaigns.database import Database
from campaigns.filling import as_merged
from campaigns.optouts import NoNumberError
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.campaigns.plans import plans_of

AWA = making.FIRST + 8_091_011
WRITTEN = "07 08 09 10 11"


def test_every_message_is_found_with_its_text_the_newest_first(any_database: Database) -> None:
    first = making.funded(any_database, [AWA - 1, AWA, AWA + 1])
    making.reported(any_database, making.report(making.accepted(any_database, first), (1, MessageStatus.DELIVERED)))
    making.funded(any_database, making.numbers(3))
    finished = making.funded(any_database, [AWA], template="Bonjour {{ nom | lower }}\nau revoir")

    found = campaigns.find_person(WRITTEN, database=any_database)

    assert [(one.campaign_id, one.entry.status, one.text) for one in found] == [
        (finished, "pending", "Bonjour n11\nau revoir"),
        (first, "delivered", "Bonjour N11"),
    ]
    assert found[1].entry.smsfid is not None
    assert found[1].entry.sent_at is not None
    assert {one.entry.number for one in found} == {str(AWA)}


@pytest.mark.parametrize("written", ["+225 07 08 09 10 11", "0708091011", "00225-07.08.09.10.11", "708091011"])
def test_rows_that_were_left_out_are_found_however_the_number_was_written(any_database: Database, written: str) -> None:
    rows = [
        {"tel": "0708091011"},
        {"tel": written},
        {"tel": "0708091012"},
        {"tel": "070809101"},
        {"tel": "70809101199"},
    ]
    made = campaigns.submit({"name": "x", "template": "Bonjour"}, rows, database=any_database)

    found = campaigns.find_person(WRITTEN, database=any_database)

    assert [(one.campaign_id, one.entry.row, one.entry.status, one.text) for one in found] == [
        (made.id, 1, "pending", "Bonjour"),
        (made.id, 2, "duplicate", None),
    ]


def test_they_come_in_pages_of_whole_campaigns(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaigns.people.CAMPAIGNS_AT_ONCE", 2)
    made = [making.submitted(any_database, [AWA, AWA]) for _ in range(3)]

    first = campaigns.find_person(WRITTEN, most=3, database=any_database)
    rest = campaigns.find_person(WRITTEN, most=3, before=first[-1].campaign_id, database=any_database)

    assert [one.campaign_id for one in first] == [made[2], made[2], made[1], made[1]]
    assert [one.campaign_id for one in rest] == [made[0], made[0]]


def test_who_was_sent_nothing_is_not_found(any_database: Database) -> None:
    making.funded(any_database, making.numbers(2))
    assert campaigns.find_person(WRITTEN, database=any_database) == []


def test_what_is_no_number_is_refused(sqlite: Database) -> None:
    with pytest.raises(NoNumberError, match="write it with its country code"):
        campaigns.find_person("Awa", database=sqlite)


def test_a_number_is_probed_by_the_key_of_messages(any_database: Database) -> None:
    making.funded(any_database, [AWA])

    with plans_of(any_database, "messages") as plans:
        campaigns.find_person(WRITTEN, database=any_database)

    assert plans
    assert not any("Seq Scan on messages" in plan or "SCAN messages" in plan for plan in plans)


@pytest.mark.parametrize(
    ("wire", "values", "text"),
    [
        ("Bonjour {f1}", ["Awa"], "Bonjour Awa"),
        ("{f1}", ["Solde {f2}"], "Solde {f2}"),
        ("{f2} {f1} {f2}", ["a", "b"], "b a b"),
        ("Bonjour", [], "Bonjour"),
    ],
)
def test_a_text_is_what_the_gateway_makes_of_it(wire: str, values: list[str], text: str) -> None:
    assert as_merged(wire, values) == text
