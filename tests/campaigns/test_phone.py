"""What people write as a number, and the MSISDN it becomes."""

import re
import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from campaigns.numbering import Library
from campaigns.phone import LONGEST_CELL, column_normalizer, normalizer

ORANGE = 2250708091011
EXAMPLES = {
    region: number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (number := phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE))
}
REGIONS = sorted(EXAMPLES)
KINDS = (
    "mobile",
    "mobile",
    "fixed_line",
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
)


def _patterns(region: str) -> list[re.Pattern[str]]:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    descriptions = [getattr(metadata, kind) for kind in KINDS]
    return [re.compile(d.national_number_pattern, re.ASCII) for d in descriptions if d and d.national_number_pattern]


NUMBERS = {region: st.one_of([st.from_regex(p, fullmatch=True) for p in _patterns(region)]) for region in REGIONS}
LTR, POP, NBSP, NARROW = "\u202a", "\u202c", "\u00a0", "\u202f"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("0708091011", id="local"),
        pytest.param("07 08 09 10 11", id="in pairs"),
        pytest.param("07.08.09.10.11", id="dots"),
        pytest.param("07-08-09-10-11", id="dashes"),
        pytest.param("07–08–09–10–11", id="typographic dashes"),
        pytest.param("07/08/09/10/11", id="slashes between pairs"),
        pytest.param("+2250708091011", id="E.164"),
        pytest.param("+225 07 08 09 10 11", id="international"),
        pytest.param("(+225) 07 08 09 10 11", id="code in brackets"),
        pytest.param("00225 07 08 09 10 11", id="00 prefix"),
        pytest.param("2250708091011", id="the API's own form"),
        pytest.param("2250708091011.0", id="a float of a spreadsheet"),
        pytest.param(f"07{NBSP}08{NARROW}09 10 11", id="non-breaking blanks"),
        pytest.param(f"{LTR}+225 07 08 09 10 11{POP}", id="bidi marks, as contacts are copied from a phone"),
        pytest.param("\ufeff0708091011\u200b", id="zero-width marks"),
        pytest.param("٠٧٠٨٠٩١٠١١", id="Arabic-Indic digits"),
        pytest.param("＋２２５０７０８０９１０１１", id="full-width digits and plus"),
        pytest.param("  0708091011\t\r\n", id="blanks around"),
        pytest.param("'0708091011", id="a spreadsheet's apostrophe"),
        pytest.param('="0708091011"', id="a spreadsheet's formula"),
        pytest.param("708091011", id="its zero lost in a number cell"),
    ],
)
def test_one_number_however_written_is_one_msisdn(written: str) -> None:
    assert normalizer("CI")(written) == ORANGE


@pytest.mark.parametrize(
    ("second_digit", "prefix"), [*zip("0123456789", ["01"] * 4 + ["05"] * 3 + ["07"] * 3, strict=True)]
)
@pytest.mark.parametrize("first_digit", "45789")
def test_an_old_ivorian_number_gets_the_prefix_of_its_operator(
    first_digit: str, second_digit: str, prefix: str
) -> None:
    old = f"{first_digit}{second_digit}123456"
    assert normalizer("CI")(old) == int(f"225{prefix}{old}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("05442710", 2250505442710, id="the API document's sample"),
        pytest.param("05 44 27 10", 2250505442710, id="in pairs"),
        pytest.param("05.44.27.10", 2250505442710, id="dots"),
        pytest.param("+225 05 44 27 10", 2250505442710, id="international"),
        pytest.param("22505442710", 2250505442710, id="the API's own form"),
        pytest.param("0022505442710", 2250505442710, id="00 prefix"),
        pytest.param("22505442710.0", 2250505442710, id="a float"),
        pytest.param("62636465", 2250162636465, id="62, of the sixties that stayed"),
    ],
)
def test_an_ivorian_number_from_before_2021_may_be_written_in_many_ways(old: str, new: int) -> None:
    assert normalizer("CI")(old) == new


@pytest.mark.parametrize("old", ["60123456", "61123456", "69123456", "20304050", "22441234", "31626364", "00123456"])
def test_an_old_ivorian_landline_or_number_of_a_closed_operator_is_refused(old: str) -> None:
    assert normalizer("CI")(old) is None
    assert normalizer("CI")(f"+225{old}") is None


def test_eight_digits_are_a_number_of_the_default_region_before_they_are_an_old_ivorian_one() -> None:
    assert normalizer("BF")("70123456") == 22670123456
    assert normalizer("CI")("70123456") == 2250170123456
    assert normalizer("BF")("+225 70 12 34 56") == 2250170123456


