"""The national numbering plans, as `phonenumbers` knows them: asked one number at a time, or compiled to a pattern.

A pattern is only an answer given sooner: what it takes, `Library.mobile` takes with the same result, and what it does
not take has to be asked. It imports `phonenumbers` (70 ms); `phone.py` imports it when the first number comes.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc

from campaigns.language import _

_Match = Callable[[str], re.Match[str] | None]

_GETS_SMS = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
# What the library looks at before it looks at mobiles: a number that is one of these is no mobile.
_COME_FIRST = ("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail")
_NOTHING: _Match = re.compile(r"(?!)").match
END = "\0"
"""Behind each number of a column; no number holds one."""
_NEVER = 99
"""Longer than any number: makes each bare number of a region be asked."""


class Library:
    """`phonenumbers`, asked about digits with or without `+` (55,000 a second)."""

    def __init__(self, region: str) -> None:
        """`region` is an ISO 3166 code in either case; raises ValueError if there is no plan for it."""
        self.region = region.upper()
        if self.region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(
                _("there is no region {region!r}: give a country's two letters, such as CI or BF").format(region=region)
            )

    def mobile(self, text: str) -> int | None:
        """MSISDN of a number that can get an SMS, else None.

        `+` and `00` open a country code. Bare digits are a number of the region, or else one with country code.
        """
        if text.startswith("+"):
            return self._parse(text, None)
        if text.startswith("00"):
            return self._parse(f"+{text[2:]}", None)
        return self._parse(text, self.region) or self._parse(f"+{text}", None)

    @staticmethod
    def _parse(text: str, region: str | None) -> int | None:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            return None
        if phonenumbers.number_type(number) not in _GETS_SMS:
            return None
        return int(f"{number.country_code}{phonenumbers.national_significant_number(number)}")


@dataclass(frozen=True, slots=True)
class Plan:
    """The mobiles of one country, as patterns."""

    country_code: str
    international: _Match
    """Takes country code and national number, nothing before them."""
    local: _Match
    """Takes a number as dialled within the country; its group `nsn` goes behind the country code."""
    longest_local: int
    """Bare digits, if longer than this, are no number of this country without its code."""
    column: "Column | None" = None
    """Takes many numbers of this country at once; None where their plan is too odd for that."""

    @classmethod
    @cache
    def of(cls, region: str) -> "Plan":
        """The plan of a region that the library knows; one whose rules are too odd for a pattern takes nothing."""
        metadata = PhoneMetadata.metadata_for_region(region, None)
        if metadata is None:
            raise ValueError(_("there is no region {region!r}").format(region=region))
        code = str(metadata.country_code)
        core = _core(metadata)
        if core is None or phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)][0] != region:
            return cls(code, _NOTHING, _NOTHING, _NEVER)
        prefix = metadata.national_prefix_for_parsing or ""
        international = re.compile(rf"{code}{core}", re.ASCII).fullmatch
        if metadata.international_prefix != "00" or (prefix and not prefix.isdecimal()):
            return cls(code, international, _NOTHING, _NEVER)
        # Where the two begin alike, the library may take the one for the other.
        trunk = f"(?:{prefix})?" if prefix and prefix[0] != code[0] else ""
        local = re.compile(rf"(?!00){trunk}(?P<nsn>{core})", re.ASCII).fullmatch
        longest = max(_lengths(metadata.general_desc)) + len(prefix)
        return cls(code, international, local, longest, Column.of(metadata, core, prefix, longest))

    @classmethod
    def of_international(cls, digits: str) -> "Plan | None":
        """The plan that an international number belongs to; `digits` are its first three. None if nobody's."""
        for length in (1, 2, 3):
            regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))
            if regions and not digits.startswith("0"):
                return None if regions[0] == "001" else cls.of(regions[0])
        return None


@dataclass(frozen=True, slots=True)
class Column:
    """The mobiles of one country where all are of one length, as one pattern that takes number after number."""

    many: Callable[[str, int], re.Match[str] | None]
    """Takes as many numbers as it can, from a place on: digits, `+` or `00` or nothing before them, END after each."""
    below: int
    """A smaller number came without its country code …"""
    code: int
    """… which makes a number of the plan once it is added."""

    @classmethod
    def of(cls, metadata: PhoneMetadata, core: str, trunk: str, longest_local: int) -> "Column | None":
        """From the pattern of the national mobiles; `trunk` is what is dialled before them within the country."""
        lengths = _mobile_lengths(metadata)
        code = str(metadata.country_code)
        if len(lengths) != 1 or trunk not in ("", "0"):  # a trunk that is zero adds nothing to a number
            return None
        core = core.replace(r"\Z", f"(?={END})")
        bare = f"(?=[0-9]{{{longest_local + 1}}})"  # shorter ones may be local
        one = rf"(?:(?:\+|00|{bare}){code}|(?!00){trunk and f'{trunk}?'}){core}"
        below = 10 ** lengths.pop()
        return cls(re.compile(f"(?:{one}{END})*", re.ASCII).match, below, metadata.country_code * below)

    @staticmethod
    def joined(cells: Sequence[str]) -> str | None:
        """Cells for `read`, without their blanks; None if they cannot be told apart any more."""
        joined = END.join(cells).replace(" ", "") + END
        return joined if joined.count(END) == len(cells) else None

    def read(self, joined: str, at: int) -> tuple[list[int], int]:
        """The MSISDNs from this place on, up to a cell that is no plain number of the plan, and that cell's place."""
        run = self.many(joined, at)
        stop = run.end() if run else at
        if stop == at:
            return [], at
        numbers = list(map(int, joined[at : stop - 1].split(END)))
        if min(numbers) < self.below:
            numbers = [number + self.code if number < self.below else number for number in numbers]
        return numbers, stop

    @staticmethod
    def next(joined: str, at: int) -> int:
        """The place of the cell after this one."""
        return joined.index(END, at) + 1


def _mobile_lengths(metadata: PhoneMetadata) -> set[int]:
    lengths = set(_lengths(metadata.general_desc))
    return lengths & (set(_lengths(metadata.mobile)) or lengths)


def _core(metadata: PhoneMetadata) -> str | None:
    """A pattern of national numbers that the library calls mobile, and from which it strips nothing."""
    general, mobile = _pattern(metadata.general_desc), _pattern(metadata.mobile)
    # Of regions that share a country code, the library takes the first one that has no leading digits of its own.
    if metadata.leading_digits or not general or not mobile:
        return None
    of_a_length = "|".join(rf"[0-9]{{{length}}}" for length in sorted(_mobile_lengths(metadata)))
    others = "|".join(filter(None, (_pattern(getattr(metadata, name)) for name in _COME_FIRST)))
    not_others = rf"(?!(?:{others})\Z)" if others else ""
    not_prefix = f"(?!{metadata.national_prefix_for_parsing})" if metadata.national_prefix_for_parsing else ""
    return rf"(?=(?:{of_a_length})\Z)(?=(?:{general})\Z){not_prefix}{not_others}(?:{mobile})"


def _pattern(description: PhoneNumberDesc | None) -> str | None:
    return description.national_number_pattern if description else None


def _lengths(description: PhoneNumberDesc | None) -> tuple[int, ...]:
    return description.possible_length if description else ()
