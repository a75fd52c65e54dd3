"""Delivery reports with every step of their way, in random order: how fast they are taken in, journaled and applied."""

from tests.benchmarks.figures import Figure, Part
from tests.benchmarks.ground import Ground
from tests.benchmarks.outcome import SERVERS
from tests.benchmarks.shuffled import everything, in_front_of, shuffled
from tests.benchmarks.site import Say, site
from tests.benchmarks.sizes import Size

SPAN = """
    SELECT extract(epoch FROM (SELECT max(completed_at) FROM campaigns) - min(asked_at))::float AS seconds,
           sum(reports)::int AS reports, count(*) AS bodies
      FROM report_polls WHERE reports > 0
"""


def run(ground: Ground, size: Size, say: Say) -> Part:
    """Reports taken in, journaled and applied, in random order, with their 50/65/55/61 steps: reports/s."""
    with (
        site(ground, "reports", "--steps", recipients=size.recipients) as place,
        in_front_of(place.gateway.url) as (url, waiting),
    ):
        place.start(ACCOUNTS=place.accounts(url))
        submission = place.submit(recipients=size.recipients)[0]
        place.until(lambda now: now.expanded == size.recipients and now.sent == now.batches, "sending first", say)
        say("reports are put into random order")
        bodies = shuffled(everything(place.gateway.url), seed=7)
        meter = ground.meter(place.gateway, *place.children)
        waiting.extend(bodies)
        place.completed("reports", say)
        usage = meter.read()
        span = place.select(SPAN)[0]
        ours = sum(used.cpu for part, used in usage.items() if part not in SERVERS)
        return Part(
            figures=[
                Figure(
                    name=f"{span.reports:,} reports, journaled and applied, reports/s",
                    measured=span.reports / span.seconds,
                    at_least=30_000,
                    digits=0,
                ),
                Figure(name="CPU a report, our processes, µs", measured=ours / span.reports * 1e6, digits=1),
                Figure(
                    name="CPU a report, PostgreSQL, µs", measured=usage["postgres"].cpu / span.reports * 1e6, digits=1
                ),
            ],
            checks={
                **place.checks(submission.id),
                "five reports a message were journaled": span.reports == 5 * size.recipients,
            },
            details={"seconds": span.seconds, "bodies": span.bodies},
        )
