import pytest

from worker.sandbox.merging import merged


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
