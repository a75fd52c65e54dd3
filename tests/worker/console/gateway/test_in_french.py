"""The gateway by hand, where French is spoken: what it costs, what came of it, and what to do where nobody knows."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.messages.pretended import pretended
from tests.worker.console.gateway.conftest import DEAD, LOOKUP, MERGE, NUMBER, READ, ROWS, SEND
from tests.worker.terminal import run
from tests.worker.test_every_word import words_left
from worker.language import speak
from worker.sandbox.server import RunningSandbox

DATA = {"CLINIQUE", "Fête", "UCS", "binaire", "default", "get", "json", "msgfid", "msgid", "smsfid", "soap", "xml"}
MERGED = ("Bonjour {nom}", "Bonjour", "Bonjour {{ nom }}", "Bonjour {ville}", "Bonjour {Nom}")

pytestmark = pytest.mark.usefixtures("french")


@pytest.fixture
def french(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LANGUAGE", "fr_CI:fr")
    yield
    speak("en")


def said(*words: str, stdin: str | None = None) -> tuple[int, str]:
    """The status, and all that is shown, with ordinary blanks."""
    result = run(*words, stdin=stdin)
    return result.exit_code, re.sub(r"[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]", " ", result.output)


@pytest.mark.usefixtures("account")
def test_what_a_sending_costs_and_what_was_taken_is_said_in_whole_sentences() -> None:
    status, shown = said(*SEND, NUMBER, "--yes")
    assert status == 0
    assert "Ceci envoie un texte de la part de CLINIQUE : 2 numéros, 2 segments en GSM-7." in shown
    assert re.search(r"Par le compte default chez 127\.0\.0\.1:\d+, qui a 1 000 000 crédits, dans la forme xml", shown)
    assert "pris : 1 sur 2 numéros, 1 crédit, reste 999 999" in shown
    assert "répétés : 1 (un numéro ne reçoit qu’un message par requête)" in shown


@pytest.mark.usefixtures("account")
def test_where_nobody_agrees_nothing_is_done_by_its_own_name() -> None:
    assert "rien n’a été envoyé : il n’y a pas de terminal" in said(*MERGE, stdin=ROWS)[1]
    assert "rien n’a été vérifié : il n’y a pas de terminal" in said(*LOOKUP)[1]


@pytest.mark.usefixtures("account")
def test_who_is_not_reachable_is_named_and_reports_are_told_by_their_meaning() -> None:
    assert f"non pris, donc injoignables : {DEAD}" in said(*LOOKUP, DEAD, "--yes")[1]
    said(*SEND, "--yes")
    status, shown = said(*READ, "--no-journal", "--yes")
    assert (status, "56  livré" in shown, "2 accusés" in shown) == (0, True, True)


def test_a_lost_reply_leaves_a_doubt_whose_evidence_is_explained(account: RunningSandbox) -> None:
    account.fault("drop_reply", operation="send", count=1)
    status, shown = said(*SEND, "--yes")
    assert status == 3
    assert "en doute (connexion fermée sans réponse) : l’envoi a peut-être eu lieu, ou non." in shown
    assert "avant : 1 000 000, maintenant : 999 999 ; si personne d’autre n’a utilisé le compte, l’envoi a eu" in shown


@pytest.mark.usefixtures("sandbox")
def test_what_is_written_wrongly_is_told_by_the_words_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSECO_PASSWORD", "s3cret")
    where = ("--url", "http://sms.example", "--login", "demo")
    assert "employez https, ou ajoutez --allow-plain-http" in said("gateway", "balance", *where)[1]
    assert "--url et --login vont ensemble" in said("gateway", "balance", *where[:2])[1]


@pytest.mark.usefixtures("account")
def test_a_wrong_number_is_counted_as_a_person_counts() -> None:
    assert "numéro 2 ne se compose pas de chiffres" in said(*SEND, "07x", "--yes")[1]


def test_no_word_is_said_that_the_catalogue_was_not_asked_for(
    account: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    account.fault("drop_reply", operation="lookup", count=1)
    life = [
        (*SEND, NUMBER, "--yes"),
        (*SEND, "--no-unicode", "--text", "Fête", "--datesend", "2030-01-01T09:00+00:00"),
        (*SEND, "--datesend", "2030-01-01T09:00"),
        (*LOOKUP, DEAD, "--yes"),
        (*LOOKUP, DEAD, "--yes"),
        (*LOOKUP, "--form", "get", "--msgid", "m-1"),
        (*READ, "--no-journal", "--yes"),
        (*READ, "--no-journal", "--yes"),
        ("gateway", "balance"),
        ("gateway", "balance", "--login", "demo"),
    ]
    with pretended(tmp_path / "locale", monkeypatch):
        found = [(words, left_of(*words)) for words in life]
        found += [((text,), left_of(*MERGE[:3], "--text", text, stdin=ROWS)) for text in MERGED]
    assert [(words, left) for words, left in found if left] == []


def left_of(*words: str, stdin: str | None = None) -> set[str]:
    """Words that were not looked up; ids are none."""
    return words_left(re.sub(r"\b[\da-f]{14,}\b", "", run(*words, stdin=stdin).output)) - DATA
