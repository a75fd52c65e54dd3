"""The product beside a straight script and the naive way, in turns whose order goes round: noise is nobody's alone."""

import statistics
from collections.abc import Callable, Sequence

from tests.benchmarks import run_naive, run_product, run_script
from tests.benchmarks.figures import Figure, Part, median
from tests.benchmarks.ground import Ground
from tests.benchmarks.outcome import Outcome
from tests.benchmarks.site import Say
from tests.benchmarks.sizes import Size

SCRIPT_AT_LEAST = 20_000  # messages a second: a slower script proves nothing

Run = Callable[[Ground, int, Say], Outcome]
RUNS: dict[str, Run] = {"straight script": run_script.run, "naive way": run_naive.run, "product": run_product.run}


def run(ground: Ground, size: Size, say: Say) -> Part:
    """Submit → last status beside a straight script and the naive way; CPU and database bytes a message."""
    counts = {way: size.naive if way == "naive way" else size.recipients for way in RUNS}
    ways = [way for turn in range(size.turns) for way in _from(list(RUNS), turn)]
    return judged([RUNS[way](ground, counts[way], say) for way in ways])


def _from(ways: Sequence[str], turn: int) -> Sequence[str]:
    first = turn % len(ways)
    return [*ways[first:], *ways[:first]]


def judged(outcomes: Sequence[Outcome]) -> Part:
    """Ratios are within a turn, then the median of all turns: what slows one turn slows each of its contestants."""
    by_way = {way: [outcome for outcome in outcomes if outcome.way == way] for way in RUNS}
    product, script, naive = by_way["product"], by_way["straight script"], by_way["naive way"]
    fastest = max(outcome.rate for outcome in script)
    slow = f"the script made {fastest:,.0f}/s at its best, less than {SCRIPT_AT_LEAST:,}/s"
    return Part(
        figures=[
            Figure(name="straight script, messages/s", measured=_rate(script), digits=0),
            Figure(name="naive way, messages/s", measured=_rate(naive), digits=0),
            Figure(name="product, messages/s", measured=_rate(product), digits=0),
            Figure(
                name="product to straight script",
                measured=_ratio(product, script),
                at_least=0.85,
                doubt=slow if fastest < SCRIPT_AT_LEAST else "",
            ),
            Figure(name="product to naive way", measured=_ratio(product, naive), at_least=80, digits=0),
            Figure(
                name="CPU a message, our processes, µs",
                measured=median([outcome.ours for outcome in product]),
                at_most=50,
                digits=1,
            ),
            Figure(
                name="CPU a message, PostgreSQL, µs",
                measured=median([outcome.micros("postgres") for outcome in product]),
                at_most=20,
                digits=1,
            ),
            Figure(
                name="database bytes a message, after completion",
                measured=median([outcome.bytes_a_message for outcome in product]),
                at_most=250,
                digits=0,
            ),
        ],
        checks={
            f"{way}: {sentence}": all(outcome.checks[sentence] for outcome in by_way[way])
            for way in RUNS
            for sentence in by_way[way][0].checks
        },
        details={"outcomes": [outcome.as_json() for outcome in outcomes]},
    )


def _rate(outcomes: Sequence[Outcome]) -> float:
    return median([outcome.rate for outcome in outcomes])


def _ratio(ours: Sequence[Outcome], others: Sequence[Outcome]) -> float:
    return statistics.median(our.rate / other.rate for our, other in zip(ours, others, strict=True))
