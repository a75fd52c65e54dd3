"""A gateway that takes half a second for each reply: how full eight lanes keep it."""

from tests.benchmarks.figures import Figure, Part
from tests.benchmarks.ground import Ground
from tests.benchmarks.site import Say, site
from tests.benchmarks.sizes import Size

DELAY = 0.5  # seconds
LANES, BATCH = 8, 500
PROCESSES = LANES + 2
"""One for each lane's request, one that reads reports, and one for what the beat asks for."""


def run(ground: Ground, size: Size, say: Say) -> Part:
    """A gateway delay of 500 ms a POST, 8 POSTs at once: messages/s over the span of the POSTs."""
    recipients = max(6, size.recipients // (LANES * BATCH)) * LANES * BATCH
    with site(ground, "delay", "--latency", str(DELAY), recipients=recipients, LANES=str(LANES)) as place:
        place.start(processes=PROCESSES)
        submission = place.submit(recipients=recipients)[0]
        place.completed("gateway delay", say)
        moments = [at for at, _ in place.gateway.accepted()]
        span = moments[-1] + DELAY - moments[0]  # a request is accepted first, and answered after the delay
        rate, most = recipients / span, LANES * BATCH / DELAY
        return Part(
            figures=[
                Figure(name=f"{DELAY * 1000:.0f} ms a POST, 8 at once, messages/s", measured=rate, digits=0),
                Figure(name=f"the same to {LANES} × {BATCH} ÷ {DELAY} s", measured=rate / most, at_least=0.95),
            ],
            checks=place.checks(submission.id),
            details={"recipients": recipients, "span": span, "posts": len(set(moments)), "processes": PROCESSES},
        )
