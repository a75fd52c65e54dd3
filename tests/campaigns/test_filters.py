"""The filters, one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.filters import FILTERS, Blank, Unrenderable, put_out, truncate, without_gap


@pytest.mark.parametrize(
    ("name", "value", "options", "expected"),
    [
        pytest.param("capitalize", "ÉLODIE", (), "Élodie", id="capitalize"),
        pytest.param("lower", "KONÉ", (), "koné", id="lower"),
        pytest.param("upper", "koné", (), "KONÉ", id="upper"),
        pytest.param("trim", " Awa ", (), "Awa", id="trim"),
        pytest.param("title", "jean-marc kouassi", (), "Jean-Marc Kouassi", id="title"),
        pytest.param("default", "Awa", ("client",), "Awa", id="default, not needed"),
        pytest.param("default", "", ("client",), "client", id="default, needed"),
        pytest.param("truncate", "Assemblée générale du 12", (20,), "Assemblée...", id="truncate between words"),
        pytest.param("truncate", "Assemblée générale", (14, True), "Assemblée g...", id="truncate in a word"),
        pytest.param("truncate", "Assemblée générale", (14, True, "."), "Assemblée gén.", id="with its end"),
        pytest.param("truncate", "Assemblée", (9,), "Assemblée", id="truncate what fits"),
        pytest.param("truncate", "Assemblée", (2,), "As", id="truncate to less than its end"),
    ],
)
def test_a_filter_changes_a_value(name: str, value: str, options: tuple[object, ...], expected: str) -> None:
    assert FILTERS[name](value, *options) == expected


@given(st.text(), st.integers(1, 50), st.booleans(), st.text(max_size=5))
def test_a_truncated_value_is_never_longer_than_asked(value: str, length: int, killwords: bool, end: str) -> None:
    assert len(truncate(value, length, killwords, end)) <= length


@pytest.mark.parametrize("name", sorted(FILTERS.keys() - {"default", "truncate"}))
def test_a_blank_stays_blank_so_that_it_can_still_be_rescued(name: str) -> None:
    assert isinstance(FILTERS[name](Blank("nom")), Blank)


def test_a_blank_is_not_put_out() -> None:
    with pytest.raises(Unrenderable, match=r"^nom is missing or blank$"):
        without_gap(f"Bonjour {put_out(Blank('nom'))} {put_out(Blank('solde'))}")


def test_a_text_that_is_empty_on_purpose_is_put_out() -> None:
    assert without_gap(put_out("")) == ""
