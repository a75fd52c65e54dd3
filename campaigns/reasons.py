"""Sentences that were written in English, and are shown to a person who may speak another language.

Why a campaign is in its state, why a request is in doubt, what became of an occurrence: workers write such a sentence
once, with `N_`, and for whoever reads it later it is found back here among the messages of the catalogue. So are those
of libraries (`borrowed`). What is not found, such as what a person wrote, is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache
from string import Formatter

from campaigns.called import NAMES
from campaigns.language import ENGLISH, NARROW_SPACE, WEEKDAYS, _, catalogue, figure
from campaigns.language import spoken as language

_SAYS_ENOUGH = 10
"""Letters around the placeholders of a message, by which a sentence is known to be of it, whatever stands in them."""

_REMEMBERED = 1_000
"""Sentences, and pieces of them, that are found back but once; what is in them differs without end."""

_LONGEST = 3
"""Pieces of one sentence, where there is a `; ` between them."""

_AND = f"{NARROW_SPACE}; "
_NUMBER = r"[\d,]+(?:\.\d+)?"
_QUOTED = r"""(?:'.*?'|".*?")"""
_FIGURE = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_A_VALUE = re.compile(rf"{_NUMBER}|{_QUOTED}", re.DOTALL)
"""What is no word: it says neither that a sentence is of a message, nor that it is not."""

_DAY = re.compile(rf"({'|'.join(WEEKDAYS)}) (\d{{4}}-\d\d-\d\d.*)")
_LIST = re.compile(r"\d+ \w+(?:, \d+ \w+)+")
_OPTION = re.compile(r"[\w.]+: ")


def retold(text: str) -> str:
    """The sentence in the language spoken: itself in English, and where no message of the catalogue is its like."""
    tongue = language()
    return text if tongue == ENGLISH else _retold(text, tongue)


@lru_cache(maxsize=_REMEMBERED)
def _retold(text: str, tongue: str) -> str:
    return _book(tongue).told(text) or text


@lru_cache(maxsize=2)
def _book(tongue: str) -> _Book:  # noqa: ARG001  it is what is remembered by: a test may speak one and then the other
    return _Book(catalogue())


@dataclass(frozen=True)
class _Book:
    """The messages of a language, and what each is in it."""

    messages: Mapping[str, str]
    known: dict[str, str | None] = field(default_factory=dict)

    def told(self, text: str) -> str | None:
        """The sentence, if any of it was found: as a whole, or else piece by piece."""
        if text in self.known:
            return self.known[text]
        found = self._alone(text) or self._one_after_the_other(text)
        if len(self.known) >= _REMEMBERED:
            self.known.clear()
        self.known[text] = found
        return found

    def _alone(self, text: str) -> str | None:
        return (
            self.messages.get(NAMES.get(text, text))
            or self._of_a_day(text)
            or self._of_a_list(text)
            or next(self._by_patterns(text), None)
            or self._of_an_option(text)
        )

    @cached_property
    def _patterns(self) -> list[_Pattern]:
        """The most certain first."""
        made = [_Pattern.of(message, said) for message, said in self.messages.items() if "{" in message]
        return sorted((pattern for pattern in made if pattern), key=lambda pattern: pattern.certainty, reverse=True)

    def _by_patterns(self, text: str) -> Iterator[str]:
        for pattern in self._patterns:
            if (values := pattern.values(text)) is None:
                continue
            found = {name: self.told(value) for name, value in values.items()}
            strange = [value for name, value in values.items() if not found[name] and not _A_VALUE.fullmatch(value)]
            if pattern.is_certain or (any(found.values()) and not strange):
                yield pattern.filled({name: found[name] or _as_written(value) for name, value in values.items()})

    def _of_an_option(self, text: str) -> str | None:
        """`template: …`, which is called so in every language."""
        option = _OPTION.match(text)
        said = self.told(text[option.end() :]) if option else None
        return option[0] + said if option and said else None

    def _one_after_the_other(self, text: str) -> str | None:
        """Sentences that were added to each other; the longest first, for there may be a `; ` in one of them."""
        pieces, said, found = text.split("; "), [], False
        while len(pieces) > 0:
            for size in range(min(_LONGEST, len(pieces)), 0, -1):
                if sentence := self._alone("; ".join(pieces[:size])):
                    found = True
                    break
            said.append(sentence or pieces[0])
            del pieces[:size]
        return _AND.join(said) if found else None

    def _of_a_day(self, text: str) -> str | None:
        """`Mon 2026-11-30 08:00 Africa/Abidjan`."""
        day = _DAY.fullmatch(text)
        return f"{_(day[1])} {day[2]}" if day else None

    def _of_a_list(self, text: str) -> str | None:
        """`3 invalid, 4 opted_out`."""
        parts = [self.told(part) or part for part in text.split(", ")] if _LIST.fullmatch(text) else []
        return ", ".join(parts) or None


@dataclass(frozen=True)
class _Pattern:
    """A message with placeholders, in pieces: a text, and the name of what follows it, and what that looks like."""

    pieces: tuple[tuple[str, str | None, str], ...]
    said: str

    @classmethod
    def of(cls, message: str, said: str) -> _Pattern | None:
        """None of a message that has no placeholder (it may show the braces of a template), or nothing else."""
        try:
            pieces = tuple((text, name, _looks(how, kind)) for text, name, how, kind in Formatter().parse(message))
        except ValueError:
            return None
        names = [name for _, name, _ in pieces if name]
        made = cls(pieces, said)
        return made if names and all(map(str.isidentifier, names)) and made.says_something else None

    @cached_property
    def certainty(self) -> tuple[int, int]:
        """How many letters, and how much in all, is sure to be in a sentence of it."""
        sure = "".join(text for text, _, _ in self.pieces)
        return sum(map(str.isalpha, sure)), len(sure)

    @cached_property
    def _has_number(self) -> bool:
        return any(looks == _NUMBER for _, _, looks in self.pieces)

    @cached_property
    def says_something(self) -> bool:
        """Whether it is more than two values side by side, as in `{name}: {what}`."""
        return self.certainty[0] > 0 or self._has_number

    @cached_property
    def is_certain(self) -> bool:
        """Whether a sentence that fits is sure to be of this message; else its values must be known as well."""
        letters, _ = self.certainty
        return letters >= _SAYS_ENOUGH or (letters > 0 and self._has_number)

    @cached_property
    def _longest(self) -> str:
        return max((text for text, _, _ in self.pieces), key=len)

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        parts, known = [], set()
        for text, name, looks in self.pieces:
            parts.append(re.escape(text))
            if name:
                parts.append(f"(?P={name})" if name in known else f"(?P<{name}>{looks})")
                known.add(name)
        return re.compile("".join(parts), re.DOTALL)

    def values(self, text: str) -> dict[str, str] | None:
        """What stands in the placeholders of a sentence; None if it is not of this message."""
        # Most messages are told by this already: no expression is made of them.
        found = self._expression.fullmatch(text) if self._longest in text else None
        return found.groupdict() if found else None

    def filled(self, values: Mapping[str, str]) -> str:
        """The sentence in the other language. Its values are texts by now, and have their format."""
        pieces = Formatter().parse(self.said)
        return "".join(text + (values.get(name, "") if name else "") for text, name, _, _ in pieces)


def _looks(how: str | None, kind: str | None) -> str:
    """What can stand in a placeholder of this format and conversion."""
    if how in (",", "d"):
        return _NUMBER
    return _QUOTED if kind == "r" else ".*?"


def _as_written(value: str) -> str:
    """A value that is no sentence: `1,234` is a figure, and written as the language writes them."""
    return figure(Decimal(value.replace(",", ""))) if _FIGURE.fullmatch(value) else value
