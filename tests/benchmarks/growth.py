"""Ten times the recipients: how much more time, and how much more memory; and how throughput grows up to there."""

from tests.benchmarks import run_product
from tests.benchmarks.figures import Figure, Part
from tests.benchmarks.ground import Ground
from tests.benchmarks.outcome import SERVERS, Outcome
from tests.benchmarks.site import Say
from tests.benchmarks.sizes import Size
from tests.benchmarks.usage import MEBIBYTE


def run(ground: Ground, size: Size, say: Say) -> Part:
    """Campaigns of N/100, N/10, N and 10 N recipients: time and peak memory of the last two against each other."""
    counts = [*(max(1, size.recipients // part) for part in size.smaller), size.recipients, size.large]
    runs = [run_product.run(ground, count, say) for count in counts]
    usual, large = runs[-2:]
    return Part(
        figures=[
            Figure(name=f"product, {large.messages:,} recipients, messages/s", measured=large.rate, digits=0),
            Figure(
                name=f"time, {large.messages:,} to {usual.messages:,} recipients",
                measured=large.seconds / usual.seconds,
                at_most=10.5,
            ),
            *(_peak(part, usual, large) for part in large.usage if part not in SERVERS),
        ],
        checks={sentence: all(run.checks[sentence] for run in runs) for sentence in large.checks},
        details={"outcomes": [run.as_json() for run in runs]},
    )


def _peak(part: str, usual: Outcome, large: Outcome) -> Figure:
    peaks = [outcome.usage[part].peak for outcome in (usual, large)]
    shown = " → ".join(f"{peak / MEBIBYTE:.0f}" for peak in peaks)
    return Figure(
        name=f"peak memory of a process, {part}, the same ({shown} MiB)", measured=peaks[1] / peaks[0], at_most=1.1
    )
