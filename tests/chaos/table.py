"""The outcomes for a person: a line a round, a row a kind, and how to play again what went wrong."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from rich.console import Group
from rich.table import Table

from tests.chaos.rounds import Outcome
from tests.chaos.scenarios import SCENARIOS

COLUMNS: dict[str, Callable[[Sequence[Outcome]], str]] = {
    "rounds": lambda some: f"{len(some):,}",
    "faults": lambda some: f"{sum(one.faults for one in some):,}",
    "recipients": lambda some: f"{sum(one.verdict.recipients for one in some):,}",
    "duplicates": lambda some: f"{sum(one.verdict.duplicates for one in some):,}",
    "skipped": lambda some: f"{sum(one.verdict.skipped for one in some):,}",
    "reports lost": lambda some: f"{sum(one.verdict.lost for one in some):,}",
    "gaps": lambda some: f"{sum(one.verdict.gaps for one in some):,}",
    "overspent": lambda some: f"{sum(one.verdict.overspent for one in some):,}",
    "completed": lambda some: f"{_ends(some)['completed']:,}",
    "stopped": lambda some: ", ".join(f"{count} {end}" for end, count in _ends(some).items() if end != "completed"),
    "progress, s": lambda some: f"{max(one.progressed for one in some):.1f}",
    "end, s": lambda some: f"{max(one.ended for one in some):.1f}",
}
"""Faults are those injected; reports lost those beyond the counted gaps; completed and stopped are campaigns; the
seconds are the worst from the mending on, to the first progress and to the end."""


def line(number: int, of: int, outcome: Outcome) -> str:
    """What became of a round."""
    ends = ", ".join(f"{count} {end}" for end, count in sorted(Counter(outcome.campaigns).items())) or "no end"
    found = "".join(f"\n    {violation}" for violation in outcome.violations)
    state = "[red]wrong[/]" if found else "ok" if not outcome.missed else f"ok at try {outcome.missed + 1}"
    return (
        f"{number}/{of} {outcome.name}: {state}, {outcome.faults} faults, {ends}, "
        f"progress after {outcome.progressed:.1f} s, end after {outcome.ended:.1f} s, took {outcome.took:.1f} s{found}"
    )


def summary(outcomes: Sequence[Outcome], *, seed: int) -> Group:
    """The table, and each violation with what to type."""
    shown = Table(title=f"Chaos, seed {seed}", title_justify="left")
    shown.add_column()
    for name in COLUMNS:
        shown.add_column(name, justify="right")
    kinds = list(dict.fromkeys(scenario.kind for scenario in SCENARIOS.values()))
    for kind in kinds:
        if some := [one for one in outcomes if SCENARIOS[one.name].kind == kind]:
            shown.add_row(kind, *[figure(some) for figure in COLUMNS.values()])
    shown.add_section()
    shown.add_row("all", *[figure(outcomes) for figure in COLUMNS.values()])
    return Group(shown, *_again(outcomes))


def _again(outcomes: Iterable[Outcome]) -> list[str]:
    wrong = [one for one in outcomes if one.violations]
    if not wrong:
        return ["nothing was found that must not be"]
    return [
        f"{one.name}: {'; '.join(one.violations)}\n  again: python -m tests.chaos --seed {one.seed} --only {one.name}"
        for one in wrong
    ]


def _ends(some: Iterable[Outcome]) -> Counter[str]:
    return Counter(end for one in some for end in one.campaigns)
