"""Which numbers the gateway takes, and what they become: digits with a country code.

Local spellings are those of the account's country; everything else is `indicatif+numero`, as the vendor writes it
(I-2). It knows the shape of numbers only, not who is behind them.
"""

import re
from collections.abc import Iterable
from typing import TypeVar

from worker.sandbox.codes import Refused

T = TypeVar("T")

# Côte d'Ivoire has ten digits since 2021; the vendor's samples still carry the eight of before, and they are served.
_LOCAL = {"225": r"\d{8}|0[157]\d{8}|2[157]\d{8}"}
_LOCAL_ELSEWHERE = r"\d{8,9}"
_INTERNATIONAL = r"[1-9]\d{7,14}"


class Numbering:
    """The numbers of one account: `Numbering("225").msisdn("07352518")` is 22507352518."""

    def __init__(self, country: str) -> None:
        local = _LOCAL.get(country, _LOCAL_ELSEWHERE)
        self._country = country
        self._taken = re.compile(rf"({local})|{_INTERNATIONAL}", re.ASCII)

    def msisdn(self, raw: str) -> int | None:
        """The number with its country code, or None for one that cannot be a number."""
        digits = raw.strip()
        found = self._taken.fullmatch(digits)
        if found is None:
            return None
        return int(self._country + digits) if found.lastindex else int(digits)

    def taken(self, recipients: Iterable[tuple[str, T]]) -> dict[int, T]:
        """The valid numbers with what belongs to each; one that comes twice keeps what came first (I-1).

        Raises Refused: -7 where no number was given at all, -9 where none of them can be one.
        """
        given = 0
        taken: dict[int, T] = {}
        for raw, belongings in recipients:
            if not raw:
                continue
            given += 1
            number = self.msisdn(raw)
            if number is not None:
                taken.setdefault(number, belongings)
        if not given:
            raise Refused(-7)
        if not taken:
            raise Refused(-9)
        return taken
