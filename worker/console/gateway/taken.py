"""Which of the numbers that were asked for a receipt leaves out, where that can be told by how it spells the others."""

from __future__ import annotations

from collections.abc import Sequence

TAIL = 8
"""Digits that a number has at the least without its country code."""


def repeated(asked: Sequence[str]) -> int:
    """How many are there once more: a number gets one message from one request."""
    return len(asked) - len(set(asked))


def left_out(asked: Sequence[str], destinations: Sequence[str]) -> list[str] | None:
    """Those that are not among the destinations, each once, in their order; None where that cannot be told.

    A gateway may add a country code that was left out, or leave out one that was given.
    """
    exact = set(destinations)
    different = list(dict.fromkeys(asked))
    left = [number for number in different if number not in exact and not _with_another_head(number, exact)]
    return left if len(different) - len(left) == len(exact) else None


def _with_another_head(number: str, destinations: set[str]) -> bool:
    return any(
        min(len(number), len(spelled)) >= TAIL and (spelled.endswith(number) or number.endswith(spelled))
        for spelled in destinations
    )
