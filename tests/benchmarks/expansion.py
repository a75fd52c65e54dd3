"""How fast an audience becomes batches, where the gateway merges the text and where it is rendered here."""

import time

from tests.benchmarks.audience import RENDERED, TEMPLATE
from tests.benchmarks.figures import Figure, Part, median
from tests.benchmarks.ground import Ground
from tests.benchmarks.site import Say, Site, site
from tests.benchmarks.sizes import Size

LOOK_EVERY = 0.02  # seconds
WAYS = {"plain": (TEMPLATE, 80_000), "rendered by Jinja2": (RENDERED, 30_000)}


def run(ground: Ground, size: Size, say: Say) -> Part:
    """Expansion of plain and of Jinja2-rendered audiences, rows/s, by one process; nothing is sent beside it."""
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    handed_over: list[float] = []
    # Without credits a campaign waits once it is expanded.
    with site(ground, "expansion", recipients=size.recipients, credits_each=0) as place:
        place.start()
        for turn in range(size.turns):
            for way, (template, _) in WAYS.items():
                say(f"expansion: {way}, turn {turn + 1}")
                submission = place.submit(recipients=size.recipients, template=template)[0]
                handed_over.append(size.recipients / submission.seconds)
                began = submission.at + submission.seconds
                rates[way].append(size.recipients / (_expanded_at(place, submission.id) - began))
        sizes = {row.size for row in place.select("SELECT expanded AS size FROM campaigns")}
    return Part(
        figures=[
            Figure(name=f"expansion, {way}, rows/s", measured=median(rates[way]), at_least=goal, digits=0)
            for way, (_, goal) in WAYS.items()
        ]
        + [Figure(name="hand-over by the producer before it, rows/s", measured=median(handed_over), digits=0)],
        checks={"every row was expanded": sizes == {size.recipients}},
        details={"rows": size.recipients, "rates": rates, "handed_over": handed_over},
    )


def _expanded_at(place: Site, campaign_id: int) -> float:
    """When all rows were seen to be expanded; the look every 20 ms is counted in."""
    all_of_it = "SELECT expanded = recipients AS done FROM campaigns WHERE id = :id"
    while not place.select(all_of_it, id=campaign_id)[0].done:
        place.processes.check()
        time.sleep(LOOK_EVERY)
    return time.time()
