"""What texts cost, by the prefix of the number."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.prices import Prices

IVORY_COAST, BURKINA, FRANCE = 2250708091011, 22670000000, 33612345678


@pytest.mark.parametrize(
    ("prices", "number", "price"),
    [
        ({}, IVORY_COAST, 1),
        ({"": 2}, IVORY_COAST, 2),
        ({"225": 1, "": 3}, IVORY_COAST, 1),
        ({"225": 1, "": 3}, FRANCE, 3),
        ({"225": 2}, FRANCE, 1),
        ({"22": 5, "225": 2, "22507": 4}, IVORY_COAST, 4),
        ({"22": 5, "225": 2, "22505": 4}, IVORY_COAST, 2),
        ({"226": 0}, BURKINA, 0),
        ({str(FRANCE): 9, "33": 1}, FRANCE, 9),
        ({str(FRANCE) + "0": 9}, FRANCE, 1),
    ],
    ids=[
        *("no prices", "one for all", "its own", "the others'", "not named"),
        *("the longest", "the longest that fits", "free", "one number", "longer than the number"),
    ],
)
def test_the_longest_prefix_that_fits_decides(prices: dict[str, int], number: int, price: int) -> None:
    assert Prices({prefix: Decimal(each) for prefix, each in prices.items()}).of(number) == price


@given(
    st.dictionaries(st.sampled_from(["", "2", "225", "226", "22507"]), st.decimals(0, 5, places=2)),
    st.lists(st.tuples(st.sampled_from([IVORY_COAST, BURKINA, FRANCE]), st.integers(1, 10)), max_size=8),
)
def test_a_total_is_the_sum_of_segments_times_prices(prices: dict[str, Decimal], texts: list[tuple[int, int]]) -> None:
    listed = Prices(prices)
    total = listed.total([number for number, _ in texts], [count for _, count in texts])
    assert total == sum(listed.of(number) * count for number, count in texts)
    assert isinstance(total, Decimal)


def test_a_total_of_columns_of_different_length_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Prices({"225": Decimal(1)}).total([IVORY_COAST, BURKINA], [1])
