"""What many recipients get at once is what each of them would get alone."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.columns import MAX_VALUES
from campaigns.filling import KINDS, UNRENDERABLE, Filled
from campaigns.template import BoundTemplate, Template, Unrenderable
from campaigns.text import GSM7_PART, MAX_CHARACTERS, MAX_SEGMENTS, UCS2_PART, measure

COLUMNS = ("tel", "nom", "solde")

MERGED = [
    "Bonjour {{ nom }}, votre solde est de {{ solde }} F CFA.",
    "{{ nom }}{{ solde }}{{ nom }}",
    " {{ nom }}\n",
    "Soldes !",
    "Fête de {{ nom }}",
    "😀 {{ nom }}",
    "{{ nom }} : 10 € {{ solde }}",
    "{{ nom }} {a} {{ solde }}",
    "ê {a} {{ nom }}",
    "é" * 150 + "{{ nom }}",
    "[" * 74 + "{{ nom }}{{ nom }}",
    "ê" * 64 + "{{ nom }}",
]
RENDERED = [
    "Bonjour {{ nom | upper }}, {% if solde == '5' %}rien{% else %}{{ solde }}{% endif %}",
    "{% if nom %}{{ nom | title }}{% endif %}\n{{ solde | default('rien') }}",
    "{{ nom | default(solde) | truncate(9) }}",
    "{% if solde == '5' %}\n {% endif %}{% if nom %}x{% endif %}",
    "{{ nom | lower }} € {{ solde }}",
    "Fête {{ nom | trim }}{{ solde | default('') }}",
    "{{ 'x' }}",
]

ordinary = st.sampled_from(["Awa", "Koffi N'Guessan", "Noé", "12 500", "5", " Awa ", "x" * 9])
odd = st.sampled_from(
    [
        "",
        " ",
        "Zoë",
        "ça",
        "{x}",
        "{f1}",
        "😀",
        "10 €",
        "œuf",
        "e\u0301",
        "a\nb",
        "a\tb",
        "\xa0",
        "\u200d",
        "a\0",
        "\x01b\x01",
    ]
)
any_text = st.one_of(ordinary, ordinary, ordinary, odd, st.text(max_size=8))
BORDERS = [10, 70, 160, GSM7_PART * 2, UCS2_PART * MAX_SEGMENTS, MAX_CHARACTERS, MAX_VALUES]
long = st.builds(lambda size, more: "n" * max(0, size - more), st.sampled_from(BORDERS), st.integers(-3, 160))
rows = st.lists(st.tuples(st.just("0708091011"), st.one_of(any_text, any_text, any_text, long), any_text), max_size=12)


def one_by_one(template: BoundTemplate, cells: Sequence[Sequence[str]]) -> list[object]:
    """Kind, segments and values of each row, or None."""
    found: list[object] = []
    for row in cells:
        try:
            text, values = template.render(row)
        except Unrenderable:
            found.append(None)
            continue
        alphabet, segments = measure(text)
        found.append(((alphabet, values is not None), segments, (text,) if values is None else values))
    return found


def at_once(filled: Filled) -> list[object]:
    """The same, of what was filled in by the column."""
    return [
        None if kind == UNRENDERABLE else (KINDS[kind], segments, values)
        for kind, segments, values in zip(filled.kinds, filled.segments, filled.values, strict=True)
    ]


@pytest.mark.parametrize("transliterate", [False, True], ids=["as it is", "transliterated"])
@pytest.mark.parametrize("source", MERGED + RENDERED, ids=lambda source: ascii(source)[:30])
@given(cells=rows)
def test_by_the_column_each_row_gets_what_it_gets_alone(
    source: str, transliterate: bool, cells: list[tuple[str, ...]]
) -> None:
    template = Template.parse(source).bind(COLUMNS, transliterate=transliterate)
    assert at_once(template.fill(cells)) == one_by_one(template, cells)


@pytest.mark.parametrize("source", [MERGED[0], RENDERED[0]], ids=["merged", "rendered"])
def test_a_row_that_is_too_short_is_blank_at_its_end_and_the_others_are_filled(source: str) -> None:
    template = Template.parse(source).bind(COLUMNS)
    cells = [("0708091011", "Awa", "5"), ("0708091011", "Awa"), ("0708091011", "Koffi", "6")]
    found = at_once(template.fill(cells))
    assert found == one_by_one(template, cells)
    assert [row is None for row in found] == [False, True, False]


@pytest.mark.parametrize("source", [MERGED[0], RENDERED[0]], ids=["merged", "rendered"])
@pytest.mark.parametrize("size", [MAX_VALUES - 1, MAX_VALUES, MAX_VALUES + 1])
def test_one_cell_of_any_length_changes_nothing_for_the_others(source: str, size: int) -> None:
    template = Template.parse(source).bind(COLUMNS)
    cells = [("", "Awa", "5"), ("", " " * (size - 4) + "Awa", "6"), ("", "Koffi", "7")]
    assert at_once(template.fill(cells)) == one_by_one(template, cells)


def test_one_odd_value_has_no_other_row_looked_at_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    template = Template.parse(MERGED[0]).bind(COLUMNS)
    looked_at = []
    render = type(template).render
    monkeypatch.setattr(type(template), "render", lambda self, row: looked_at.append(row[1]) or render(self, row))
    template.fill([("", "ça" if place == 7 else f"N{place}", " 5 ") for place in range(50)])
    assert looked_at == ["ça"]
