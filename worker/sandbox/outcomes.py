"""What becomes of a message: a seeded draw over the mix, or the number's last digits.

The draw depends on the seed and the number alone, so a run comes out the same however its requests overlap.

A number ending in one of these seven digits is decided beforehand, for a send and for a lookup alike (56 is
"reachable" then, 49, 54, 59 and 62 are "unreachable"):

    9999956 delivered        9999960 network error      9999949 out of credits
    9999959 undelivered      9999962 rejected           9999900 silent: no report ever
    9999954 not sent         9999944 left out of a lookup's reply; a send takes it as any other
    9999901 unreadable: a send that holds it is refused with -1 as a whole; a lookup takes it as any other
"""

from array import array
from collections.abc import Mapping, Sequence

SILENT = 0
ENDS = {
    "delivered": 56,
    "undelivered": 59,
    "network_error": 60,
    "rejected": 62,
    "not_sent": 54,
    "no_credit": 49,
    "silent": SILENT,
}
REACHABLE, UNREACHABLE = 56, 59

MAGIC = 10_000_000
FORCED = {9_999_900 + code: code for code in (49, 54, 56, 59, 60, 62)} | {9_999_900: SILENT}
LEFT_OUT_OF_LOOKUPS = 9_999_944
UNREADABLE = 9_999_901

# The way to each end, without the end itself. A message that stays silent stops on the way.
_WHOLE_WAY = (50, 65, 55, 61)
WAYS = {56: _WHOLE_WAY, 59: _WHOLE_WAY, 60: _WHOLE_WAY, 62: (50,), 54: (50,), 49: (50,), SILENT: (50, 65, 55)}

_SLOTS = 1 << 16


class Draw:
    """Ends and delays of one kind of request, drawn by number."""

    def __init__(self, mix: Mapping[int, float], *, delays: tuple[int, int], seed: int, salt: str) -> None:
        """`mix`: end status → weight. `delays`: the least and the greatest, in ticks."""
        self._table = _table(mix)
        self._least = delays[0]
        self._span = delays[1] - delays[0] + 1 if delays[1] > delays[0] else 0
        self._key = hash((seed, sum(salt.encode())))

    def draw(self, numbers: Sequence[int]) -> tuple[bytes, Sequence[int]]:
        """For each number its end status (0 for silence) and its delay in ticks."""
        key, table, least, span = self._key, self._table, self._least, self._span
        dice = [hash((key, number)) & 0xFFFFFFFFFFFF for number in numbers]
        forced = FORCED.get
        ends = bytes([forced(number % MAGIC, table[die & 0xFFFF]) for number, die in zip(numbers, dice, strict=True)])
        if not span:
            return ends, array("I", [least]) * len(dice)
        return ends, array("I", [least + ((die >> 16) * span >> 32) for die in dice])


def _table(mix: Mapping[int, float]) -> bytes:
    """The mix as a table of equally likely slots: a draw is then a single index."""
    total, reached, table = sum(mix.values()), 0.0, bytearray()
    for end, weight in mix.items():
        reached += weight
        table += bytes([end]) * (round(reached / total * _SLOTS) - len(table))
    return bytes(table)
