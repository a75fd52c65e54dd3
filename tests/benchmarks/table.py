"""The figures for a person: beside their goals, with what must hold and what a reader must know of the machine."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from tests.benchmarks.figures import Part

COLOURS = {"met": "green", "missed": "bold red", "does not count": "yellow", "": ""}
NOISY = 0.1
"""Share of the machine that others may have, before seconds and rates are their doing, too."""


@dataclass(frozen=True)
class Ran:
    """A part that was run.

    Attributes:
        part: what it came to; None if it broke.
        seconds: how long it took in all.
        others: which share of the machine other processes than ours had meanwhile.
        broke: why there are no figures.
    """

    part: Part | None
    seconds: float
    others: float
    broke: str = ""


def figures(parts: Mapping[str, Ran], *, title: str) -> Table:
    """Every figure, its goal, and whether it was met."""
    table = Table("part", "figure", title=title, title_justify="left")
    for name in ("goal", "measured"):
        table.add_column(name, justify="right")
    table.add_column()
    for name, ran in parts.items():
        if ran.part is None:
            table.add_row(name, ran.broke, "", "", "[bold red]broke[/]")
            continue
        for place, figure in enumerate(ran.part.figures):
            verdict = f"[{COLOURS[figure.verdict]}]{figure.verdict}[/]" if figure.verdict else ""
            table.add_row("" if place else name, figure.name, figure.goal, figure.shown(figure.measured), verdict)
    return table


def remarks(parts: Mapping[str, Ran], *, is_full: bool = True) -> list[str]:
    """What a reader of the figures must know: what did not hold, what does not count, and who else was at work.

    `is_full`: the sizes are those that the goals are about.
    """
    said = [] if is_full else ["These are not the sizes that the goals are about: start-up and pauses weigh otherwise."]
    for name, ran in parts.items():
        if ran.part is not None:
            said += [f"{name}: NOT TRUE: {sentence}" for sentence, holds in ran.part.checks.items() if not holds]
            said += [f"{name}: {each.name}: {each.doubt}" for each in ran.part.figures if each.doubt]
        if ran.others > NOISY:
            said.append(f"{name}: other processes had {ran.others:.0%} of the machine: its rates are their doing, too.")
    return said


def all_holds(parts: Mapping[str, Ran]) -> bool:
    """Whether every part could be measured, and every account in it adds up."""
    return all(ran.part is not None and all(ran.part.checks.values()) for ran in parts.values())
