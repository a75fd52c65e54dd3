"""What a receipt says of each message."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.receipts import acceptance_of
from worker.smseco.values import Receipt

ABIDJAN, OUAGA, BOUAKE = 2250700000001, 22670000002, 2250500000003
NUMBERS = [ABIDJAN, OUAGA, BOUAKE]


def receipt(*destinations: str, consistent: bool = True) -> Receipt:
    """A receipt that lists these, with the ids a, b, c … and the prices 1, 2, 3 …"""
    return Receipt(
        msgfid="m-1",
        status=len(destinations),
        text="",
        recipients=len(destinations),
        sms=len(destinations),
        credits=Decimal(6),
        balance=Decimal(94),
        smsfids=[chr(ord("a") + place) for place in range(len(destinations))],
        destinations=list(destinations),
        message_credits=[Decimal(place + 1) for place in range(len(destinations))],
        consistent=consistent,
    )


@pytest.mark.parametrize(
    ("destinations", "smsfids", "left_out", "consistent"),
    [
        (["2250700000001", "22670000002", "2250500000003"], ["a", "b", "c"], [], True),
        (["2250500000003", "2250700000001", "22670000002"], ["b", "c", "a"], [], True),
        (["0700000001", "22670000002", "0500000003"], ["a", "b", "c"], [], True),
        (["+225 07 00 00 00 01", "0022670000002", "+2250500000003"], ["a", "b", "c"], [], True),
        (["2250700000001", "2250500000003"], ["a", None, "b"], [OUAGA], True),
        ([], [None, None, None], NUMBERS, True),
        (["2250700000001", "22670000002", "2250799999999"], ["a", "b", None], [BOUAKE], False),
        (["2250700000001", "0700000001", "22670000002"], ["b", "c", None], [BOUAKE], False),
        (["2250700000001", "22670000002", "33500000003"], ["a", "b", None], [BOUAKE], False),
        (["2250700000001", "22670000002", ""], ["a", "b", None], [BOUAKE], False),
    ],
    ids=["in order", "in another order", "without the country code", "with signs and blanks", "one left out",
         "all left out", "a line about nobody we know", "somebody twice", "another country's number with the same tail",
         "a line about nobody at all"],
)  # fmt: skip
def test_a_receipt_is_read_in_the_order_of_what_was_sent(
    destinations: list[str], smsfids: list[str | None], left_out: list[int], consistent: bool
) -> None:
    acceptance = acceptance_of(NUMBERS, receipt(*destinations))
    assert (acceptance.lines.smsfids, list(acceptance.left_out)) == (smsfids, left_out)
    assert acceptance.consistent is consistent
    prices = {None: 0, "a": 1, "b": 2, "c": 3}
    assert acceptance.lines.credits == [prices[smsfid] for smsfid in smsfids]
    assert (acceptance.msgfid, acceptance.credits) == ("m-1", 6)


def test_a_receipt_that_contradicts_itself_refuses_nobody() -> None:
    assert acceptance_of(NUMBERS, receipt("2250700000001", consistent=False)).consistent is False


def test_a_tail_that_two_numbers_share_tells_neither() -> None:
    alike = [2250712345678, 2250512345678]
    acceptance = acceptance_of(alike, receipt("12345678"))
    assert (list(acceptance.left_out), acceptance.consistent) == (alike, False)


def test_a_number_spelled_whole_is_known_though_its_tail_is_shared() -> None:
    alike = [2250712345678, 2250512345678]
    acceptance = acceptance_of(alike, receipt("002250512345678", "+225 07 12 34 56 78"))
    assert acceptance.lines.smsfids == ["b", "a"]


@given(st.lists(st.integers(2250100000000, 2250799999999), min_size=1, max_size=30, unique=True), st.randoms())
def test_whatever_the_order_each_message_gets_its_own_line(numbers: list[int], random: Any) -> None:
    shuffled = random.sample(numbers, len(numbers))
    taken = receipt(*[random.choice([f"+{number}", f"00{number}", str(number)]) for number in shuffled])
    acceptance = acceptance_of(numbers, taken)
    assert not acceptance.left_out
    mine = dict(zip(numbers, acceptance.lines.smsfids, strict=True))
    assert [mine[number] for number in shuffled] == taken.smsfids
