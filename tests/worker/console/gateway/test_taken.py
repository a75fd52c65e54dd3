"""Which of the numbers that were asked for a receipt leaves out."""

import pytest

from worker.console.gateway.taken import left_out, repeated


@pytest.mark.parametrize(
    ("asked", "destinations", "left"),
    [
        pytest.param(["2250700000001"], ["2250700000001"], [], id="none"),
        pytest.param(["2250700000001", "12", "13"], ["2250700000001"], ["12", "13"], id="in their order"),
        pytest.param(["12", "12"], [], ["12"], id="each once"),
        pytest.param(["0700000001", "0700000002"], ["2250700000001"], ["0700000002"], id="a country code more"),
        pytest.param(["2250700000001", "2250700000002"], ["0700000001"], ["2250700000002"], id="a country code less"),
        pytest.param(["2250700000012", "12"], ["2250700000012"], ["12"], id="no number ends like another by its code"),
        pytest.param(["0700000001", "2250700000001"], ["2250700000001"], None, id="one number in two spellings"),
        pytest.param(["2250700000001"], ["2250799999999"], None, id="somebody else"),
    ],
)
def test_a_number_is_left_out_where_that_can_be_told(
    asked: list[str], destinations: list[str], left: list[str] | None
) -> None:
    assert left_out(asked, destinations) == left


def test_what_is_there_once_more_is_counted() -> None:
    assert repeated(["1", "2", "1", "1"]) == 2
