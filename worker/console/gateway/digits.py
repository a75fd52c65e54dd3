"""Numbers as they are typed → as the gateway takes them. What they mean is left to the gateway."""

from __future__ import annotations

import re

_DECORATION = re.compile(r"[\s.()/-]")


def digits(number: str) -> str:
    """`+225 07 08 09 10 11` → `2250708091011`; what is no number stays one that is none."""
    return _DECORATION.sub("", number).removeprefix("+")
