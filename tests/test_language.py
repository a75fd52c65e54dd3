"""Which language is spoken, and how figures are written in it."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from subprocess import PIPE

import pytest

from worker import language
from worker.language import _, figure, language_of, ngettext, share, speak, spoken, weekday


@pytest.fixture
def french() -> Iterator[None]:
    assert speak("fr_CI.UTF-8") == "fr"
    yield
    speak("C")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_CI"}, "fr"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "fr_SN@euro"}, "fr"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "xx_XX.UTF-8"}, "en"),
        ({"LANG": "frp_IT"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "fr_FR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": ""}, "fr"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "de:fr:en"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "en:fr"}, "en"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "fr"}, "fr"),
        ({"LANGUAGE": "fr"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "fr", "LC_ALL": "C"}, "en"),
        ({"LANG": "POSIX", "LANGUAGE": "fr"}, "en"),
    ],
)
def test_the_environment_says_which_language_as_it_does_to_gettext(environment: dict[str, str], expected: str) -> None:
    assert language_of(environment) == expected


def test_english_is_spoken_unless_another_is_chosen() -> None:
    assert spoken() == "en"
    assert _("in doubt") == "in doubt"
    assert ngettext("{count} row", "{count} rows", 1) == "{count} row"
    assert ngettext("{count} row", "{count} rows", 0) == "{count} rows"


@pytest.mark.usefixtures("french")
def test_french_is_spoken_where_it_was_chosen_and_zero_is_singular_in_it() -> None:
    assert spoken() == "fr"
    assert _("in doubt") == "en doute"
    assert ngettext("{count} row", "{count} rows", 0) == "{count} ligne"
    assert ngettext("{count} row", "{count} rows", 2) == "{count} lignes"


@pytest.mark.usefixtures("french")
def test_what_is_not_translated_is_said_in_english_and_nothing_remains_nothing() -> None:
    assert _("no such message") == "no such message"
    assert _("") == ""


def test_english_can_be_spoken_again() -> None:
    speak("fr")
    assert speak("en") == "en"
    assert _("in doubt") == "in doubt"


def test_a_choice_against_the_environment_ends_with_the_next() -> None:
    speak("fr")
    speak("C")
    assert speak() == "en"


def test_where_the_catalogue_is_missing_english_is_spoken(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(language, "LOCALES", tmp_path)
    assert speak("fr") == "en"
    assert figure(1234) == "1,234"


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (1_234_567, "1,234,567", "1\u202f234\u202f567"),
        (-1_234, "-1,234", "-1\u202f234"),
        (1_234.5, "1,234.5", "1\u202f234,5"),
        (Decimal("1234567.25"), "1,234,567.25", "1\u202f234\u202f567,25"),
    ],
)
def test_figures_are_written_as_the_language_writes_them(value: float, english: str, french: str) -> None:
    assert figure(value) == english
    speak("fr")
    try:
        assert figure(value) == french
    finally:
        speak("C")


@pytest.mark.usefixtures("french")
def test_decimals_can_be_limited_and_a_share_keeps_off_its_sign() -> None:
    assert figure(1_234.567, 1) == "1\u202f234,6"
    assert share(0.12345) == "12,3\u202f%"
    assert share(1, 0) == "100\u202f%"


def test_a_share_in_english() -> None:
    assert share(0.12345) == "12.3%"


def test_the_days_of_the_week_in_english_are_those_of_the_calendar() -> None:
    monday = datetime.fromisoformat("2026-11-30")
    week = [monday + timedelta(days=day) for day in range(7)]
    assert [weekday(day) for day in week] == [date.strftime(day, "%a") for day in week]


def test_whoever_does_not_speak_to_a_person_speaks_english_and_no_program_needs_babel() -> None:
    code = """
import campaigns, worker.cli, worker.language, sys
assert 'babel' not in sys.modules
print(worker.language.spoken())
"""
    french = {"LANG": "fr_FR.UTF-8"}
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=120, env=french, stdout=PIPE)
    assert done.stdout == b"en\n"
