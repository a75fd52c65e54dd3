"""Which values of a column are plain, told by one look at all of them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.columns import blanks, odd_lines, odd_texts, stripped
from campaigns.text import BASIC, clean, transliterate

LINE = BASIC.replace("\n", "").replace("\r", "")

odd = st.one_of(st.text(max_size=4), st.sampled_from(["", "ê", "{", "\0", "a\nb"]))
columns = st.lists(st.one_of(st.text(LINE, max_size=6), odd))


@given(st.text(LINE))
def test_what_is_plain_needs_nothing_done_to_it_in_whatever_order(text: str) -> None:
    assert text.isprintable()
    assert unicodedata.is_normalized("NFC", text)
    assert not {"{", "}"} & set(text)
    assert clean(text) == transliterate(text) == text


@given(columns)
def test_no_odd_value_passes_for_plain(column: list[str]) -> None:
    odd = {place for place, text in enumerate(column) if not set(text) <= set(LINE)}
    assert odd <= set(odd_lines(column))


@given(columns)
def test_no_plain_value_is_looked_at_again_beside_odd_ones(column: list[str]) -> None:
    column = [text.replace("\0", "") for text in column]
    assert odd_lines(column) == [place for place, text in enumerate(column) if not set(text) <= set(LINE)]
    assert odd_texts(column) == [place for place, text in enumerate(column) if not set(text) <= set(BASIC)]


@pytest.mark.parametrize("column", [["a\0b", "c"], ["\0"], ["a", "ê\0", ""], ["a", "b\0c"]], ids=ascii)
def test_a_column_that_cannot_be_told_apart_is_looked_at_one_by_one(column: list[str]) -> None:
    assert odd_lines(column) == list(range(len(column)))


@given(st.lists(st.text(" aé\xa0\u2003\t", max_size=4)))
def test_blanks_around_values_go_and_other_white_space_stays_odd(column: list[str]) -> None:
    assert list(stripped(column)) == [text.strip(" ") for text in column]


@given(st.lists(st.sampled_from(["", "a", " "])))
def test_empty_values_are_found(column: list[str]) -> None:
    assert blanks(column) == [place for place, text in enumerate(column) if text == ""]
