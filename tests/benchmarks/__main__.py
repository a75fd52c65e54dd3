"""`make bench`: every figure of the goals on speed and scale, on one PostgreSQL and one Valkey, in one run.

    python -m tests.benchmarks --quick                     # all of it, small, in two minutes
    python -m tests.benchmarks --only contest --only rate  # these parts
    python -m tests.benchmarks --only growth --recipients 20000

All guarantees are on in all of it. The figures, and all that is behind them, go to `tests/benchmarks/results/` with
the machine's description. The exit status is 0 if every part could be measured and every account adds up, whatever
the figures are.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from tests.benchmarks import contest, delay, expansion, growth, imports, rate, reports, scale, singles, table, urgent
from tests.benchmarks.figures import Part
from tests.benchmarks.ground import Ground, ground
from tests.benchmarks.sizes import FULL, QUICK, Size
from tests.benchmarks.table import Ran
from tests.benchmarks.usage import Neighbours, machine
from worker.interruption import ends_in_order

RESULTS = Path(__file__).with_name("results").resolve()

Run = Callable[[Ground, Size, Callable[[str], None]], Part]
PARTS: dict[str, Run] = {
    "contest": contest.run,
    "delay": delay.run,
    "growth": growth.run,
    "reports": reports.run,
    "expansion": expansion.run,
    "urgent": urgent.run,
    "singles": singles.run,
    "rate": rate.run,
    "scale": scale.run,
    "import": imports.run,
}

EPILOG = "\b\nParts:\n" + "\n".join(
    f"  {name:10} {(run.__doc__ or '').partition(':')[0].rstrip('.')}" for name, run in PARTS.items()
)


@click.command(epilog=EPILOG)
@click.option("--recipients", type=click.IntRange(min=100), metavar="N", help=f"[default: {FULL.recipients:,}]")
@click.option("--quick", is_flag=True, help=f"Everything small: {QUICK.recipients:,} recipients, and one turn.")
@click.option("--only", type=click.Choice(list(PARTS)), multiple=True, help="Only this part; repeatable.")
def bench(*, recipients: int | None, quick: bool, only: Sequence[str]) -> None:
    """Measure speed and scale against their goals, with real PostgreSQL, Valkey, worker, beat and sandbox gateway.

    N is how many recipients a campaign has; a large one has ten times as many. Figures depend on nobody else being at
    work on the machine: the share that others had is written down, and said where it was large.
    """
    size = QUICK if quick else FULL
    if recipients:
        size = replace(size, recipients=recipients)
    console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 140)
    with ends_in_order():
        described: dict[str, Any] = dict(machine())
        with console.status("starting PostgreSQL and Valkey") as status, ground() as servers:
            described |= servers.versions
            ran: dict[str, Ran] = {}
            for name, run in PARTS.items():
                if not only or name in only:
                    ran[name] = _ran(run, servers, size, status.update)
                    console.print(f"{name}: measured in {ran[name].seconds:.0f} s")
        console.print(table.figures(ran, title=f"{size.recipients:,} recipients"))
        for remark in table.remarks(ran, is_full=size == FULL):
            console.print(f"[yellow]{remark}[/]")
        console.print(f"written to {_write(described, size, ran)}")
    raise SystemExit(0 if table.all_holds(ran) else 1)


def _ran(run: Run, servers: Ground, size: Size, say: Callable[[str], None]) -> Ran:
    """A part; one that breaks is in no other's way."""
    began, neighbours, broke = time.monotonic(), Neighbours(), ""
    part = None
    try:
        part = run(servers, size, say)
    except Exception as error:  # noqa: BLE001  it is said in the table
        broke = f"{type(error).__name__}: {error}"
    return Ran(part, time.monotonic() - began, neighbours.share(), broke)


def _write(described: Mapping[str, Any], size: Size, ran: Mapping[str, Ran]) -> Path:
    moment = datetime.now(UTC)
    path = RESULTS / f"{moment:%Y-%m-%d-%H%M%S}.json"
    found = {
        "at": moment.isoformat(timespec="seconds"),
        "machine": described,
        "size": asdict(size),
        "parts": {name: _as_json(each) for name, each in ran.items()},
    }
    path.write_text(json.dumps(found, indent=2) + "\n")
    return path


def _as_json(ran: Ran) -> dict[str, Any]:
    known = {"seconds": round(ran.seconds, 1), "others_share_of_the_machine": round(ran.others, 3)}
    if ran.part is None:
        return {**known, "broke": ran.broke}
    figures = [figure.as_json() for figure in ran.part.figures]
    return {**known, "figures": figures, "checks": ran.part.checks, "details": ran.part.details}


if __name__ == "__main__":
    bench()
