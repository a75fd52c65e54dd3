"""What a receipt says of each message of the batch that was sent, whatever order and spelling the gateway chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from campaigns.payload import ReceiptLines
from campaigns.settling import Acceptance
from worker.smseco.values import Receipt

TAIL = 8
"""Last digits by which a number is recognised that the gateway spells without its country code."""


def acceptance_of(numbers: Sequence[int], receipt: Receipt) -> Acceptance:
    """The reply in the order of what was sent; the gateway may order and spell its numbers otherwise.

    Args:
        numbers: MSISDNs as sent.
        receipt: the reply.
    """
    places = _places(numbers, receipt.destinations)
    smsfids: list[str | None] = [None] * len(numbers)
    prices = [Decimal(0)] * len(numbers)
    for line, place in enumerate(places):
        if place is not None:
            smsfids[place] = receipt.smsfids[line]
            prices[place] = receipt.message_credits[line] or Decimal(0)
    left_out = [number for number, smsfid in zip(numbers, smsfids, strict=True) if smsfid is None]
    # A line that names nobody we know, or somebody again, may stand for any of those that are missing.
    consistent = receipt.consistent and None not in places and len(set(places)) == len(places)
    return Acceptance(
        msgfid=receipt.msgfid,
        credits=receipt.credits,
        lines=ReceiptLines(smsfids, prices),
        left_out=left_out,
        consistent=consistent,
    )


def _places(numbers: Sequence[int], destinations: Sequence[str]) -> list[int | None]:
    if list(map(str, numbers)) == destinations:
        return list(range(len(numbers)))
    exact = {str(number): place for place, number in enumerate(numbers)}
    tails: dict[str, int | None] = {}
    for place, number in enumerate(numbers):
        tail = str(number)[-TAIL:]
        tails[tail] = None if tail in tails else place  # shared by two: it tells neither
    return [exact.get(spelled, _by_tail(spelled, tails, numbers)) for spelled in map(_digits, destinations)]


def _by_tail(spelled: str, tails: Mapping[str, int | None], numbers: Sequence[int]) -> int | None:
    """Only the country code may be missing: another country's number with the same tail is somebody else."""
    place = tails.get(spelled[-TAIL:])
    return place if place is not None and str(numbers[place]).endswith(spelled.lstrip("0")) else None


def _digits(spelled: str) -> str:
    return "".join(filter(str.isdecimal, spelled)).removeprefix("00")
