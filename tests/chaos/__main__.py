"""`make chaos`: rounds of every scenario, a few at a time, and what came of them.

    python -m tests.chaos --rounds 200 --seed 7 --jobs 4      # as many rounds, the scenarios in turn
    python -m tests.chaos --seed 7 --only mid_body            # one again

Each job is a process with a field of its own; it is told its rounds on its standard input, and answers a line of JSON
for each. The exit status is 1 if anything was found that must not be.
"""

from __future__ import annotations

import json
import queue
import random
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console

from tests.chaos import table
from tests.chaos.field import ROOT, field
from tests.chaos.playing import play_until_it_hurts
from tests.chaos.rounds import Outcome
from tests.chaos.scenarios import SCENARIOS
from worker import lifeline
from worker.interruption import ends_in_order

Turn = tuple[str, int]
"""A scenario's name, and the seed of the round."""


@click.command()
@click.option("--rounds", type=click.IntRange(min=1), metavar="N", help="How many.  [default: each scenario once]")
@click.option("--seed", type=int, metavar="S", help="What is drawn in them.  [default: drawn, and printed]")
@click.option("--only", type=click.Choice(list(SCENARIOS)), multiple=True, help="Only this scenario; repeatable.")
@click.option(
    "--jobs", type=click.IntRange(min=1), default=4, show_default=True, help="Installations beside each other."
)
@click.option("--serve", is_flag=True, hidden=True)
def chaos(*, rounds: int | None, seed: int | None, only: Sequence[str], jobs: int, serve: bool) -> None:
    """Hurt whole installations in every way we know, and hold the gateway's books against ours after each round."""
    with ends_in_order():
        if serve:
            _serve()
            return
        seed = random.SystemRandom().randrange(10_000) if seed is None else seed
        turns = _turns(rounds, seed, only or list(SCENARIOS))
        console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 160)
        console.print(f"{len(turns)} rounds, seed {seed}, {min(jobs, len(turns))} at a time")
        outcomes = []
        for outcome in _played(turns, min(jobs, len(turns))):
            outcomes.append(outcome)
            console.print(table.line(len(outcomes), len(turns), outcome))
        console.print(table.summary(outcomes, seed=seed))
    raise SystemExit(any(outcome.violations for outcome in outcomes))


def _turns(rounds: int | None, seed: int, names: Sequence[str]) -> list[Turn]:
    """The scenarios in turn, each lap in another order and with the next seed."""
    dice = random.Random(seed)
    count = rounds or len(names)
    turns: list[Turn] = []
    for lap in range(-(-count // len(names))):
        turns += [(name, seed + lap) for name in dice.sample(list(names), len(names))]
    return turns[:count]


def _serve() -> None:
    """A job: plays the rounds that come in."""
    with field() as where:
        for told in sys.stdin:
            name, seed = json.loads(told)
            outcome = play_until_it_hurts(where, name, SCENARIOS[name], seed)
            print(json.dumps(outcome.as_json()), flush=True)  # noqa: T201  it is read by the runner


def _played(turns: Sequence[Turn], jobs: int) -> Iterator[Outcome]:
    """Outcomes as they come. A job that dies has its round counted as failed."""
    waiting: queue.SimpleQueue[Turn] = queue.SimpleQueue()
    for turn in turns:
        waiting.put(turn)
    done: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
    with _jobs(jobs) as processes:
        for process in processes:
            threading.Thread(target=_feed, args=(process, waiting, done), daemon=True).start()
        for _ in turns:
            outcome = done.get()
            if outcome is None:
                raise click.ClickException("a job has died: what it said is above")
            yield outcome


@contextmanager
def _jobs(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    command = [sys.executable, "-m", "tests.chaos", "--serve"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    processes = [lifeline.start(command, cwd=ROOT, **pipes) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            lifeline.end(process, grace=30)


def _feed(
    process: subprocess.Popen[bytes],
    waiting: queue.SimpleQueue[Turn],
    done: queue.SimpleQueue[Outcome | None],
) -> None:
    """Hand a job one round after the other, for as long as there are any."""
    assert process.stdin is not None
    assert process.stdout is not None
    while True:
        try:
            turn = waiting.get_nowait()
        except queue.Empty:
            return
        process.stdin.write(json.dumps(turn).encode() + b"\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            done.put(None)
            return
        done.put(Outcome.from_json(json.loads(answer)))


if __name__ == "__main__":
    chaos()
