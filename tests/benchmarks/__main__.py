"""`make bench`: the product beside a straight script and the naive way, on the same servers, in one run.

Writes its figures, with the machine's description, to `tests/benchmarks/results/`; the exit status is 0 only if every
account adds up.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from tests.benchmarks import run_naive, run_product, run_script, table
from tests.benchmarks.ground import Ground, ground
from tests.benchmarks.outcome import Outcome
from tests.benchmarks.usage import machine
from worker.interruption import ends_in_order

RESULTS = Path(__file__).with_name("results").resolve()
RECIPIENTS = 100_000
QUICK = 20_000
NAIVE = 2_000  # its rate does not depend on how many there are

Run = Callable[[Ground, int, Callable[[str], None]], Outcome]
RUNS: dict[str, Run] = {"script": run_script.run, "naive": run_naive.run, "product": run_product.run}


@click.command()
@click.option("--recipients", type=click.IntRange(min=1), default=RECIPIENTS, show_default=True, metavar="N")
@click.option("--quick", is_flag=True, help=f"{QUICK:,} recipients.")
@click.option("--only", type=click.Choice(list(RUNS)), multiple=True, help="Only this contestant; repeatable.")
def bench(*, recipients: int, quick: bool, only: Sequence[str]) -> None:
    """Measure how long a campaign takes from its submit to its last status, and what each message costs."""
    count = QUICK if quick else recipients
    console = Console()
    with ends_in_order():
        described = machine()
        with ground(count) as servers, _line(console) as say:
            outcomes = [
                run(servers, min(count, NAIVE) if name == "naive" else count, say)
                for name, run in RUNS.items()
                if not only or name in only
            ]
        _show(console, outcomes, load=float(described["load_before"]))
        console.print(f"written to {_write(described, outcomes)}", soft_wrap=True)
    raise SystemExit(0 if all(all(outcome.checks.values()) for outcome in outcomes) else 1)


@contextmanager
def _line(console: Console) -> Iterator[Callable[[str], None]]:
    """A line that changes while it runs; where there is no terminal, nothing."""
    with console.status("starting PostgreSQL, Valkey and the gateway") as status:
        yield status.update


def _show(console: Console, outcomes: Sequence[Outcome], *, load: float) -> None:
    console.print(table.contest(outcomes))
    for outcome in outcomes:
        if outcome.stages:
            console.print(f"{outcome.way}: {table.stages(outcome)}", soft_wrap=True)
    console.print(table.checks(outcomes))
    for remark in table.remarks(outcomes, load=load):
        console.print(f"[yellow]{remark}[/]")


def _write(described: dict[str, str | int | float], outcomes: Sequence[Outcome]) -> Path:
    moment = datetime.now(UTC)
    path = RESULTS / f"{moment:%Y-%m-%d-%H%M%S}.json"
    figures = {
        "at": moment.isoformat(timespec="seconds"),
        "machine": described,
        "ratios": {outcome.way: round(table.ratio(outcomes, outcome), 3) for outcome in outcomes},
        "outcomes": [outcome.as_json() for outcome in outcomes],
    }
    path.write_text(json.dumps(figures, indent=2) + "\n")
    return path


if __name__ == "__main__":
    bench()
