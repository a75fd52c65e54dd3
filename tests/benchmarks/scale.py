"""A second worker host beside the first, where the gateway is slow: they share nothing but broker and database."""

from tests.benchmarks.figures import Figure, Part
from tests.benchmarks.ground import Ground
from tests.benchmarks.site import Say, site
from tests.benchmarks.sizes import Size

HOSTS = ("host-a", "host-b")
DELAY = 1.0  # seconds; long enough for a host to be full of requests in the air, and not of work
PROCESSES = 5
"""On each host: so many requests it may have in the air, but for what reads reports in between."""

BATCH, LANES = 500, 4 * PROCESSES


def run(ground: Ground, size: Size, say: Say) -> Part:
    """A gateway delay of 1 s a POST: messages/s with one worker host, and with two."""
    recipients = max(2, size.recipients // 2 // (PROCESSES * BATCH)) * PROCESSES * BATCH
    rates: dict[int, float] = {}
    checks: dict[str, bool] = {}
    for count in range(1, len(HOSTS) + 1):
        with site(ground, "scale", "--latency", str(DELAY), recipients=recipients, LANES=str(LANES)) as place:
            place.start(*HOSTS[:count], processes=PROCESSES)
            submission = place.submit(recipients=recipients)[0]
            place.completed(f"{count} hosts", say)
            moments = [at for at, _ in place.gateway.accepted()]
            rates[count] = recipients / (moments[-1] + DELAY - moments[0])
            checks |= {f"{count} hosts: {said}": holds for said, holds in place.checks(submission.id).items()}
    return Part(
        figures=[
            Figure(name=f"1 s a POST, a host of {PROCESSES} processes, messages/s", measured=rates[1], digits=0),
            Figure(name="the same, two hosts, messages/s", measured=rates[2], digits=0),
            Figure(name="two hosts to one", measured=rates[2] / rates[1]),
        ],
        checks=checks,
        details={"recipients": recipients, "lanes": LANES, "rates": rates},
    )
