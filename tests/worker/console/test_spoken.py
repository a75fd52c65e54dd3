"""The command in the language of the environment, on terminals of any encoding."""

import os
import subprocess
from pathlib import Path
from types import MappingProxyType

import click
import pytest

from tests.worker.command_line import submitted
from tests.worker.terminal import PROGRAM, run
from worker import language
from worker.console.group import Entry, Group
from worker.console.letters import nearest
from worker.console.spoken import spoken, translated

UNSET = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", "PYTHONIOENCODING")


def called(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The program in this environment, and in no other language than it says."""
    rest = {name: value for name, value in os.environ.items() if name not in UNSET}
    return subprocess.run(
        [*PROGRAM, *words], env={**rest, **environment}, capture_output=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "Montre cette aide et s’arrête."),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "fr_CI:en"}, "Montre cette aide et s’arrête."),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "Show this message and exit."),
        ({"LANG": "en_US.UTF-8"}, "Show this message and exit."),
        ({"LANG": "xx_XX.UTF-8"}, "Show this message and exit."),
        ({}, "Show this message and exit."),
    ],
)
def test_help_is_in_the_language_of_the_environment(environment: dict[str, str], said: str) -> None:
    result = called("list", "--help", **environment, PYTHONIOENCODING="utf-8")
    assert result.returncode == 0
    assert said in result.stdout.decode()


@pytest.fixture
def french(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "fr")


@pytest.mark.usefixtures("french")
def test_what_is_written_wrongly_is_explained_in_french() -> None:
    assert "La commande 'shw' n’existe pas. Vouliez-vous dire 'show'" in run("shw").stderr
    assert run("pause").stderr.endswith("Erreur\u00a0: Il manque l’argument 'ID'.\n")
    assert "'0' n’est pas un identifiant" in run("pause", "0").stderr
    assert "'abc' n’est pas un nombre.\n" in run("submit", "--rate", "abc").stderr
    assert "'1.5' n’est pas un nombre entier.\n" in run("list", "-n", "1.5").stderr


@pytest.mark.usefixtures("french")
def test_a_file_that_failed_is_named_with_a_blank_before_the_colon(clients: str, tmp_path: Path) -> None:
    submitted(clients)
    there = tmp_path / "r.csv"
    there.touch()
    assert f"{there}\u00a0: " in run("export", "1", "-o", str(there)).stderr
    assert f"{there}\u00a0: " in run("export", "1", "-o", str(there), "--replace").stderr


@pytest.mark.usefixtures("french")
def test_a_life_of_a_campaign_in_french(clients: str) -> None:
    assert submitted(clients) == 1
    assert run("pause", "1").stdout == "campagne 1 en pause\u00a0: déjà partis\u00a0: 0 message, non partis\u00a0: 2\n"
    page = run("show", "1").stdout
    assert "en pause" in page
    assert "qu’une personne la reprenne\u00a0: mise en pause par une personne" in page
    assert "100,0\u202f%" in page
    assert run("resume", "1").exit_code == 0
    assert run("show", "99").stderr.startswith("Erreur\u00a0: aucune campagne n’a l’identifiant 99")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
def test_a_terminal_without_french_letters_gets_the_nearest_ones(clients: str, encoding: str) -> None:
    submitted(clients)
    for words in (("show", "1"), ("list",), ("show", "99"), ("pause", "--help"), ("doctor",), ("nothing",)):
        result = called(*words, LANG="fr_FR", PYTHONIOENCODING=encoding)
        assert b"Traceback" not in result.stderr
        assert result.returncode in (0, 1, 2)
    shown = called("show", "1", LANG="fr_FR", PYTHONIOENCODING=encoding)
    assert shown.returncode == 0
    assert ("ecarte" if encoding == "ascii" else "écarté") in shown.stdout.decode(encoding)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Crédits épuisés…", "Credits epuises..."), ("« œuf » 1\u202f000", '" oeuf " 1 000'), ("日", "?")],
)
def test_the_nearest_letters_are_in_ascii(text: str, shown: str) -> None:
    assert nearest(text) == shown


@click.command(epilog="\b\nExample:\n  campaigns try it\n\nAnd then.")
@click.option("--file", "files", metavar="FILE…", multiple=True, help="Which one.  [default: none]")
@click.argument("name")
def _attempt(**_asked: str) -> None:
    """Try it
    out.

    \b
    one   the first
    """


class _Attempts(Group):
    entries = MappingProxyType({"try": Entry(__name__, "_attempt", "Try it.")})


def test_every_text_of_a_command_is_looked_up_but_no_example() -> None:
    asked: list[str] = []

    def say(message: str) -> str:
        asked.append(message)
        return message.upper()

    shouted = translated(_attempt, say)

    assert asked == [
        *("Try it out.", "one   the first", "Example:", "And then."),
        *("OPTIONS", "Which one. [default: none]", "FILE", "NAME"),
    ]
    context = click.Context(shouted, info_name="try")
    assert "  campaigns try it\n" in shouted.get_help(context)
    assert "WHICH ONE.  [DEFAULT: NONE]" in shouted.get_help(context)
    assert "Try it" in _attempt.get_help(click.Context(_attempt))  # which is another one


def test_whoever_speaks_english_gets_the_commands_as_they_are() -> None:
    assert language.speak("C") == "en"
    assert spoken(_attempt) is _attempt


def test_a_stray_word_is_told_what_may_have_been_meant() -> None:
    with pytest.raises(click.UsageError) as raised:
        _Attempts("attempts").resolve_command(click.Context(_Attempts("attempts")), ["tri"])
    assert raised.value.format_message() == "No such command 'tri'. Did you mean 'try'?"
