"""What must not stand in a log is masked there: the last line of defence, behind all that writes nothing private.

A number is known by its look alone, so what only looks like one is masked as well; ids, times and measures are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

SHORTEST_SECRET = 3
"""Characters; to take out what is shorter would spoil every word."""

_KEPT = r"""
    \b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b       # a task's id
  | \b(?=\d*[a-f])[0-9a-f]{24}\b                                           # our msgid
  | \b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?              # a time
  | \b(?:campaign|batch|batches|attempt|poll|pid|line)\ \d+\b              # an id in a sentence
  | \b\d+\.\d+(?:e-?\d+)?(?=s\b)                                           # seconds
  | 0x[0-9a-fA-F]+                                                         # an address in memory
"""
_NUMBER = r"""
    (?:\+|\b00)\d{1,3}(?:[ .\-]?\(?\d{1,4}\)?){2,7}                        # as it is dialled from abroad
  | \b0\d(?:[ .\-]\d\d){3,4}\b                                             # as people write it at home
  | \d{8,}                                                                 # as the gateway has it
"""
_FOUND = re.compile(f"(?P<kept>{_KEPT})|(?P<number>{_NUMBER})", re.VERBOSE)

_FEW = re.compile(r"\d[\d .()\-]{6}")
"""What each number has: most texts need no second look."""


class Mask:
    """Masks numbers, and these secrets, in whatever is to be written.

    Args:
        secrets: logins and passwords.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        words = sorted({secret for secret in secrets if len(secret) >= SHORTEST_SECRET}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, words))) if words else None

    def __call__(self, value: Any) -> Any:
        """The value with what is private in its texts masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self(its) for name, its in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self(each) for each in value]
        return value if value is None or isinstance(value, bool | int | float) else self.text(str(value))

    def text(self, text: str) -> str:
        """The same of a text.

        >>> Mask(["hunter2"]).text("toto:hunter2 wrote to 2250701020304")
        'toto:*** wrote to 22507********'
        """
        if self._secrets is not None:
            text = self._secrets.sub("***", text)
        return _FOUND.sub(_masked, text) if _FEW.search(text) else text


def _masked(found: re.Match[str]) -> str:
    """A number's first digits, which tell the country, or the country and the operator; the others are stars."""
    if found["kept"] is not None:
        return found[0]
    digits = sum(map(str.isdigit, found[0]))
    shown = 5 if digits >= 11 else 3
    made = []
    for character in found[0]:
        if character.isdigit():
            shown -= 1
            made.append(character if shown >= 0 else "*")
        else:
            made.append(character)
    return "".join(made)
