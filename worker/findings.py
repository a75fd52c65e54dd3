"""What a check of the doctor finds, and how grave that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from worker.language import N_, _, figure

MOST_NAMED = 5


class Verdict(StrEnum):
    """What is thought of what was found."""

    OK = N_("ok")
    WARNING = N_("warning")
    TROUBLE = N_("trouble")


@dataclass(frozen=True)
class Finding:
    """What a check found: a sentence, and what to do about it where something is to be done."""

    verdict: Verdict
    what: str
    remedy: str = ""


def ok(what: str) -> Finding:
    """Nothing to do."""
    return Finding(Verdict.OK, what)


def warning(what: str, remedy: str) -> Finding:
    """It may pass, or matter, but wakes nobody."""
    return Finding(Verdict.WARNING, what, remedy)


def trouble(what: str, remedy: str) -> Finding:
    """Something stands still, or is about to."""
    return Finding(Verdict.TROUBLE, what, remedy)


def worst(findings: Iterator[Finding] | list[Finding]) -> Verdict:
    """The gravest verdict of all."""
    return max((finding.verdict for finding in findings), key=list(Verdict).index, default=Verdict.OK)


def named(some: list[str]) -> str:
    """The first few, and how many more."""
    more = len(some) - MOST_NAMED
    first = "; ".join(some[:MOST_NAMED])
    return _("{first}; and {count} more").format(first=first, count=figure(more)) if more > 0 else first
