import tracemalloc

import pytest

from worker.sandbox.codes import Refused
from worker.sandbox.merging import MOST_CHARACTERS, merge, merged


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        pytest.param(
            "Bonjour {nom}, votre solde est {solde}",
            [("nom", "Philo"), ("solde", "5")],
            "Bonjour Philo, votre solde est 5",
            id="the document's own text",
        ),
        pytest.param("{nom} {nom}", [("nom", "Ange")], "Ange Ange", id="every occurrence"),
        pytest.param("{nom} {age}", [("nom", "Ange")], "Ange {age}", id="nobody's placeholder stays"),
        pytest.param("{a}", [("a", "{b}"), ("b", "x")], "x", id="a value is expanded by a later name"),
        pytest.param("{b}{a}", [("b", "x"), ("a", "{b}")], "x{b}", id="but not by an earlier one"),
        pytest.param("{nom}", [("nom", " Philo ")], " Philo ", id="blanks of a value stay"),
        pytest.param("{{nom}}", [("nom", "x")], "{x}", id="braces around a placeholder stay"),
    ],
)
def test_placeholders_are_filled_one_after_the_other_as_php_does(text, values, expected):
    assert merged(text, values) == expected


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        pytest.param("{a}", [[("a", "{b}" * 1000), ("b", "{c}" * 1000), ("c", "{d}" * 1000)]], id="values multiply"),
        pytest.param("x" * 100_000, [[("a", "")]] * 100_000, id="recipients multiply"),
        pytest.param("x" * (MOST_CHARACTERS + 1), [[]], id="the text alone"),
    ],
)
def test_a_merge_that_would_fill_the_memory_is_refused_before_it_does(text, rows):
    tracemalloc.start()
    try:
        with pytest.raises(Refused) as refused:
            list(merge(text, rows))
        assert tracemalloc.get_traced_memory()[1] < 2 * MOST_CHARACTERS
    finally:
        tracemalloc.stop()
    assert refused.value.code == -1


def test_a_merge_of_the_greatest_length_is_made():
    assert sum(map(len, merge("{a}" + "x" * 399, [[("a", "y")]] * 25_000))) == MOST_CHARACTERS
