"""What a template may hold, and that nothing else gets through."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2.filters import FILTERS as FILTERS_OF_JINJA2

from campaigns.filters import FILTERS, OPTIONS
from campaigns.grammar import ALLOWED, MAX_SOURCE, TemplateError, read


@pytest.mark.parametrize(
    "source",
    [
        "Bonjour {{ nom }}",
        "{{ nom | default('client') | title }}",
        "{{ nom | default(prenom, true) | truncate(20, true, '…') }}",
        "{% if a and not (b or c) %}x{% elif d != 'e' %}y{% else %}z{% endif %}",
        "{% if 'x' in a and 'y' not in b %}z{% endif %}",
        "{% if a == b == 'c' %}z{% endif %}",
        "{{ a if b else 'c' }}",
        "{%- if a -%} x {%- endif -%}",
        "{{ self }}{{ loop }}{{ range }}",
    ],
)
def test_what_is_allowed_is_read(source: str) -> None:
    assert read(source).fields or read(source).fixed


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param("{% for a in b %}{% endfor %}", "a loop", id="loop"),
        pytest.param("{{ range(9) }}", "a call", id="call"),
        pytest.param("{{ nom.upper() }}", "a call", id="method"),
        pytest.param("{{ nom.__class__ }}", "a dot", id="attribute"),
        pytest.param("{{ nom['x'] }}", "a subscript", id="subscript"),
        pytest.param("{{ nom[:3] }}", "a subscript", id="slice"),
        pytest.param("{{ 'a' * 999999999 }}", "arithmetic", id="multiplication"),
        pytest.param("{{ a + b }}", "arithmetic", id="addition"),
        pytest.param("{{ -a }}", "arithmetic", id="sign"),
        pytest.param("{{ a ~ b }}", "~ is not", id="concatenation"),
        pytest.param("{{ a, b }}", "a list", id="tuple"),
        pytest.param("{{ [a] }}", "a list", id="list"),
        pytest.param("{{ {'a': b} }}", "`dict`", id="dict"),
        pytest.param("{% set a = 'b' %}", "`assign`", id="set"),
        pytest.param("{% include 'a' %}", "`include`", id="include"),
        pytest.param("{% import 'a' as b %}", "`import`", id="import"),
        pytest.param("{% extends 'a' %}", "`extends`", id="extends"),
        pytest.param("{% block a %}{% endblock %}", "`block`", id="block"),
        pytest.param("{% macro a() %}{% endmacro %}", "`macro`", id="macro"),
        pytest.param("{% call a() %}{% endcall %}", "`callblock`", id="call block"),
        pytest.param("{% with %}a{% endwith %}", "`with`", id="with"),
        pytest.param("{% filter upper %}a{% endfilter %}", "`filterblock`", id="filter block"),
        pytest.param("{% do a %}", "unknown tag 'do'", id="extension"),
        pytest.param("{{ a is defined }}", "write {% if field %}", id="test"),
        pytest.param("{{ a == b }}", "a comparison put out", id="comparison as text"),
        pytest.param("{{ not a }}", "`not` put out", id="negation as text"),
        pytest.param("{% if a > '9' %}x{% endif %}", "values are text", id="order"),
        pytest.param("{% if a == 9 %}x{% endif %}", "between quotes", id="number"),
        pytest.param("{% if true %}x{% endif %}", "between quotes", id="boolean"),
        pytest.param("{{ none }}", "between quotes", id="none"),
        pytest.param("{{ a if b }}", "needs its `else`", id="half an inner condition"),
        pytest.param("{{ a | replace('a', 'bbb') }}", "`replace` is not known", id="a filter that grows"),
        pytest.param("{{ a | upper(1) }}", "other options", id="an option too many"),
        pytest.param("{{ a | truncate }}", "other options", id="an option too few"),
        pytest.param("{{ a | truncate(length=5) }}", "other options", id="a named option"),
        pytest.param("{{ a | default(*b) }}", "other options", id="a starred option"),
        pytest.param("{{ a | default('x', *b) }}", "other options", id="a starred option after another"),
        pytest.param("{{ a | truncate('5') }}", "a number above 0", id="a word for a number"),
        pytest.param("{{ a | truncate(0) }}", "a number above 0", id="nothing left"),
        pytest.param("{{ a | truncate(true) }}", "a number above 0", id="a boolean for a number"),
        pytest.param("{{ a | truncate(b) }}", "a number above 0", id="a field for a number"),
        pytest.param("{{ a | default(b.c) }}", "a dot", id="inside an option"),
        pytest.param("{% if a %}{% else %}{{ b.c }}{% endif %}", "a dot", id="inside a branch"),
        pytest.param("{% if a %}{% elif b.c %}{% endif %}", "a dot", id="inside a condition"),
        pytest.param("{{ nom du client }}", "got 'du'", id="a name with blanks"),
        pytest.param("{{ nom", "unexpected end", id="a field left open"),
        pytest.param("{% if nom %}a", "Unexpected end", id="a condition left open"),
        pytest.param("{{ `nom` }}", "unexpected char", id="a strange sign"),
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(source: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        read(f"Bonjour\n{source}")
    message = str(caught.value)
    assert message.startswith("line 2: ")
    assert reason in message
    assert message.endswith(ALLOWED)


def test_a_refusal_names_no_line_where_the_parser_knows_none() -> None:
    with pytest.raises(TemplateError, match=r"^autoescape is not allowed"):
        read("{% autoescape true %}a{% endautoescape %}")


@pytest.mark.parametrize("source", ["", " \n", "{# nothing #}", "{% if a %} {% endif %}", "\x00\u200b"], ids=ascii)
def test_a_template_that_says_nothing_is_empty(source: str) -> None:
    with pytest.raises(TemplateError, match="the template is empty"):
        read(source)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("a" * (MAX_SOURCE + 1), id="long"),
        pytest.param("{{ " + "(" * 900 + "a" + ")" * 900 + " }}", id="parentheses"),
        pytest.param("{{ " + "(" * 100 + "a or b" + ") or c" * 100 + " }}", id="alternatives"),
        pytest.param("{% if " + "not " * 2000 + "a %}b{% endif %}", id="negations"),
        pytest.param("{% if " + "not " * 30 + "a %}b{% endif %}", id="a few negations"),
        pytest.param("{% if a %}" * 30 + "b" + "{% endif %}" * 30, id="conditions"),
        pytest.param("{% if a %}" * 900 + "b", id="conditions left open"),
        pytest.param("{{ a" + " | upper" * 1000 + " }}", id="filters"),
        pytest.param("{{ a | truncate(" + "1" * 5000 + ") }}", id="a number of 5,000 digits"),
        pytest.param("{{ " + "[" * 3000, id="brackets"),
    ],
)
def test_a_hostile_template_is_refused_at_once(source: str) -> None:
    began = time.process_time()
    with pytest.raises(TemplateError) as caught:
        read(source)
    assert time.process_time() - began < 2
    assert len(str(caught.value)) < 600


def test_many_conditions_in_a_row_are_read() -> None:
    source = "{% if a == 'x' %}b" + "{% elif a == 'y' %}c" * 400 + "{% endif %}"
    assert read(source).fields == ("a",)


signs = st.sampled_from(
    ["{{", "}}", "{%", "%}", "{#", "#}", "(", ")", "|", "==", ".", "[", "]", "*", "-", "\\", "'", "~", ","]
)
words = st.sampled_from(
    ["a", "é", "9", "'x'", "if", "else", "elif", "endif", "or", "not", "in", "upper", "default", "for"]
)


@given(st.one_of(st.text(), st.lists(signs | words, max_size=25).map(" ".join)))
@example("{{ '\\x' }}")
@example("{{ '\\ud800' }}")
@example("{{ 1__0 }}")
def test_any_source_is_read_or_refused_and_nothing_else(source: str) -> None:
    try:
        read(source)
    except TemplateError:
        return


def test_every_filter_has_its_options_and_is_one_of_jinja2() -> None:
    assert FILTERS.keys() == OPTIONS.keys()
    assert FILTERS.keys() <= FILTERS_OF_JINJA2.keys()
    assert all(name in ALLOWED for name in FILTERS)
