"""How lists of recipients are packed into one value: JSON, compressed, column by column (it packs better than by row).

Three things are packed: a chunk of an audience, the payload of a batch, and the receipt of an attempt.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

_FAST = 1  # level 6 takes three times as long to save a tenth


def encode(value: Any) -> bytes:
    """Lists of text, None and integers of at most 64 bits as JSON; the same bytes on every host, to compare digests."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        # Half a surrogate pair is no text, and yet somebody's cell: it must not stop an audience.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def compress(encoded: bytes) -> bytes:
    """What `encode` gave, smaller. Its bytes depend on the host's zlib: nothing to compare by."""
    return zlib.compress(encoded, _FAST)


def pack(value: Any) -> bytes:
    """What `encode` takes, compressed."""
    return compress(encode(value))


def unpack(data: bytes) -> Any:
    """What `pack` was given (tuples come back as lists)."""
    encoded = zlib.decompress(data)
    try:
        return orjson.loads(encoded)
    except orjson.JSONDecodeError:  # half a surrogate pair
        return json.loads(encoded)


@dataclass(frozen=True, repr=False)
class Payload:
    """The messages of one batch, as they will be sent; four columns of one length.

    Attributes:
        rows: the audience's row numbers.
        numbers: MSISDNs.
        segments: segments of each text.
        values: what the gateway merges into the batch's text, one list a recipient.
    """

    rows: Sequence[int]
    numbers: Sequence[int]
    segments: Sequence[int]
    values: Sequence[Sequence[str]]

    def __len__(self) -> int:
        return len(self.numbers)

    def pack(self) -> bytes:
        """The bytes of the column `batches.payload`."""
        return pack([self.rows, self.numbers, self.segments, self.values])

    @classmethod
    def unpack(cls, data: bytes) -> Payload:
        """From the column `batches.payload`."""
        return cls(*unpack(data))

    def part(self, start: int, end: int) -> Payload:
        """Only the messages from one place to before another."""
        place = slice(start, end)
        return Payload(self.rows[place], self.numbers[place], self.segments[place], self.values[place])

    def apart(self, key: Callable[[int], str]) -> list[Payload]:
        """The messages to numbers of one key after those of another, as the keys turn up; each in the same order."""
        places: dict[str, list[int]] = {}
        for place, number in enumerate(self.numbers):
            places.setdefault(key(number), []).append(place)
        return [self] if len(places) == 1 else [self._of(kept) for kept in places.values()]

    def followed_by(self, more: Payload) -> Payload:
        """These messages, and then some more."""
        return Payload(
            [*self.rows, *more.rows],
            [*self.numbers, *more.numbers],
            [*self.segments, *more.segments],
            [*self.values, *more.values],
        )

    def halves(self) -> tuple[Payload, Payload]:
        """The first half of the messages, which is the larger one if their count is odd, and the second."""
        middle = (len(self) + 1) // 2
        return self.part(0, middle), self.part(middle, len(self))

    def without(self, numbers: set[int]) -> Payload:
        """Only the messages to other numbers, in the same order."""
        return self._of([place for place, number in enumerate(self.numbers) if number not in numbers])

    def _of(self, places: Sequence[int]) -> Payload:
        return Payload(
            [self.rows[place] for place in places],
            [self.numbers[place] for place in places],
            [self.segments[place] for place in places],
            [self.values[place] for place in places],
        )


@dataclass(frozen=True, repr=False)
class ReceiptLines:
    """What the gateway said of each message of an attempt, in the order of the batch's payload.

    Attributes:
        smsfids: the gateway's id of each message; none for a number that it did not name.
        credits: what it took for each; 0 where it did not name the number.
    """

    smsfids: Sequence[str | None]
    credits: Sequence[Decimal]

    def pack(self) -> bytes:
        """The bytes of the column `attempts.receipt`; one price for all is written once."""
        prices = [str(price) for price in self.credits]
        return pack([self.smsfids, prices[:1] if len(set(prices)) == 1 else prices])

    @classmethod
    def unpack(cls, data: bytes) -> ReceiptLines:
        """From the column `attempts.receipt`."""
        smsfids, prices = unpack(data)
        credits_ = [Decimal(price) for price in prices]
        return cls(smsfids, credits_ * len(smsfids) if len(credits_) == 1 else credits_)
