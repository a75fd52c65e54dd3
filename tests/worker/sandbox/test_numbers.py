import pytest

from worker.sandbox.codes import Refused
from worker.sandbox.numbers import Numbering


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("05442710", 22505442710, id="eight digits of before 2021, as in the samples"),
        pytest.param("0707352518", 2250707352518, id="ten digits since 2021"),
        pytest.param("2722427364", 2252722427364, id="a landline's ten digits"),
        pytest.param("2250707352518", 2250707352518, id="with the country code"),
        pytest.param("22678657808", 22678657808, id="abroad, the vendor's own example"),
        pytest.param("  22678657808\n", 22678657808, id="blanks around"),
        pytest.param("123456789012345", 123456789012345, id="fifteen digits"),
        pytest.param("1234567", None, id="seven digits"),
        pytest.param("1234567890123456", None, id="sixteen digits"),
        pytest.param("+22678657808", None, id="a plus"),
        pytest.param("0022678657808", None, id="two zeros in front"),
        pytest.param("07 07 35 25 18", None, id="blanks inside"),
        pytest.param("bonjour", None, id="letters"),
        pytest.param("٠٥٤٤٢٧١٠", None, id="digits of another script"),
    ],
)
def test_a_number_becomes_digits_with_a_country_code(raw, expected):
    assert Numbering("225").msisdn(raw) == expected


def test_local_numbers_get_the_code_of_the_accounts_own_country():
    assert Numbering("226").msisdn("78657808") == 22678657808


def test_a_number_that_comes_twice_in_any_spelling_keeps_what_came_first():
    recipients = [("05442710", "a"), ("22505442710", "b"), ("07352518", "c"), ("x", "d")]
    assert Numbering("225").taken(recipients) == {22505442710: "a", 22507352518: "c"}


@pytest.mark.parametrize(
    ("numbers", "code"), [([], -7), (["", ""], -7), (["x", ""], -9)], ids=["none", "empty ones", "none that can be one"]
)
def test_no_recipient_and_no_valid_recipient_are_told_apart(numbers, code):
    with pytest.raises(Refused) as refused:
        Numbering("225").taken((number, None) for number in numbers)
    assert refused.value.code == code
