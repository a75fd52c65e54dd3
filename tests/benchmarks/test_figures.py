"""A figure is held against its goal, and moments are counted, as the table says."""

import math

import pytest

from tests.benchmarks.figures import Figure, fullest, percentile, within


@pytest.mark.parametrize(
    ("measured", "goal", "verdict"),
    [
        (0.85, {"at_least": 0.85}, "met"),
        (0.84, {"at_least": 0.85}, "missed"),
        (0.4, {"at_most": 0.4}, "met"),
        (0.41, {"at_most": 0.4}, "missed"),
        (0.0, {"at_most": 0.0}, "met"),
        (5.0, {}, ""),
        (5.0, {"at_least": 1.0, "doubt": "the script was slow"}, "does not count"),
        (math.nan, {"at_most": 1.0}, "does not count"),
    ],
)
def test_a_figure_meets_its_goal_or_misses_it_or_does_not_count(
    measured: float, goal: dict[str, float], verdict: str
) -> None:
    assert Figure(name="speed", measured=measured, **goal).verdict == verdict


def test_a_goal_is_shown_as_exactly_as_its_figure() -> None:
    assert Figure(name="rows/s", measured=1.0, at_least=80_000, digits=0).goal == "≥ 80,000"
    assert Figure(name="seconds", measured=1.0, at_most=0.5).goal == "≤ 0.50"


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        (list(range(1, 101)), 0.95, 95),
        (list(range(20, 0, -1)), 0.95, 19),
        (list(range(1, 20)), 0.95, 19),
        ([7], 0.95, 7),
        ([7, 9], 0.5, 7),
        ([7, 9], 1, 9),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_the_percentile_of_nothing_is_no_number() -> None:
    assert math.isnan(percentile([], 0.95))


def test_a_window_has_its_beginning_and_not_its_end() -> None:
    assert within([0.0, 0.2, 0.4, 1.0], 0.2, 0.8) == 2


def test_the_fullest_window_may_begin_at_any_moment() -> None:
    assert fullest([0.0, 3.0, 6.0, 7.0, 7.5, 12.0], 5.0) == 4
    assert fullest([1.0, 1.0, 1.0], 5.0) == 3
    assert fullest([], 5.0) == 0
