"""What is made of batches that the gateway refused for good."""

import pytest

from campaigns import bisection, refusals, settling
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.prices import Prices
from campaigns.states import AttemptKind
from tests.campaigns import making

INVALID, NOBODY = (-1, "-1: XML invalide"), (-9, "-9: Aucuns destinataires valides")


def funded(database: Database, count: int) -> int:
    """A campaign of so many batches."""
    return making.funded(database, making.numbers(count), batch_size=1)


def refuse(database: Database, campaign: int, why: tuple[int, str] = INVALID) -> Claim:
    claim = making.claimed(database, campaign)
    settling.refuse(database, claim, *why)
    return claim


def cut(database: Database, campaign: int, why: tuple[int | None, str] = INVALID) -> Claim:
    """As `refuse`, of what may be one row's fault."""
    claim = making.claimed(database, campaign)
    bisection.refuse(database, claim, why[1], code=why[0], prices=Prices({}))
    return claim


def in_a_row(database: Database, campaign: int, kind: AttemptKind = AttemptKind.SEND) -> bool:
    return refusals.in_a_row(database, making.ACCOUNT, campaign, kind, -1)


def test_one_refusal_is_about_its_batch_and_two_with_one_code_are_not(any_database: Database) -> None:
    campaign, other = funded(any_database, 3), funded(any_database, 1)
    refuse(any_database, campaign)
    refuse(any_database, other)
    after_one = in_a_row(any_database, campaign)
    refuse(any_database, campaign)

    assert not after_one
    assert in_a_row(any_database, campaign)
    assert not in_a_row(any_database, other)
    assert not in_a_row(any_database, campaign, AttemptKind.LOOKUP)


def test_an_acceptance_between_two_refusals_shows_that_they_are_about_their_batches(any_database: Database) -> None:
    campaign = funded(any_database, 3)
    refuse(any_database, campaign)
    making.accepted(any_database, campaign)
    refuse(any_database, campaign)

    assert not in_a_row(any_database, campaign)


def test_what_neither_accepts_nor_refuses_with_the_code_does_not_count(any_database: Database) -> None:
    campaign = funded(any_database, 4)
    refuse(any_database, campaign)
    refuse(any_database, campaign, NOBODY)
    settling.doubt(any_database, making.claimed(any_database, campaign), "timed out")
    after_others = in_a_row(any_database, campaign)
    refuse(any_database, campaign)

    assert not after_others
    assert in_a_row(any_database, campaign)


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        ([], None),
        ([NOBODY], "1 batch was refused by the gateway: -9: Aucuns destinataires valides"),
        (
            [NOBODY, INVALID, NOBODY],
            "3 batches were refused by the gateway: 2 with -9: Aucuns destinataires valides; 1 with -1: XML invalide",
        ),
    ],
    ids=["none", "one", "several, for two reasons"],
)
def test_a_campaign_that_is_completed_says_what_the_gateway_refused_of_it(
    any_database: Database, refused: list[tuple[int, str]], reason: str | None
) -> None:
    campaign = funded(any_database, len(refused) + 1)
    for why in refused:
        refuse(any_database, campaign, why)
    making.all_delivered(any_database, making.accepted(any_database, campaign))

    assert making.advanced(any_database, campaign) == "completed"
    assert making.account(any_database, campaign).reason == reason


def test_what_was_refused_is_said_after_what_was_said_before(any_database: Database) -> None:
    campaign = funded(any_database, 1)
    with any_database.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE campaigns SET reason = 'sent without lookups' WHERE id = {campaign}")
    refuse(any_database, campaign, NOBODY)

    assert making.advanced(any_database, campaign) == "completed"
    assert making.account(any_database, campaign).reason == (
        "sent without lookups; 1 batch was refused by the gateway: -9: Aucuns destinataires valides"
    )


def test_what_could_not_even_be_written_is_said_apart_from_what_the_gateway_refused(any_database: Database) -> None:
    campaign = funded(any_database, 4)
    for why in [(None, "KeyError"), INVALID, (None, "KeyError")]:
        cut(any_database, campaign, why)
    making.all_delivered(any_database, making.accepted(any_database, campaign))

    assert making.advanced(any_database, campaign) == "completed"
    assert making.account(any_database, campaign).reason == (
        "1 batch was refused by the gateway: -1: XML invalide; "
        "2 batches were given up, for no request could be written: KeyError"
    )


def alone(database: Database, campaign: int) -> bool:
    return refusals.alone_in_a_row(database, making.ACCOUNT, campaign)


def test_five_single_messages_in_a_row_that_cannot_be_read_or_written_are_not_about_these(
    any_database: Database,
) -> None:
    campaign, other = funded(any_database, 6), funded(any_database, 1)
    for why in [INVALID, (None, "KeyError"), INVALID, INVALID]:
        cut(any_database, campaign, why)
    cut(any_database, other)
    refuse(any_database, campaign, NOBODY)
    after_four = alone(any_database, campaign)
    cut(any_database, campaign)

    assert (after_four, alone(any_database, campaign), alone(any_database, other)) == (False, True, False)


def test_neither_larger_batches_nor_those_before_an_acceptance_count(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(32), batch_size=32)
    for _ in range(6):  # 32, 16, 8, 4, 2, 1
        cut(any_database, campaign)
    making.accepted(any_database, campaign)
    for _ in range(4):  # 2, 1, 1; 4
        cut(any_database, campaign)

    assert not alone(any_database, campaign)
