"""Campaigns of one recipient while a large one is being sent: how long until each has left."""

from tests.benchmarks.audience import MANY, ONE
from tests.benchmarks.figures import Figure, Part, percentile
from tests.benchmarks.ground import Ground
from tests.benchmarks.site import Say, Site, site
from tests.benchmarks.sizes import Size

HAS_LEFT = (
    "SELECT NOT EXISTS (SELECT 1 FROM batches WHERE campaign_id = :id AND state IN ('pending', 'sending')) AS all_of_it"
)


def run(ground: Ground, size: Size, say: Say) -> Part:
    """A one-recipient campaign submitted while 10 N are being sent: submit → POST, p95, by the time of day."""
    with site(ground, "urgent", recipients=size.large) as place:
        place.start()
        large = place.submit(recipients=size.large)[0].id
        place.until(lambda now: now.sent > 0, "the large campaign before the urgent ones", say)
        # More than are needed: it is stopped with the large campaign.
        producer = place.producer(campaigns=size.large, recipients=1, every=size.urgent_every, prefix=ONE)
        place.until(lambda _: place.select(HAS_LEFT, id=large)[0].all_of_it, "a large campaign, and urgent ones", say)
        place.processes.stop(producer.name)
        place.completed("the end of both", say)
        return _judged(place, size)


def _judged(place: Site, size: Size) -> Part:
    """Of those that were submitted before the large campaign's last request."""
    sent_at = {number: at for at, number in place.gateway.accepted(ONE)}
    until = max(at for at, _ in place.gateway.accepted(MANY))
    beside = [each for each in place.submitted() if each.at < until]
    delays = [sent_at[each.number] - each.at for each in beside if each.number in sent_at]
    name = f"one recipient beside {size.large:,} ({len(delays)} of them), submit → POST"
    return Part(
        figures=[
            Figure(name=f"{name}, p95, s", measured=percentile(delays, 0.95), at_most=0.5),
            Figure(name="the same, median, s", measured=percentile(delays, 0.5)),
            Figure(name="the same, longest, s", measured=percentile(delays, 1)),
        ],
        checks={"every urgent one was sent": len(delays) == len(beside)},
        details={"clock": "time of day of this machine, at producer and gateway alike", "delays": sorted(delays)},
    )
