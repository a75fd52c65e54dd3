"""Sentences that are stored in English and found back in the catalogue when they are shown."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from campaigns import events, reasons
from campaigns.grammar import TemplateError, read
from campaigns.language import catalogue, figure, speak
from campaigns.reasons import retold
from campaigns.spec import SpecError, check
from worker.language import NARROW_SPACE

ROOT = Path(__file__).parents[2]
SAID_AT_ONCE = {"cli", "doctor", "findings", "metrics"}
STORED = [path for path in (*ROOT.glob("campaigns/*.py"), *ROOT.glob("worker/*.py")) if path.stem not in SAID_AT_ONCE]
"""Where sentences are written that somebody reads later."""

STAGES = [
    ROOT / "worker" / f"{name}.py" for name in ("funding", "polling", "recurring", "refused", "sending", "submitting")
]

NOT_FOR_PEOPLE = {
    *events.EVENTS,  # of the log, as is the next
    "cancelled, nothing open",
    "; and {} more campaigns",  # what a task did, for Flower
    "Claim(attempt {}: {} of campaign {}, batch {})",
    "Test of {}",  # a name that a campaign is given
    "[\\w.]+: ",
    "batch {}",
    "batches {}–{}",
    "campaign {}, {}",
    "nothing to send",
    "{} in {}",  # the kind of a fault, and the function
    "a time without a time zone is no moment",
    "audience: {}",
    "batch {} holds somebody who has had as many messages today as may be",
    "batch {} holds somebody who has opted out",
    "no such column",
    "no such table",
    "read reports",  # a trace's
    "template: {}",
    "test: {}",
    "timezone: {}",
    "yyyy-mm-dd hh:mm:ss",
}
"""Of programs and for programmers, or names of options, which are the same in every language."""

SILENT = {"AssertionError", "CheckConstraint", "N_", "Slice", "_", "ngettext", "text"}
"""What is called with a sentence that is marked, or that nobody reads at the command line."""

A_SENTENCE = re.compile(r"[a-z]{2,}[,;:]? [a-z`({]|[a-z] $|^ [a-z]|: $")


@pytest.fixture
def french() -> Iterator[None]:
    assert speak("fr") == "fr"
    yield
    speak("C")


def typed(text: str) -> str:
    """As one types it: with plain blanks and apostrophes."""
    return text.translate({ord("\N{NO-BREAK SPACE}"): " ", ord(NARROW_SPACE): " ", ord("’"): "'"})


def calls(path: Path, *functions: str) -> Iterator[tuple[str, bool]]:
    """The messages that these functions are called with, and whether `format` is called of each."""
    tree = ast.parse(path.read_text())
    filled = {
        id(node.func.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in functions
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value), id(node) in filled


MESSAGES = sorted({message for path in STORED for message, _ in calls(path, "N_")})
FILLED = sorted({message for path in STORED for message, filled in calls(path, "_", "N_") if filled})


def sample(message: str) -> dict[str, Any]:
    """A value for each placeholder: one that is a sentence itself, and is to be found back as well."""
    kinds = {"d": 3, ",": 1_234_567}
    return {
        name: datetime(2026, 12, 24, 18, 0, tzinfo=UTC) if "%" in (how or "") else kinds.get(how or "", "timed out")
        for _, name, how, _ in Formatter().parse(message)
        if name
    }


def expected(message: str) -> str:
    """What a person is to read, whose sample had its values put in by hand."""
    said = re.sub(r"\{(\w+)!r\}", "'{\\1}'", re.sub(r"\{(\w+):,\}", r"{\1}", catalogue()[message]))
    quoted = re.findall(r"\{(\w+)!r\}", message)
    values = {
        name: figure(value) if value == 1_234_567 else "délai dépassé" if value == "timed out" else value
        for name, value in sample(message).items()
    }
    return said.format_map(values | dict.fromkeys(quoted, "timed out"))


def unmarked(path: Path) -> Iterator[str]:
    """Literals that are sentences, and that nothing marks to be translated."""
    tree = ast.parse(path.read_text())
    above = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        parent = above.get(id(node))
        if isinstance(parent, ast.Expr | ast.JoinedStr):
            continue
        if isinstance(node, ast.JoinedStr):
            words = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = node.value
        else:
            continue
        if A_SENTENCE.search(words) and not any(map(is_silent, ancestors(node, above))):
            yield words


def ancestors(node: ast.AST, above: dict[int, ast.AST]) -> Iterator[ast.AST]:
    while (parent := above.get(id(node))) is not None:
        yield parent
        node = parent


def is_silent(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg == "description"
    name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    return name in SILENT or name.startswith("log.") or name.endswith((".execute", "exec_driver_sql", "removeprefix"))


@pytest.mark.parametrize("path", [*ROOT.glob("campaigns/*.py"), *STAGES], ids=lambda path: path.stem)
def test_each_sentence_is_marked_so_that_it_can_be_found_back(path: Path) -> None:
    assert set(unmarked(path)) - NOT_FOR_PEOPLE == set()


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize("message", FILLED)
def test_each_sentence_that_may_be_stored_is_found_back_with_its_values(message: str) -> None:
    assert retold(message.format_map(sample(message))) == expected(message)


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize("message", sorted(set(MESSAGES) - set(FILLED)))
def test_each_sentence_without_values_is_found_back(message: str) -> None:
    assert retold(message) == catalogue()[message]


@pytest.mark.parametrize("message", FILLED)
def test_in_english_nothing_changes(message: str) -> None:
    stored = message.format_map(sample(message))
    assert retold(stored) == stored


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (
            "nothing to send: every recipient is excluded (3 invalid, 12 opted_out)",
            "rien à envoyer : tous les destinataires sont écartés (numéro invalide : 3, désinscrit : 12)",
        ),
        (
            "Awa; 1,234 batches were refused by the gateway: 1,200 with -9: Aucun; 34 with -10: x",
            "Awa ; 1 234 lots ont été refusés par la passerelle : 1 200 avec -9: Aucun ; 34 avec -10: x",
        ),
        (
            "refused: template: line 3: a dot is not allowed; key: String should have at least 1 character",
            "refusée : template: ligne 3 : il n'est pas permis d'employer un point ; key: il faut au moins 1 caractère",
        ),
        (
            "waits for a person to resume it: the gateway refused it, -8: Expéditeur non enregistré",
            "attend : qu'une personne la reprenne : la passerelle l'a refusée, -8: Expéditeur non enregistré",
        ),
        (
            "its window, which opens Mon 2026-11-30 08:00 Africa/Abidjan, for numbers of CI",
            "sa plage horaire, qui s'ouvre le lun. 2026-11-30 08:00 Africa/Abidjan, pour les numéros de CI",
        ),
        (
            "timed out; the gateway's own count says that it was paid for",
            "délai dépassé ; le décompte de la passerelle dit qu'elle a été payée",
        ),
        (
            "replies are lost or unreadable: not the gateway's answer: HTTP 503",
            "des réponses se perdent ou sont illisibles : ce n'est pas la réponse de la passerelle : HTTP 503",
        ),
    ],
    ids=[
        "a list",
        "two in a row, with figures",
        "of options",
        "one in another",
        "with a day",
        "with what was added",
        "of the client",
    ],
)
def test_sentences_in_sentences_are_found_back_too(stored: str, shown: str) -> None:
    assert typed(retold(stored)) == shown


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize(
    "written",
    [
        "prix faux dans le texte",
        "wrong price in the text; see Awa, please",
        "3 pending, see Awa",
        "wrong price: see Awa (in the text)",
        "too late or too early",
        "asked by Awa",
        "(none)",
        "https://example.org/: down",
        "{count} {reason}",
        "",
    ],
)
def test_what_a_person_wrote_is_shown_as_it_is(written: str) -> None:
    assert retold(written) == written


@pytest.mark.usefixtures("french")
def test_one_language_is_not_remembered_for_the_other() -> None:
    assert retold("paused by a person") == "mise en pause par une personne"
    speak("C")
    assert retold("paused by a person") == "paused by a person"


def test_what_is_remembered_of_sentences_does_not_grow_with_them() -> None:
    book = reasons._Book({})
    for place in range(3_000):
        book.told(f"{place} things")

    assert len(book.known) <= 1_000


WRONG_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name: il faut au moins 1 caractère"),
    ({"name": "x" * 201}, "name: il faut au plus 200 caractères"),
    ({"name": None}, "name: ce doit être un texte"),
    ({"rate": 0}, "rate: ce doit être plus de 0"),
    ({"rate": 10_001}, "rate: ce doit être au plus 10000"),
    ({"rate": "x"}, "rate: ce doit être un nombre"),
    ({"batch_size": 0}, "batch_size: ce doit être au moins 1"),
    ({"batch_size": 1.5}, "batch_size: ce doit être un nombre entier, sans décimales"),
    ({"batch_size": "x"}, "batch_size: ce doit être un nombre entier"),
    ({"flash": "perhaps"}, "flash: ce doit être true ou false"),
    ({"columns": 3}, "columns: ce doit être un dictionnaire"),
    ({"lookup": {"unknown": "x"}}, "lookup.unknown: ce doit être 'send' ou 'exclude'"),
    ({"in_doubt": "x"}, "in_doubt: ce doit être 'hold', 'resend' ou 'write_off'"),
    ({"scheduled_at": "soon"}, "scheduled_at: ce doit être une date avec son heure : trop court"),
    ({"scheduled_at": True}, "scheduled_at: ce doit être une date avec son heure"),
    (
        {"scheduled_at": "2026-12-24T18:00"},
        "scheduled_at: indiquez le fuseau horaire, comme dans 2026-12-24T18:00+00:00",
    ),
    ({"sender": "Clinique du Lac"}, "sender: un expéditeur a au plus 11 caractères, 'Clinique du Lac' en a 15"),
    ({"template": " "}, "template: le modèle est vide"),
]


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize(("option", "said"), WRONG_OPTIONS, ids=lambda value: str(value)[:40])
def test_what_is_wrong_with_an_option_is_said_in_the_language_spoken(option: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as refused:
        check({"name": "Rappel", "template": "Bonjour", **option}, now=None)
    assert list(map(typed, refused.value.faults)) == [said]


WRONG_TEMPLATES = {
    "{{ a": "fin de modèle inattendue, il manque '}}'",
    "{% if a %}x": "fin de modèle inattendue : il manque 'elif', 'else' ou 'endif' pour fermer le bloc 'if'",
    "{% foo %}": "balise 'foo' inconnue",
    "{{ a b }}": "'}}' attendu, 'b' trouvé",
    "{{ }}": "il manque une expression avant '}}'",
    "{{ (a }}": "'}' inattendu, ')' attendu",
    "{{ § }}": "caractère '§' inattendu à la position 3",
    "{# x": "un commentaire n'est pas fermé",
    "{{ a.b }}": "il n'est pas permis d'employer un point",
    "{{ a | shout }}": "le filtre `shout` n'est pas connu",
}


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize(("source", "said"), WRONG_TEMPLATES.items())
def test_what_is_wrong_with_a_template_is_said_in_the_language_spoken(source: str, said: str) -> None:
    with pytest.raises(TemplateError) as refused:
        read(source)
    assert typed(str(refused.value)).startswith(f"ligne 1 : {said}. Un modèle peut contenir")


@pytest.mark.usefixtures("french")
def test_credits_that_are_missing_are_written_as_the_language_writes_figures() -> None:
    said = retold("it needs 600,000 credits and 24,682 are free: 575,318 are missing")
    for count in (600_000, 24_682, 575_318):
        assert figure(count) in said
    assert "600,000" not in said
