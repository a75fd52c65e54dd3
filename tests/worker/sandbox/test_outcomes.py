from collections import Counter

import pytest

from worker.sandbox.outcomes import FORCED, Draw

MIX = {56: 0.9, 59: 0.08, 0: 0.02}


def test_the_mix_is_kept_over_numbers_that_follow_each_other():
    ends, _ = Draw(MIX, delays=(0, 0), seed=1, salt="send").draw(range(22507_10_000_000, 22507_10_100_000))
    shares = {end: count / 100_000 for end, count in Counter(ends).items()}
    assert shares == pytest.approx(MIX, abs=0.005)


def test_a_number_ends_the_same_way_whatever_it_is_sent_with():
    draw = Draw(MIX, delays=(0, 500), seed=1, salt="send")
    numbers = [22507_10_000_000 + step * 37 for step in range(200)]
    ends, delays = draw.draw(numbers)
    backwards_ends, backwards_delays = draw.draw(numbers[::-1])
    assert (ends, list(delays)) == (backwards_ends[::-1], list(backwards_delays)[::-1])


def test_another_seed_draws_otherwise():
    numbers = range(22507_10_000_000, 22507_10_001_000)
    first, second = (Draw(MIX, delays=(0, 0), seed=seed, salt="send").draw(numbers)[0] for seed in (1, 2))
    assert first != second


def test_delays_fill_the_range_and_never_leave_it():
    _, delays = Draw(MIX, delays=(50, 59), seed=1, salt="send").draw(range(22507_10_000_000, 22507_10_002_000))
    assert set(delays) == set(range(50, 60))


@pytest.mark.parametrize(("ending", "end"), FORCED.items())
def test_the_last_seven_digits_force_an_outcome(ending, end):
    ends, _ = Draw({61: 1}, delays=(0, 0), seed=1, salt="send").draw([2250700000000 + ending])
    assert ends == bytes([end])
