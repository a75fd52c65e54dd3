"""The French of what people are told: nothing is missing, nothing is left over, and nothing is out of date."""

import re
from io import BytesIO

import pytest
from babel.messages.pofile import read_po

from hatch_build import compile_catalogues
from tests.messages import calls, catalogue

UPDATE = "run `make messages`, and translate what it names"


def test_the_catalogue_has_what_the_code_says_and_nothing_else_each_with_its_french() -> None:
    up_to_date = catalogue.brought_up_to_date(catalogue.read())
    assert list(catalogue.faults(up_to_date)) == [], UPDATE
    assert catalogue.PO.read_bytes() == catalogue.written(up_to_date), UPDATE


def test_the_compiled_catalogue_is_that_of_the_written_one() -> None:
    before = catalogue.PO.with_suffix(".mo").read_bytes()
    compile_catalogues()
    assert catalogue.PO.with_suffix(".mo").read_bytes() == before, "run `make setup`"


def po(text: str) -> list[str]:
    return list(catalogue.faults(read_po(BytesIO(text.encode()), locale="fr")))


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('msgid "rows"\nmsgstr ""', "not translated: 'rows'"),
        ('msgid "one"\nmsgid_plural "many"\nmsgstr[0] "un"\nmsgstr[1] ""', "not translated: ('one', 'many')"),
        ('#, fuzzy\nmsgid "rows"\nmsgstr "lignes"', "fuzzy: 'rows'"),
        ('msgid "{count} rows"\nmsgstr "lignes"', "other placeholders: '{count} rows'"),
        ('msgid "{count} rows"\nmsgstr "{nombre} lignes"', "other placeholders: '{count} rows'"),
        ('msgid "with --json"\nmsgstr "avec --jason"', "other placeholders: 'with --json'"),
        ('msgid "the file {file!r}"\nmsgstr "le fichier {file!r}"', None),
        ('msgid "{{ column }}"\nmsgstr "{{ colonne }}"', None),
    ],
)
def test_a_fault_of_the_catalogue_is_named(entry: str, fault: str | None) -> None:
    assert po(f"{entry}\n") == ([] if fault is None else [fault])


@pytest.mark.parametrize(
    ("typed", "set_"),
    [
        ("l'audience d'un compte : dit « oui »", "l’audience d’un compte\u00a0: dit «\u00a0oui\u00a0»"),
        ("encore ? oui ; non !", "encore\u202f? oui\u202f; non\u202f!"),
        ("--map 'nom=Nom du client'", "--map 'nom=Nom du client'"),
        ("URL:PORT; a", "URL:PORT; a"),
        ("  : après", "  : après"),
    ],
)
def test_punctuation_is_set_as_french_has_it_and_commands_are_not(typed: str, set_: str) -> None:
    assert catalogue.typeset(typed) == set_
    assert catalogue.typeset(set_) == set_


@pytest.mark.parametrize("code", ['_(f"read {count} rows")', '_("read " + count)'])
def test_a_message_that_is_put_together_before_it_is_looked_up_is_refused(code: str) -> None:
    file = BytesIO(code.encode())
    file.name = "some.py"
    with pytest.raises(calls.NotFoundLater, match=re.escape("some.py:1")):
        list(calls.calls(file, ["_"], [], {}))


def test_messages_are_found_inside_of_f_strings_and_as_plurals() -> None:
    code = b"print(f\"{_('one')}: {nN_('{count} row', '{count} rows')}\")"
    found = {(name, texts) for _line, name, texts, _comments in calls.calls(BytesIO(code), ["_", "nN_"], [], {})}
    assert found == {("_", ("one",)), ("nN_", ("{count} row", "{count} rows"))}
