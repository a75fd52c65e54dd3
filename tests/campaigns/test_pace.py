"""How fast a stage goes, and how long it still takes."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.pace import Lately, Stage, Steps, over

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lately", "rate"),
    [
        pytest.param(Lately(8, 4_000, 30_000, since=600), 400.0, id="the last ten seconds"),
        pytest.param(Lately(2, 1_000, 3_000, since=600), 50.0, id="a minute, where little happens"),
        pytest.param(Lately(0, 0, 0, since=600), 0.0, id="nothing for a minute"),
        pytest.param(Lately(4, 2_000, 2_000, since=4), 500.0, id="not over the time before it began"),
        pytest.param(Lately(1, 500, 500, since=0.01), 500.0, id="not more than is done, however lately it began"),
        pytest.param(Lately(1, 1, 1, since=-3_600), 1.0, id="a clock that was set back"),
    ],
)
def test_the_rate_is_that_of_now(lately: Lately, rate: float) -> None:
    assert lately.rate == pytest.approx(rate)


@pytest.mark.parametrize(
    ("stage", "left"),
    [
        pytest.param(Stage("sending", 400, 1_000, 60.0), 10.0, id="under way"),
        pytest.param(Stage("sending", 1_000, 1_000, 60.0), 0.0, id="ended"),
        pytest.param(Stage("sending", 0, 0, 0.0), 0.0, id="nothing to do"),
        pytest.param(Stage("sending", 400, 1_000, 0.0), None, id="stands still"),
        pytest.param(Stage("sending", 0, None, 0.0), None, id="not known how many"),
    ],
)
def test_what_is_left_takes_as_long_as_it_takes_at_this_rate(stage: Stage, left: float | None) -> None:
    assert stage.left == left


def test_a_count_is_over_the_time_in_which_it_could_be() -> None:
    assert (over(300, 30, since=100), over(300, 30, since=10), over(300, 30, since=0)) == (10, 30, 300)


def test_what_has_no_time_written_down_is_as_fast_as_between_two_looks() -> None:
    steps = Steps()
    looks = [(0, 5_000), (1, 6_000), (9, 6_000), (11, 9_000), (12, 9_000), (20, 9_000), (30, 9_000)]
    rates = [steps.rate(NOON + timedelta(seconds=seconds), done) for seconds, done in looks]
    assert rates == [0, 1_000, pytest.approx(1_000 / 9), 300, pytest.approx(3_000 / 11), pytest.approx(3_000 / 11), 0]


def test_a_clock_that_is_set_back_makes_no_rate() -> None:
    steps = Steps()
    assert [steps.rate(NOON, 1), steps.rate(NOON - timedelta(hours=1), 2)] == [0, 0]
