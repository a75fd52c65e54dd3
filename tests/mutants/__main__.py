"""Mutants: the code is broken in one place, and a test that runs it must fail. A sample of so many breaks, by a seed.

    python -m tests.mutants --seed 5 --count 160 [--modules batches,claims] [--only TEXT] [--into FILE]

No mutant needs a start: the tests are collected and run once, to know which of them run which function; then each
mutant is a fork in which that function has other code, and in which these tests run until one fails: its own module's
on SQLite, then the others' there, the quickest first, then its own module's on PostgreSQL.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.mutants.breaks import Mutant, mutants
from tests.mutants.runner import ON_POSTGRESQL, Runner

ROOT = Path(__file__).parents[2]
MODULES = (
    "batches settling claims doubts decided resolving policies credits shortage bisection balances witness turns"
    " statuses refunding ledger"
)
OTHERS = (
    "bystanders lifecycle completion adoptions refusals setbacks reports undecided silence progress lookups poison"
    " named_doubts"
)

LONGEST = 300
"""Seconds for a test: several times what it takes otherwise, for each call in it is noted."""


def main() -> int:
    """Returns how the process ends: 0 unless the tests fail as they are."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--modules", default=MODULES.replace(" ", ","))
    parser.add_argument("--only", default="", help="those of the sample whose line has this in it")
    parser.add_argument("--tests", default=f"{MODULES} {OTHERS}".replace(" ", ","))
    parser.add_argument("--into", type=Path, default=Path("mutants.txt"))
    given = parser.parse_args()
    sample = _sample(given.seed, given.count, given.modules.split(","))
    if given.only:
        sample = [mutant for mutant in sample if any(part in str(mutant) for part in given.only.split(";"))]
    files = [f"tests/campaigns/test_{name}.py" for name in given.tests.split(",")]
    there = [name for name in files if (ROOT / name).exists()] + [f"tests/chaos/{name}.py" for name in ON_POSTGRESQL]
    with TemporaryDirectory(prefix="mutants-", dir="/dev/shm") as folder:
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", f"--timeout={LONGEST}"]
        runner = Runner(sample, given.into, Path(folder))
        return int(pytest.main([*options, f"--basetemp={folder}/unbroken", *there], plugins=[runner]))


def _sample(seed: int, count: int, modules: list[str]) -> list[Mutant]:
    """Spots at random, and of each one break: a spot that can be broken in many ways counts no more than another."""
    spots = [spot for name in modules for spot in mutants(ROOT / "campaigns" / f"{name}.py")]
    sys.stderr.write(f"{len(spots)} spots, {sum(map(len, spots))} mutants\n")
    chance = random.Random(seed)
    chosen = chance.sample(range(len(spots)), min(count, len(spots)))
    return [chance.choice(spots[number]) for number in sorted(chosen)]


if __name__ == "__main__":
    sys.exit(main())
