"""The catalogue of one language, read and written so that two people who add to it seldom meet: by file, undated."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from tests.messages.collecting import collected
from worker.language import NARROW_SPACE

LANGUAGE = "fr"
PO = Path(__file__).parents[2] / "worker" / "language" / "locale" / LANGUAGE / "LC_MESSAGES" / "campaigns.po"
WIDTH = 120
NO_BREAK = "\N{NO-BREAK SPACE}"
_DATED = re.compile(
    rb'^"(?:Project-Id-Version|Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|'
    rb"Generated-By):.*\n",
    re.MULTILINE,
)
"""Headers that differ from day to day or from machine to machine, and say nothing."""


def read() -> Catalog:
    """The catalogue as it is committed."""
    with PO.open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def brought_up_to_date(catalogue: Catalog) -> Catalog:
    """With what is new, and without what nobody says any more; nothing is guessed from what is alike."""
    catalogue.update(collected(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    for message in catalogue:
        if isinstance(message.string, str) and message.id:
            message.string = typeset(message.string)
        elif message.string and message.id:
            message.string = tuple(map(typeset, message.string))
    return catalogue


def written(catalogue: Catalog) -> bytes:
    """The text of its file."""
    into = BytesIO()
    write_po(into, catalogue, width=WIDTH, sort_by_file=True, include_lineno=False)
    return _DATED.sub(b"", into.getvalue())


def typeset(text: str) -> str:
    """Apostrophes, and the blanks before and in punctuation, as French has them; commands are in straight quotes."""
    text = re.sub(r"(?<=[^\W\d_])'(?=[^\W\d_{«])", "’", text)
    text = re.sub(r"(?<=\S) (?=[:»])", NO_BREAK, re.sub("« ", f"«{NO_BREAK}", text))
    return re.sub(rf"(?<=\S)[ {NO_BREAK}](?=[;?!])", NARROW_SPACE, text)


def faults(catalogue: Catalog) -> Iterator[str]:
    """What is wrong with a catalogue that is up to date, a sentence each."""
    for message in catalogue:
        if not message.id:
            continue
        if message.fuzzy:
            yield f"fuzzy: {message.id!r}"
        forms = _forms(message.string)
        if not all(forms):
            yield f"not translated: {message.id!r}"
        elif any(_placeholders(form) != _placeholders(asked) for form, asked in _pairs(message, forms)):
            yield f"other placeholders: {message.id!r}"


def _forms(text: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (text or "",) if text is None or isinstance(text, str) else text


def _pairs(message: Message, forms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each form and what it stands for; the last one of several is for all larger counts."""
    asked = _forms(message.id)
    return ((form, asked[min(place, len(asked) - 1)]) for place, form in enumerate(forms))


def _placeholders(text: str) -> set[str]:
    """`{count}` as Python fills it in, and the quoted commands, which nobody may translate."""
    try:
        named = {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}
    except ValueError:  # braces of a template, in an example
        named = set(re.findall(r"\{\{.*?\}\}", text))
    return named | set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
