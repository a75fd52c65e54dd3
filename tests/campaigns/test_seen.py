"""Numbers that came before."""

from hypothesis import given
from hypothesis import strategies as st

from campaigns.seen import Seen

numbers = st.lists(st.integers(1, 10**15 - 1) | st.integers(2250700000000, 2250700000200), max_size=300)


@given(st.lists(numbers, max_size=5), numbers)
def test_it_is_a_set(added: list[list[int]], asked: list[int]) -> None:
    seen, plain = Seen(), set[int]()
    for some in added:
        seen.add(some)
        plain.update(some)
    assert len(seen) == len(plain)
    assert seen.among(asked) == plain.intersection(asked)


def test_it_grows_and_forgets_nobody() -> None:
    seen, first = Seen(), 2250700000000
    seen.add(range(first, first + 50_000))
    assert len(seen) == 50_000
    assert len(seen.among(range(first, first + 60_000))) == 50_000


def test_a_number_takes_32_bytes_at_most() -> None:
    seen = Seen()
    seen.add(range(1, 100_001))
    assert seen._places.itemsize * len(seen._places) <= 32 * len(seen)