@pytest.mark.parametrize(
    ("region", "written", "msisdn"),
    [
        pytest.param("CI", "22678657808", 22678657808, id="abroad, no plus: the API's own form"),
        pytest.param("BF", "2250708091011", ORANGE, id="the other way round"),
        pytest.param("CI", "+226 78 65 78 08", 22678657808, id="Burkina Faso"),
        pytest.param("CI", "0033 6 12 34 56 78", 33612345678, id="France"),
        pytest.param("CI", "+33 (0)6 12 34 56 78", 33612345678, id="France, with a zero too many"),
        pytest.param("FR", "06 12 34 56 78", 33612345678, id="France, at home"),
        pytest.param("CI", "+1 212-555-0123", 12125550123, id="landline and mobile are alike in North America"),
        pytest.param("us", "(212) 555-0123", 12125550123, id="a region in lower case"),
        pytest.param("CI", "+44 7911 123456", 447911123456, id="a country code that four regions share"),
        pytest.param("CI", "+39 312 345 6789", 393123456789, id="Italy"),
    ],
)
def test_numbers_of_other_countries_are_taken(region: str, written: str, msisdn: int) -> None:
    assert normalizer(region)(written) == msisdn


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("", id="nothing"),
        pytest.param("   ", id="blanks"),
        pytest.param("inconnu", id="a word"),
        pytest.param("n/a", id="a word with a slash"),
        pytest.param("0708091011 bureau", id="a number and a word"),
        pytest.param("0708091O11", id="the letter O"),
        pytest.param("070809101", id="a digit short"),
        pytest.param("07080910111", id="a digit long"),
        pytest.param("2.25071E+12", id="scientific notation"),
        pytest.param("2,25071E+12", id="scientific notation in French"),
        pytest.param("0708091011;0505060708", id="two numbers"),
        pytest.param("0708091011/0505060708", id="two numbers with a slash"),
        pytest.param("07080910/11", id="two numbers, the second one abridged"),
        pytest.param("07080910.00", id="ten digits or a float: nobody knows"),
        pytest.param("+225070809101.0", id="a float cannot have a plus"),
        pytest.param("225070809101.0", id="a float that is a digit short must not borrow its zero"),
        pytest.param("2720304050", id="a landline"),
        pytest.param("+225 27 20 30 40 50", id="a landline, international"),
        pytest.param("98102", id="a short code"),
        pytest.param("+33 899 12 34 56", id="a premium number"),
        pytest.param("+33 1 42 68 53 00", id="a landline abroad"),
        pytest.param("+800 1234 5678", id="a number of no country"),
        pytest.param("++2250708091011", id="two pluses"),
        pytest.param("+002250708091011", id="both prefixes"),
        pytest.param("+225+2250708091011", id="the code twice"),
        pytest.param("15/01/2024", id="a date"),
        pytest.param("0708091011" + " " * LONGEST_CELL, id="a number in a cell too long to be one"),
        pytest.param("0708091011\x00", id="a NUL"),
        pytest.param("\ud800", id="a lone surrogate"),
    ],
)
def test_what_cannot_get_an_sms_is_refused(written: str) -> None:
    assert normalizer("CI")(written) is None


def test_an_unknown_region_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'Ivory'"):
        normalizer("Ivory")


@given(st.text(max_size=80))
def test_no_text_makes_it_raise(text: str) -> None:
    result = normalizer("CI")(text)
    assert result is None or 10**6 < result < 10**15


@given(st.text(alphabet="0123456789+.-/() 'E٠", max_size=20))
def test_what_comes_out_goes_in_again_unchanged(text: str) -> None:
    number = normalizer("CI")
    msisdn = number(text)
    assert msisdn is None or number(f"+{msisdn}") == number(str(msisdn)) == msisdn


@st.composite
def _numbers_of_the_world(draw: st.DrawFn) -> tuple[str, str]:
    """A default region, and a number of some kind, of that region or of another one, written somehow."""
    home = draw(st.sampled_from(REGIONS))
    region = draw(st.one_of(st.just(home), st.sampled_from(REGIONS)))
    metadata = PhoneMetadata.metadata_for_region(region, None)
    national = draw(NUMBERS[region])
    if draw(st.integers(0, 4)) == 0:
        place = draw(st.integers(0, len(national) - 1))
        national = national[:place] + draw(st.sampled_from(["", "0", "5", "9"])) + national[place + 1 :]
    opening = draw(
        st.sampled_from(["+{code}", "00{code}", "{code}", "", "0", "1", "8", metadata.national_prefix or "0"])
    )
    return home, opening.format(code=metadata.country_code) + national


