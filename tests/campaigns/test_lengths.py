"""How long the texts of a campaign are is counted to the last message, and what the gateway took for them."""

from decimal import Decimal

import pytest

import campaigns
from campaigns import expansion, lengths, lookups, settling
from campaigns.database import Database
from campaigns.payload import ReceiptLines
from campaigns.prices import Prices
from campaigns.settings import domain_settings
from campaigns.settling import Acceptance
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.campaigns.plans import plans_of

NAMES = {1: "x", 2: "x" * 170, 3: "x" * 320}


def of_lengths(database: Database, *wanted: int, **options: object) -> int:
    """A campaign, funded, whose texts have so many segments each; `0` stands for one in UCS-2."""
    rows = [
        {"tel": f"+{number}", "nom": NAMES.get(size, "ő")}
        for number, size in zip(making.numbers(len(wanted)), wanted, strict=True)
    ]
    made = campaigns.submit(
        {"name": "x", "template": "{{ nom }}", "sender": making.SENDER, **options}, rows, database=database
    )
    while expansion.expand_slice(database, made.id, domain_settings()):
        pass
    making.fund(database)
    return made.id


def counted(database: Database, campaign_id: int) -> dict[tuple[str, int], tuple[int, Decimal]]:
    """Alphabet and segments → messages and credits, once they add up to the account."""
    with database.snapshot() as connection:
        found = lengths.of_campaign(connection, campaign_id)
    account = making.account(database, campaign_id)
    assert sum(its.messages for its in found) == account.messages
    assert sum(its.messages * its.segments for its in found) == account.segments
    assert list(found) == sorted(found, key=lambda its: (its.alphabet, its.segments))
    return {(its.alphabet, its.segments): (its.messages, its.credits) for its in found}


def taken(database: Database, campaign_id: int, price: str = "1") -> None:
    """Have the gateway take the next batch, at so much a segment."""
    claim = making.claimed(database, campaign_id)
    prices = [Decimal(price) * segments for segments in claim.payload.segments]
    lines = ReceiptLines([f"s{place}" for place in range(len(prices))], prices)
    settling.accept(database, claim, Acceptance(f"f{claim.attempt_id}", sum(prices, Decimal(0)), lines, ()))


def test_messages_of_each_length_and_alphabet_are_told_apart(any_database: Database) -> None:
    campaign = of_lengths(any_database, 1, 1, 2, 3, 3, 3, 0, 1)
    assert counted(any_database, campaign) == {
        ("gsm7", 1): (3, 0),
        ("gsm7", 2): (1, 0),
        ("gsm7", 3): (3, 0),
        ("ucs2", 1): (1, 0),
    }


def test_credits_are_what_the_gateway_took_for_them(any_database: Database) -> None:
    campaign = of_lengths(any_database, 1, 2, 3, 1, 1, 1, 0, batch_size=3)
    taken(any_database, campaign, "0.5")
    assert counted(any_database, campaign) == {
        ("gsm7", 1): (4, Decimal("0.5")),
        ("gsm7", 2): (1, Decimal("1.0")),
        ("gsm7", 3): (1, Decimal("1.5")),
        ("ucs2", 1): (1, 0),
    }
    taken(any_database, campaign, "2")
    taken(any_database, campaign, "3")
    found = counted(any_database, campaign)
    assert (found["gsm7", 1], found["ucs2", 1]) == ((4, Decimal("6.5")), (1, 3))
    assert sum(price for _, price in found.values()) == making.account(any_database, campaign).credits_posted


def test_however_many_batches_there_are_none_is_left_out(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lengths, "BATCHES_AT_ONCE", 2)
    campaign = of_lengths(any_database, *[2] * 9, 1, 1, batch_size=2)
    assert counted(any_database, campaign) == {("gsm7", 1): (2, 0), ("gsm7", 2): (9, 0)}


def test_what_a_lookup_cost_is_of_no_text(any_database: Database) -> None:
    campaign = of_lengths(any_database, 2, 2, lookup=True)
    found = making.claimed(any_database, campaign)
    settling.accept(any_database, found, making.acceptance(found))
    ends = ((0, MessageStatus.DELIVERED), (1, MessageStatus.UNDELIVERED))
    making.reported(any_database, making.report(found, *ends))
    lookups.clean(any_database, found.batch_id, Prices({}))
    assert counted(any_database, campaign) == {("gsm7", 2): (1, 0)}


def test_no_payload_is_read_where_each_text_has_one_segment(any_database: Database) -> None:
    campaign = of_lengths(any_database, *[1] * 6, 0, 0, batch_size=2)
    with plans_of(any_database, "payload") as plans:
        assert counted(any_database, campaign) == {("gsm7", 1): (6, 0), ("ucs2", 1): (2, 0)}
    assert plans == []


def test_a_campaign_without_messages_has_none(any_database: Database) -> None:
    made = campaigns.submit({"name": "x", "template": "Bonjour"}, [], database=any_database)
    assert counted(any_database, made.id) == {}
