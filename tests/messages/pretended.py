"""A language that has English words in letters of its own: what is left in English letters was never looked up.

    "read {count} rows" → "ｒｅａｄ {count} ｒｏｗｓ"

It passes for French, so that nothing else has to know of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from campaigns import reasons
from tests.messages.collecting import collected
from worker import language

_PIECES = re.compile(r"(?<!\{)\{[^{}]*\}(?!\})|%\(\w+\)s|[A-Za-z]+")
_WIDE = ord("Ａ") - ord("A")


@contextmanager
def pretended(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the command speak it, for so long."""
    place = folder / language.FRENCH / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / f"{language.DOMAIN}.mo").write_bytes(_compiled())
    patch.setattr(language, "LOCALES", folder)
    patch.setenv("LANGUAGE", language.FRENCH)
    _forget()
    yield
    language.speak("C")
    _forget()


@cache
def _compiled() -> bytes:
    """Once a run: to collect all that there is takes seconds."""
    into = BytesIO()
    write_mo(into, _marked(collected()))
    return into.getvalue()


def _forget() -> None:
    reasons._book.cache_clear()
    reasons._retold.cache_clear()


def _marked(messages: Catalog) -> Catalog:
    marked = Catalog(locale=language.FRENCH, charset="utf-8", fuzzy=False)
    for message in messages:
        if message.id:
            marked.add(message.id, _marks(message.id, marked.num_plurals))
    return marked


def _marks(message: str | tuple[str, str], plurals: int) -> str | tuple[str, ...]:
    if isinstance(message, str):
        return _mark(message)
    one, many = message
    return (_mark(one), *[_mark(many)] * (plurals - 1))


def _mark(message: str) -> str:
    """But for what is filled in, which is data, or looked up itself."""
    return _PIECES.sub(lambda found: found.group() if found.group()[0] in "{%" else wide(found.group()), message)


def wide(word: str) -> str:
    """`row` → `ｒｏｗ`."""
    return "".join(chr(ord(letter) + _WIDE) for letter in word)
