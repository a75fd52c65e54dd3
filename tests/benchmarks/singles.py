"""Campaigns of one recipient, as many web applications send them: one after the other, by one producer."""

from tests.benchmarks.audience import ONE
from tests.benchmarks.figures import Figure, Part, median
from tests.benchmarks.ground import Ground
from tests.benchmarks.site import Say, site
from tests.benchmarks.sizes import Size


def run(ground: Ground, size: Size, say: Say) -> Part:
    """Campaigns of one recipient: campaigns/s from the first submit to the last status."""
    with site(ground, "singles", recipients=size.singles) as place:
        place.start()
        submissions = place.submit(campaigns=size.singles, recipients=1, prefix=ONE)
        place.completed("campaigns of one", say)
        ends = [row.at for row in place.select("SELECT extract(epoch FROM completed_at)::float AS at FROM campaigns")]
        seconds = max(ends) - submissions[0].at
        each = median([submission.seconds for submission in submissions])
        return Part(
            figures=[
                Figure(
                    name=f"{size.singles:,} campaigns of one recipient, campaigns/s",
                    measured=size.singles / seconds,
                    at_least=150,
                    digits=0,
                ),
                Figure(name="one submit of these, median, ms", measured=each * 1000, digits=1),
            ],
            checks=place.checks(*(submission.id for submission in submissions)),
            details={
                "seconds": seconds,
                "submitting": submissions[-1].at + submissions[-1].seconds - submissions[0].at,
            },
        )
