"""A rate that two worker hosts keep together: they share nothing but broker and database."""

from tests.benchmarks.figures import Figure, Part, fullest, within
from tests.benchmarks.ground import Ground
from tests.benchmarks.site import Say, site
from tests.benchmarks.sizes import Size

RATE = 100  # messages a second
HOSTS = ("host-a", "host-b")
WINDOW = 5.0  # seconds
SPARE = 2  # seconds for which it goes on after what is watched


def run(ground: Ground, size: Size, say: Say) -> Part:
    """A rate of 100/s over two workers with different host names: its error, and the fullest 5 s, by the gateway."""
    recipients = (size.paced + SPARE) * RATE
    with site(ground, "rate", recipients=recipients) as place:
        place.start(*HOSTS)
        submission = place.submit(recipients=recipients, rate=RATE)[0]
        place.completed("a rate", say)
        moments = [at for at, _ in place.gateway.accepted()]
        sent = within(moments, moments[0], size.paced)
        error = abs(sent - size.paced * RATE) / (size.paced * RATE) * 100
        above = (fullest(moments, WINDOW) - WINDOW * RATE) / (WINDOW * RATE) * 100
        return Part(
            figures=[
                Figure(name=f"{RATE}/s over two hosts, error over {size.paced} s, %", measured=error, at_most=1),
                Figure(name=f"the same, the fullest {WINDOW:.0f} s above it, %", measured=above, at_most=4),
            ],
            checks=place.checks(submission.id),
            details={"sent": sent, "seconds": size.paced},
        )
