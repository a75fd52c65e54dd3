"""What a pattern of a country's mobiles must leave to the library, on plans made up for the purpose."""

import re
from typing import Any

import phonenumbers
import pytest
from phonenumbers import PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

from campaigns.numbering import Library, Plan, _core


def description(pattern: str, *lengths: int) -> PhoneNumberDesc:
    return PhoneNumberDesc(national_number_pattern=pattern, possible_length=lengths)


def taken(number: str, **plan: Any) -> bool:
    parts = {"general_desc": description(r"\d{8,9}", 8, 9), "mobile": description(r"7\d{7,8}", 8, 9), **plan}
    core = _core(PhoneMetadata(id="ZZ", country_code=999, register=False, **parts))
    return core is not None and re.fullmatch(core, number) is not None


def test_a_mobile_is_taken() -> None:
    assert taken("70123456")


@pytest.mark.parametrize(
    ("number", "plan"),
    [
        pytest.param("70123456", {"premium_rate": description(r"701\d{5}")}, id="a premium number among mobiles"),
        pytest.param("70123456", {"voip": description(r"70\d{6}")}, id="a number that is no telephone"),
        pytest.param("70123456", {"general_desc": description(r"8\d{7}", 8)}, id="not valid at all"),
        pytest.param("701234567", {"mobile": description(r"7\d{7,8}", 8)}, id="a length that mobiles do not have"),
        pytest.param("701234567", {"general_desc": description(r"\d{8,9}", 8)}, id="a length that is not possible"),
        pytest.param("70123456", {"national_prefix_for_parsing": "70"}, id="digits that are stripped as a prefix"),
        pytest.param("70123456", {"leading_digits": "70"}, id="a region that others share a code with"),
        pytest.param("70123456", {"mobile": None}, id="a country without mobiles"),
    ],
)
def test_what_is_not_surely_a_mobile_is_left_to_the_library(number: str, plan: dict[str, Any]) -> None:
    assert not taken(number, **plan)


def test_a_region_that_shares_its_code_leaves_everything_to_the_library() -> None:
    assert Plan.of("GG").local("07911123456") is None
    assert Plan.of("GG").international("447911123456") is None


def test_the_prefix_for_calls_within_the_country_is_no_part_of_the_number() -> None:
    match = Plan.of("FR").local("0612345678")
    assert match is not None
    assert match["nsn"] == "612345678"


@pytest.mark.parametrize(
    ("digits", "code"),
    [("225", "225"), ("226", "226"), ("336", "33"), ("121", "1"), ("799", "7"), ("447", "44")],
)
def test_the_first_digits_tell_the_country(digits: str, code: str) -> None:
    plan = Plan.of_international(digits)
    assert plan is not None
    assert plan.country_code == code


@pytest.mark.parametrize("digits", ["000", "022", "800", "870", "210", "999"])
def test_digits_of_no_country_have_no_plan(digits: str) -> None:
    assert Plan.of_international(digits) is None


def test_most_countries_of_the_world_have_a_pattern() -> None:
    local = [Plan.of(region).longest_local < 99 for region in phonenumbers.SUPPORTED_REGIONS]
    assert sum(local) > 100


def test_the_library_takes_a_number_by_each_of_the_three_openings() -> None:
    library = Library("CI")
    for written in ("+2250708091011", "002250708091011", "2250708091011", "0708091011"):
        assert library.mobile(written) == 2250708091011
    assert library.mobile("2720304050") is None