@settings(max_examples=1_000)
@given(_numbers_of_the_world())
@example(("GG", "07911123456"))
def test_the_fast_path_agrees_with_the_library(home_and_written: tuple[str, str]) -> None:
    """The library with its default region; what the Ivorian rule touches is left out, for that is ours alone."""
    home, written = home_and_written
    digits = written.removeprefix("+").removeprefix("00")
    assume(not (digits.startswith("225") and len(digits) == 11))
    assume(not (home == "CI" and len(digits) in {8, 9}))
    assert normalizer(home)(written) == (Library(home).mobile(written) if 4 <= len(digits) <= 17 else None)


@st.composite
def _columns_of_the_world(draw: st.DrawFn) -> tuple[str, list[str]]:
    """The home region, and cells of one column: most of home, in all spellings, with cells that are no number."""
    home = draw(st.sampled_from([*("CI", "BF", "SN", "FR") * 20, *REGIONS]))
    code = str(phonenumbers.country_code_for_region(home))
    forms = st.sampled_from(["", "", "+", "00", "+" + code, "00" + code, code, "0", " "])
    mobiles = NUMBERS[home].map(lambda number: " ".join(re.findall("..?", number)) if number[-1] < "3" else number)
    strangers = st.one_of(st.text(max_size=9), st.sampled_from(["", "\0", "+", "00", " ", "0" * 70]), NUMBERS["TG"])
    own = st.tuples(forms, mobiles).map("".join)
    cells = draw(st.lists(st.one_of(own, own, own, st.tuples(forms, strangers).map("".join)), max_size=12))
    return home, [cell.center(LONGEST_CELL + 1) if cell.endswith("77") else cell for cell in cells]


@given(_columns_of_the_world())
@settings(max_examples=500)
def test_a_column_holds_the_numbers_that_its_cells_are_one_by_one(home_and_cells: tuple[str, list[str]]) -> None:
    home, cells = home_and_cells
    assert column_normalizer(home)(cells) == list(map(normalizer(home), cells))


@pytest.mark.parametrize("region", REGIONS)
def test_of_each_country_a_column_is_read_as_its_cells_are(region: str) -> None:
    code, number = EXAMPLES[region].country_code, phonenumbers.national_significant_number(EXAMPLES[region])
    cells = [f"{start}{number}" for start in (f"+{code}", "", f"00{code}", "0", code, "00", "1", "8", "+")]
    assert column_normalizer(region)(cells) == list(map(normalizer(region), cells))


def test_a_cell_that_is_too_long_for_a_number_is_none_in_a_column_too() -> None:
    cells = ["0708091011", "0708091011".center(LONGEST_CELL), "0708091011".center(LONGEST_CELL + 1), "0708091011"]
    assert column_normalizer("CI")(cells) == [ORANGE, ORANGE, None, ORANGE]


@pytest.mark.parametrize("region", ["CI", "BF", "SN", "FR"])
def test_where_most_numbers_are_of_one_country_few_cells_are_looked_at_alone(
    region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    monkeypatch.setattr("campaigns.phone.normalizer", lambda _: looked_at.append)
    national = phonenumbers.national_significant_number(EXAMPLES[region])
    code = EXAMPLES[region].country_code
    cells = [f"+{code}{national}", "", f"00{code} {national}", national, "a@b", f"{code}{national}", national]
    found = column_normalizer(region)(cells)
    assert looked_at == ["", "a@b"]
    assert {number for number in found if number} == {int(f"{code}{national}")}


@pytest.mark.parametrize("region", EXAMPLES)
def test_each_countrys_example_mobile_is_taken_as_the_library_takes_it(region: str) -> None:
    written = phonenumbers.format_number(EXAMPLES[region], phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.format_number(EXAMPLES[region], phonenumbers.PhoneNumberFormat.NATIONAL)
    assert normalizer("CI")(written) == int(written)
    assert normalizer(region)(national) == int(written)


@pytest.mark.parametrize("number", ["2250708091011", "2250101020304", "2250505060708", "22670123456", "22601234567"])
def test_ivorian_and_burkinabe_mobiles_never_reach_the_library(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Library, "_parse", lambda *_: pytest.fail("asked the library"))
    for region, local in (("CI", number[3:]), ("BF", number)) if number[2] == "5" else (("BF", number[3:]),):
        for written in (f"+{number}", f"00{number}", number, local):
            assert normalizer(region)(written) == int(number)


def test_importing_the_domain_does_not_import_the_library() -> None:
    code = "import sys, campaigns.phone; sys.exit('phonenumbers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
