"""What people write as a phone number → the MSISDN that the gateway takes: digits with country code, as an int.

Only a number that can get an SMS comes out; garbage, landlines, premium and short numbers are None. The national plans
are those of `phonenumbers`; what it does not know is here: the Ivorian change of 2021, the API's own form
(`22678657808`: country code without `+`), and what spreadsheets do to numbers. Most numbers never reach the library:
its own patterns, compiled into one expression a country, answer for it twenty times faster.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from campaigns.numbering import Column

Normalizer = Callable[[str], int | None]
ColumnNormalizer = Callable[[Sequence[str]], list[int | None]]
_Match = Callable[[str], re.Match[str] | None]

LONGEST_CELL = 64
"""A cell with more characters than this holds something else than one number."""

TAIL = 8
"""Digits that every way to write a number ends with, but for what a spreadsheet adds."""

_OPENS_A_NUMBER = "+0123456789"
_DIGITS = re.compile(r"\+?[0-9]{4,17}", re.ASCII)
_FLOAT = re.compile(r"[1-9][0-9]*\.0+", re.ASCII)
_FLOAT_OF_A_NUMBER_WITH_ZERO_OR_PLUS = re.compile(r"(?:\+[0-9]*|0[0-9]*)\.0+", re.ASCII)
# What a spreadsheet's export leaves around a number to keep its zeros: '0708091011 or ="0708091011".
_SPREADSHEET_QUOTES = "='\"’"

# Before 31 January 2021 Ivorian numbers had 8 digits. The second digit told the operator, who got a new prefix;
# 2 and 3 opened landlines; 60, 61 and 69 belonged to operators that are gone.
_OLD_IVORIAN = re.compile(r"(?:\+?225|00225)?(?!00|60|61|69)([014-9][0-9])([0-9]{6})", re.ASCII)
_OPERATOR_PREFIX = dict(zip("0123456789", ["01"] * 4 + ["05"] * 3 + ["07"] * 3, strict=True))
# A number cell drops the first zero, and no Ivorian number has 9 digits.
_IVORIAN_WITHOUT_ZERO = re.compile(r"[157][0-9]{8}", re.ASCII)


def masked(number: str) -> str:
    """Enough of it to know it again, and not enough to call it."""
    return f"{number[:3]}…{number[-2:]}" if len(number) > 7 else "…"


@cache
def normalizer(region: str) -> Normalizer:
    """A function from text to MSISDN (int) or None, for numbers written as people of `region` (`CI`, `BF`, …) do.

    A number without country code is read as one of `region` first, and as country code without `+` only if that
    fails. The function never raises, whatever the text; it is pure, and safe to share between threads.
    Raises ValueError for a region that `phonenumbers` does not know.
    """
    # Imported here because it costs 70 ms and the producers that only enqueue do not need it.
    from campaigns.numbering import Library, Plan

    library = Library(region)
    home = Plan.of(library.region)
    country_code, local, longest_local = home.country_code, home.local, home.longest_local
    abroad = _Abroad()

    def normalize(raw: str) -> int | None:
        if len(raw) > LONGEST_CELL:
            return None
        text = raw.replace(" ", "")
        # Twice as fast as the table, and true of nine numbers in ten.
        if not (text[1:].isdecimal() and text[0] in _OPENS_A_NUMBER and text.isascii()):
            text = _digits_of(raw)
        if text[:1] == "+":
            number = text[1:]
        elif text[:2] == "00":
            number = text[2:]
        elif len(text) > longest_local:
            number = text
        elif match := local(text):
            return int(country_code + match["nsn"])
        else:
            return _ask(text, library.region, mobile=library.mobile, again=normalize)
        matches = abroad[number[:3]]
        if matches is not None and matches(number):
            return int(number)
        return _ask(text, library.region, mobile=library.mobile, again=normalize)

    return normalize


def column_normalizer(region: str) -> ColumnNormalizer:
    """What `normalizer` does, for many cells at once: three times as fast where most are of the region."""
    from campaigns.numbering import Plan

    normalize, plan = normalizer(region), Plan.of(region.upper()).column
    if plan is None:
        return lambda cells: list(map(normalize, cells))
    return partial(_by_column, normalize, plan)


def _by_column(normalize: Normalizer, plan: Column, cells: Sequence[str]) -> list[int | None]:
    """Numbers of the plan, run after run of them; what stands between two runs is looked at by itself."""
    joined = plan.joined([cell if len(cell) <= LONGEST_CELL else "" for cell in cells])
    if joined is None:
        return list(map(normalize, cells))
    numbers: list[int | None] = []
    at = 0
    while at < len(joined):
        run, at = plan.read(joined, at)
        numbers += run
        if at < len(joined):
            numbers.append(normalize(cells[len(numbers)]))
            at = plan.next(joined, at)
    return numbers


def _digits_of(raw: str) -> str:
    text = raw.translate(_SEPARATORS)
    # One dot may be that of a float; two are between groups of digits.
    return text.replace(".", "") if text.count(".") > 1 else text


def _ask(text: str, region: str, *, mobile: Normalizer, again: Normalizer) -> int | None:
    """What the fast path could not tell: tidied and tried again, or the Ivorian rule, or the library."""
    if not _DIGITS.fullmatch(text):
        tidied = _tidy(text)
        return None if tidied is None or tidied == text else again(tidied)
    return _old_ivorian(text, region) or mobile(text)


def _old_ivorian(text: str, region: str) -> int | None:
    """The 10-digit number of an 8-digit one, or of one that lost its zero in a spreadsheet."""
    match = _OLD_IVORIAN.fullmatch(text)
    if match and (region == "CI" or len(text) > 8):
        operator, rest = match.groups()
        return int(f"225{_OPERATOR_PREFIX[operator[1]]}{operator}{rest}")
    if region == "CI" and _IVORIAN_WITHOUT_ZERO.fullmatch(text):
        return int(f"2250{text}")
    return None


def _tidy(text: str) -> str | None:
    """The same number without a spreadsheet's quotes, float's `.0`, dots and slashes; None if it could be another."""
    text = text.strip(_SPREADSHEET_QUOTES)
    if _FLOAT.fullmatch(text):
        return text.partition(".")[0]
    # No float begins with 0 or +, so `07080910.00` is either a float made of text or ten digits: not for us to guess.
    if _FLOAT_OF_A_NUMBER_WITH_ZERO_OR_PLUS.fullmatch(text):
        return None
    # `07/08/09/10` is one number, but `07080910/11` is two.
    if "/" in text and any(len(group) > 3 for group in text.lstrip("+").split("/")):
        return None
    return text.replace(".", "").replace("/", "")


class _Separators(dict[int, str | None]):
    """A table for `str.translate`, filled as characters turn up.

    Digits of any script become ASCII ones; blanks, dashes, brackets and invisible marks go; the rest stays, and makes
    the number fail. Dots and slashes stay too: they can mean more than "go on".
    """

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            result: str | None = str(unicodedata.decimal(character))
        elif category in {"Zs", "Zl", "Zp", "Cf", "Pd"} or character in "()[]\t\r\n·•−":
            result = None
        else:
            result = {"＋": "+", "．": "."}.get(character, character)
        self[code] = result
        return result


_SEPARATORS = _Separators()


class _Abroad(dict[str, _Match | None]):
    """First three digits of an international number → the pattern of its country's mobiles, made when first met."""

    def __missing__(self, start: str) -> _Match | None:
        from campaigns.numbering import Plan

        if not (len(start) == 3 and start.isdecimal() and start.isascii()):
            return None
        plan = Plan.of_international(start)
        self[start] = plan.international if plan else None
        return self[start]
