"""From a template and a row to what a recipient gets, and to what may travel as a merge."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.template import (
    FINISHED_FIELDS,
    FINISHED_TEXT,
    BoundTemplate,
    Template,
    TemplateError,
    Unrenderable,
)
from campaigns.text import MAX_CHARACTERS

COLUMNS = ("Téléphone", "Prénom", "Nom du client", "Solde")
ROW = ("0707070707", "Awa", "Koné", "12 500")
WIRE_FIELD = re.compile(r"\{f(\d+)\}")

values = st.one_of(
    st.text(max_size=20),
    st.text(st.sampled_from("aé {}f12\n%$\\"), max_size=12),
    st.sampled_from(["{f1}", "{f2}", "{{ solde }}", "%s", "\\1", "", " ", "\u200d", "ê`"]),
)


def bound(source: str, columns: Sequence[str] = COLUMNS, *, transliterate: bool = False) -> BoundTemplate:
    return Template.parse(source).bind(columns, transliterate=transliterate)


def text_of(source: str, cells: Sequence[str] = ROW, *, transliterate: bool = False) -> str:
    return bound(source, transliterate=transliterate).render(cells)[0]


def merged_one_by_one(wire_text: str, merge_values: Sequence[str], order: Sequence[int]) -> str:
    """As a careless gateway would: one replacement after the other, each over the whole text."""
    for index in order:
        wire_text = wire_text.replace(f"{{f{index + 1}}}", merge_values[index])
    return wire_text


class TestParse:
    def test_fields_are_named_in_order_of_first_appearance(self) -> None:
        source = (
            "{{ a if b else c }} {% if d == e %}{{ f | default(g) }}{% elif h %}{{ a }}{% else %}{{ i }}{% endif %}"
        )
        assert Template.parse(source).fields == ("a", "b", "c", "d", "e", "f", "g", "h", "i")

    @pytest.mark.parametrize(
        ("source", "native"),
        [
            pytest.param("Bonjour {{ nom }}", True, id="text and a bare name"),
            pytest.param("Soldes ce soir !", True, id="text alone"),
            pytest.param("{{ nom }}{# for whoever reads the source #} !", True, id="a comment is no text"),
            pytest.param("Bonjour {nom} {{ nom }}", False, id="a brace in the text"),
            pytest.param("{% raw %}{{ x }}{% endraw %} {{ nom }}", False, id="a raw brace"),
            pytest.param("{{ nom | upper }}", False, id="a filter"),
            pytest.param("{{ 'nom' }}", False, id="a word"),
            pytest.param("{% if nom %}{{ nom }}{% endif %}", False, id="a condition"),
        ],
    )
    def test_only_bare_names_are_merged_by_the_gateway(self, source: str, *, native: bool) -> None:
        assert Template.parse(source).native is native

    def test_the_wire_names_its_fields_by_number(self) -> None:
        template = Template.parse(" Bonjour {{ nom }}, {{ prénom }} {{ nom }}, votre solde {{ solde }}\n")
        assert template.wire_text == "Bonjour {f1}, {f2} {f1}, votre solde {f3}"

    def test_a_text_of_2000_characters_is_refused_with_the_limit_named(self) -> None:
        with pytest.raises(TemplateError, match=f"2000 characters long.*the most is {MAX_CHARACTERS}"):
            Template.parse("a" * 2000)

    def test_a_template_does_not_show_its_text_when_printed(self) -> None:
        assert "secret" not in repr(Template.parse("secret {{ nom | upper }}"))


class TestBind:
    @pytest.mark.parametrize(
        ("name", "columns"),
        [
            pytest.param("prenom", ["Prénom"], id="accents and capitals"),
            pytest.param("Prénom", ["PRENOM"], id="on either side"),
            pytest.param("nom_du_client", ["Nom du client"], id="blanks"),
            pytest.param("nom_du_client", ["  Nom-du  client : "], id="punctuation"),
            pytest.param("coeur", ["Cœur"], id="ligatures"),
            pytest.param("_2e_nom", ["2e nom"], id="a name that begins with a digit"),
            pytest.param("prenom", ["\ufeffPre\u0301nom"], id="a BOM and a decomposed accent"),
            pytest.param("nom", ["Nom", "NOM", "nom"], id="the same spelling wins"),
            pytest.param("self", ["self"], id="a word of Jinja2"),
            pytest.param("الاسم", ["الاسم"], id="another script"),
        ],
    )
    @pytest.mark.parametrize("source", ["{{ %s }}", "{{ %s | trim }}"], ids=["merged", "rendered"])
    def test_a_name_finds_its_column(self, source: str, name: str, columns: list[str]) -> None:
        row = ["x"] * (len(columns) - 1) + ["found"]
        assert bound(source % name, columns).render(row)[0] == "found"

    def test_a_missing_column_is_refused_with_those_there_are(self) -> None:
        with pytest.raises(
            TemplateError, match=r"no column for \{\{ ville \}\}.*Téléphone, Prénom, Nom du client, Solde"
        ):
            bound("{{ ville }}")

    def test_a_thousand_columns_are_not_all_named(self) -> None:
        with pytest.raises(TemplateError) as caught:
            bound("{{ ville }}", [f"column {number}" for number in range(1000)])
        assert len(str(caught.value)) < 600

    @pytest.mark.parametrize("columns", [["Nom", "NOM"], ["nom", "nom"]], ids=["read alike", "spelt alike"])
    def test_two_columns_for_one_name_are_refused(self, columns: list[str]) -> None:
        with pytest.raises(TemplateError, match="could be any of these columns"):
            bound("{{ nom }}", columns)

    def test_a_field_may_stand_for_a_column_that_is_called_otherwise(self) -> None:
        named = {"qui": "nom du client", "rien": "x"}
        template = Template.parse("{{ qui }}, {{ solde }}").bind(COLUMNS, named=named)
        assert template.render(ROW)[0] == "Koné, 12 500"

    def test_a_column_that_a_field_is_said_to_stand_for_must_be_there(self) -> None:
        with pytest.raises(TemplateError, match=r"no column 'Ville' for \{\{ prenom \}\}; the columns are: Téléphone"):
            Template.parse("{{ prenom }}").bind(COLUMNS, named={"prenom": "Ville"})

    def test_alike_columns_that_no_field_names_do_no_harm(self) -> None:
        assert bound("{{ nom }}", ["nom", "x", "x"]).render(["Awa", "", ""])[0] == "Awa"

    def test_names_that_python_takes_for_one_stay_two(self) -> None:
        # Identifiers are folded by NFKC in Python, and `ﬁn` with its ligature would become `fin`.
        assert bound("{{ ﬁn | trim }}{{ fin | trim }}", ["ﬁn", "fin"]).render(["1", "2"])[0] == "12"

    def test_a_text_too_long_for_anyone_is_refused_in_segments(self) -> None:
        with pytest.raises(TemplateError, match="costs 11 SMS"):
            bound("ê" * 700 + "{{ nom_du_client }}")

    def test_it_may_be_saved_by_transliteration(self) -> None:
        assert bound("ê" * 700, transliterate=True).render(ROW)[0] == "e" * 700


class TestRender:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            pytest.param("Bonjour {{ prenom }} {{ nom_du_client }}", "Bonjour Awa Koné", id="bare names"),
            pytest.param("  {{ prenom }} !\n", "Awa !", id="blanks at the ends"),
            pytest.param("-50 % {{ prenom }} {0} %s", "-50 % Awa {0} %s", id="signs that Python would format"),
            pytest.param("{{ prenom | upper }} {{ nom_du_client | lower }}", "AWA koné", id="filters"),
            pytest.param("{% if solde == '0' %}à jour{% else %}{{ solde }} F{% endif %}", "12 500 F", id="a condition"),
            pytest.param("{% if '500' in solde and not solde == '0' %}oui{% endif %}", "oui", id="and, in, not"),
            pytest.param("{{ 'Mme' if prenom == 'Awa' else 'M.' }} {{ prenom }}", "Mme Awa", id="an inner condition"),
            pytest.param("A\r\nB {{ prenom }}", "A\nB Awa", id="line breaks of the text stay"),
            pytest.param("Awa\x00\u200b", "Awa", id="the text is cleaned"),
            pytest.param("{{ 'x\x00y' | upper }}\u200b", "XY", id="wherever it stands"),
            pytest.param(" {# a #} A{# b #}{{ prenom }} {# c #} ", "AAwa", id="a comment leaves no blank at an end"),
        ],
    )
    def test_a_row_becomes_its_text(self, source: str, expected: str) -> None:
        assert text_of(source) == expected

    def test_a_merge_carries_one_value_for_each_field(self) -> None:
        template = bound("{{ solde }} {{ prenom }} {{ solde }}")
        assert template.fields_on_wire == ("f1", "f2")
        assert template.render(ROW) == ("12 500 Awa 12 500", ("12 500", "Awa"))

    def test_a_text_without_fields_is_sent_as_it_is(self) -> None:
        template = bound("Soldes !")
        assert (template.wire_text, template.fields_on_wire, template.render(ROW)) == ("Soldes !", (), ("Soldes !", ()))

    @pytest.mark.parametrize("source", ["{x}", "{x} {{ prenom }}", "{{ prenom | upper }}"], ids=str)
    def test_what_the_gateway_cannot_merge_travels_finished(self, source: str) -> None:
        template = bound(source)
        assert (template.wire_text, template.fields_on_wire) == (FINISHED_TEXT, FINISHED_FIELDS)
        assert template.render(ROW)[1] is None

    @pytest.mark.parametrize("value", ["{f2}", "a}", "{"], ids=str)
    def test_a_value_with_a_brace_travels_finished(self, value: str) -> None:
        text, merge_values = bound("{{ prenom }} {{ solde }}").render(("", value, "", "5"))
        assert (text, merge_values) == (f"{value} 5", None)

    def test_a_brace_that_transliteration_makes_counts_as_one(self) -> None:
        assert bound("{{ prenom }}", transliterate=True).render(("", "｛f1｝", "", "")) == ("{f1}", None)

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            pytest.param("  Awa ", "Awa", id="stripped"),
            pytest.param("Awa\r\nMarie", "Awa Marie", id="on one line"),
            pytest.param("A\x00wa\u200b", "Awa", id="cleaned"),
            pytest.param("\u00a0Awa\u00a0", "Awa", id="stripped of typographic blanks"),
            pytest.param("Ame\u0301lie", "Amélie", id="composed"),
        ],
    )
    @pytest.mark.parametrize("source", ["{{ prenom }}", "{{ prenom | trim }}"], ids=["merged", "rendered"])
    def test_a_value_is_made_fit_to_show(self, source: str, value: str, expected: str) -> None:
        assert text_of(source, ("", value, "", "")) == expected

    @pytest.mark.parametrize("source", ["é ê {{ prenom }}", "é ê {{ prenom | trim }}"], ids=["merged", "rendered"])
    def test_text_and_values_are_transliterated_if_asked(self, source: str) -> None:
        assert text_of(source, ("", "L’Œil", "", ""), transliterate=True) == "é e L'OEil"
        assert text_of(source, ("", "L’Œil", "", "")) == "é ê L’Œil"

    def test_conditions_see_the_value_as_it_was_given(self) -> None:
        source = "{% if prenom == 'Benoît' %}{{ prenom }}{% else %}autre{% endif %}"
        assert text_of(source, ("", "Benoît", "", ""), transliterate=True) == "Benoit"

    @pytest.mark.parametrize("blank", ["", "  ", "\x00", "\u200d", "\u00a0\n"], ids=ascii)
    @pytest.mark.parametrize(
        "source",
        [
            "A {{ prenom }}",
            "A {{ prenom | upper }}",
            "A {{ prenom | truncate(5) | title }}",
            "A {{ prenom or prenom }}",
            "A {{ prenom | default(prenom) }}",
            "A {% if not prenom %}{{ prenom }}{% endif %}",
        ],
    )
    def test_a_gap_is_never_sent(self, source: str, blank: str) -> None:
        with pytest.raises(Unrenderable, match="prenom is missing or blank") as caught:
            bound(source).render(("", blank, "Koné", ""))
        assert caught.value.reason == "prenom is missing or blank"

    @pytest.mark.parametrize(
        "source",
        [
            "{{ prenom | default('client') }}",
            "{{ prenom | upper | default('client', true) }}",
            "{{ prenom or 'client' }}",
            "{{ prenom if prenom else 'client' }}",
            "{% if prenom %}{{ prenom }}{% else %}client{% endif %}",
            "{% if prenom == '' %}client{% endif %}",
        ],
    )
    def test_a_blank_can_be_tested_and_rescued(self, source: str) -> None:
        assert text_of(source, ("", "", "", "")) == "client"

    @pytest.mark.parametrize("source", ["{{ prenom }}", "{{ prenom }} {{ solde }}"], ids=["one field", "two"])
    def test_a_row_shorter_than_its_header_is_blank_at_its_end(self, source: str) -> None:
        with pytest.raises(Unrenderable, match="prenom is missing or blank"):
            bound(source).render(("0707070707",))

    def test_a_text_that_comes_out_empty_is_not_sent(self) -> None:
        with pytest.raises(Unrenderable, match="the text is empty"):
            text_of("{% if prenom == 'x' %}A{% endif %}")

    @pytest.mark.parametrize("source", ["{{ prenom }}", "{{ prenom | trim }}"], ids=["merged", "rendered"])
    @pytest.mark.parametrize("value", ["a" * 1531, "ê" * 671], ids=["GSM-7", "UCS-2"])
    def test_a_text_of_more_than_ten_sms_is_not_sent(self, source: str, value: str) -> None:
        with pytest.raises(Unrenderable, match="longer than 10 SMS"):
            text_of(source, ("", value, "", ""))

    def test_a_long_value_may_be_truncated(self) -> None:
        assert text_of("{{ prenom | truncate(12) }}", ("", "mot " * 500, "", "")) == "mot mot..."

    def test_a_value_of_megabytes_is_refused_before_it_is_worked_on(self) -> None:
        with pytest.raises(Unrenderable, match="more than 10000 characters"):
            text_of("{{ prenom | truncate(12) }}", ("", "a" * 10_000_000, "", ""))

    def test_what_cannot_be_rendered_is_told_without_the_values(self) -> None:
        with pytest.raises(Unrenderable) as caught:
            text_of("{{ prenom }}{{ solde }}", ("", "secret" * 300, "", "1"))
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("transliterate", [False, True], ids=["as it is", "transliterated"])
    @given(first=values, second=values)
    def test_the_gateways_merge_gives_the_finished_text(self, first: str, second: str, *, transliterate: bool) -> None:
        template = bound("A {{ a }} b{{ b }}, {{ a }}’s", ["a", "b"], transliterate=transliterate)
        try:
            text, merge_values = template.render([first, second])
        except Unrenderable:
            return
        assert (merge_values is None) is ("{" in text or "}" in text)
        if merge_values is not None:
            assert merged_one_by_one(template.wire_text, merge_values, [0, 1]) == text
            assert merged_one_by_one(template.wire_text, merge_values, [1, 0]) == text
            at_once = WIRE_FIELD.sub(lambda found: merge_values[int(found[1]) - 1], template.wire_text)
            assert at_once == text

    @given(first=values, second=values)
    def test_merged_and_rendered_texts_are_the_same(self, first: str, second: str) -> None:
        def outcome(source: str) -> str:
            try:
                return bound(source, ["a", "b"]).render([first, second])[0]
            except Unrenderable as refusal:
                return refusal.reason

        assert outcome("A {{ a }} b{{ b }}") == outcome("A {{ a | trim }} b{{ b | trim }}")
