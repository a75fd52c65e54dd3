"""The figures for a person: contestants side by side, when each stage was through, and what must hold."""

import math
from collections.abc import Callable, Sequence
from functools import partial

from rich.table import Table

from tests.benchmarks.outcome import SERVERS, Outcome
from tests.benchmarks.usage import MEBIBYTE

SCRIPT_AT_LEAST = 20_000  # messages a second: a slower script proves nothing
IDLE_LOAD = 0.5


def contest(outcomes: Sequence[Outcome]) -> Table:
    """Contestants side by side; the ratio is the product's rate to theirs."""
    table = Table(title="From submit to last status", title_justify="left")
    table.add_column()
    for outcome in outcomes:
        table.add_column(outcome.way, justify="right")
    for name, figure in _figures(outcomes).items():
        table.add_row(name, *map(figure, outcomes))
    return table


def _figures(outcomes: Sequence[Outcome]) -> dict[str, Callable[[Outcome], str]]:
    return {
        "messages": lambda outcome: f"{outcome.messages:,}",
        "seconds": lambda outcome: f"{outcome.seconds:.2f}",
        "messages a second": lambda outcome: f"{outcome.rate:,.0f}",
        "the product's rate to it": lambda outcome: f"{ratio(outcomes, outcome):.2f} ×",
        "CPU a message, its own processes, µs": lambda outcome: f"{outcome.ours:.1f}",
        **{f"CPU a message, {server}, µs": partial(_cpu_of, server) for server in SERVERS},
        "peak memory of a process, MiB": lambda outcome: f"{outcome.peak / MEBIBYTE:.0f}",
        "database bytes a message": lambda outcome: f"{outcome.bytes_a_message:.0f}",
    }


def _cpu_of(server: str, outcome: Outcome) -> str:
    return f"{outcome.micros(server):.1f}"


def ratio(outcomes: Sequence[Outcome], other: Outcome) -> float:
    """The product's rate to another's; not a number where the product did not run."""
    return next((outcome.rate for outcome in outcomes if outcome.way == "product"), math.nan) / other.rate


def stages(outcome: Outcome) -> str:
    """When each stage was through."""
    return ", ".join(f"{name} {moment:.2f} s" for name, moment in outcome.stages.items())


def checks(outcomes: Sequence[Outcome]) -> Table:
    """What must hold, and whether it did."""
    table = Table(show_header=False, box=None)
    for outcome in outcomes:
        for sentence, holds in outcome.checks.items():
            table.add_row(outcome.way, sentence, "[green]yes[/]" if holds else "[bold red]NO[/]")
    return table


def remarks(outcomes: Sequence[Outcome], *, load: float) -> list[str]:
    """What a reader of the figures must know; `load` is the machine's before the run."""
    said = [
        f"The straight script made {outcome.rate:,.0f}/s, less than {SCRIPT_AT_LEAST:,}/s: its ratio does not count."
        for outcome in outcomes
        if outcome.way == "straight script" and outcome.rate < SCRIPT_AT_LEAST
    ]
    if load > IDLE_LOAD:
        said.append(f"The machine was busy before the run (load {load:.1f}): seconds and rates are others' doing, too.")
    return said
