"""What a cell becomes as text."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from campaigns.cells import LONGEST_CELL, AudienceError, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("  Awa ", "  Awa ", id="text stays as it is"),
        pytest.param(None, "", id="nothing"),
        pytest.param(22507080910.0, "22507080910", id="a whole float, as spreadsheets hold numbers"),
        pytest.param(15000.5, "15000.5", id="a float"),
        pytest.param(float("nan"), "", id="not a number"),
        pytest.param(float("inf"), "", id="infinity"),
        pytest.param(2250708091011, "2250708091011", id="an int"),
        pytest.param(Decimal("15000.00"), "15000.00", id="a decimal keeps its cents"),
        pytest.param(Decimal("1E+3"), "1000", id="a decimal without exponent"),
        pytest.param(Decimal("NaN"), "", id="a decimal that is not a number"),
        pytest.param(True, "true", id="a boolean"),
        pytest.param(date(2024, 1, 31), "2024-01-31", id="a date"),
        pytest.param(datetime(2024, 1, 31, tzinfo=UTC), "2024-01-31", id="midnight is a date"),
        pytest.param(datetime(2024, 1, 31, 8, 30), "2024-01-31 08:30", id="a time of a day"),  # noqa: DTZ001
        pytest.param(time(8, 30), "08:30", id="a time"),
        pytest.param("a\0b", "ab", id="NUL is dropped: no database takes it"),
    ],
)
def test_a_value_becomes_the_text_that_a_person_would_read(value: object, text: str) -> None:
    assert text_of(value) == text


def test_bytes_are_refused_rather_than_shown_as_python_shows_them() -> None:
    with pytest.raises(AudienceError, match="decode"):
        text_of(b"Awa")


def test_a_cell_without_end_is_refused_without_being_quoted() -> None:
    with pytest.raises(AudienceError, match=r"longer than 131,072 characters$"):
        text_of("7" * (LONGEST_CELL + 1))
