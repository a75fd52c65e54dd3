"""The product's run: a worker of two processes and beat, by Celery's own commands, and a campaign submitted to them."""

from datetime import UTC, datetime
from typing import Any

from tests.benchmarks.ground import Ground, database_bytes, log_bytes
from tests.benchmarks.outcome import Outcome
from tests.benchmarks.site import Say, Site, site

STAGES = """
    SELECT (SELECT held_at FROM holds) AS "funded",
           (SELECT min(started_at) FROM attempts) AS "first request",
           (SELECT max(settled_at) FROM attempts) AS "last reply",
           (SELECT max(stored_at) FROM report_polls WHERE reports > 0) AS "last report",
           (SELECT completed_at FROM campaigns) AS "completed"
"""


def run(ground: Ground, recipients: int, say: Say) -> Outcome:
    """One campaign to so many, from just before its submit to its completion."""
    with site(ground, "product", recipients=recipients) as place:
        place.start()
        meter = ground.meter(place.gateway, *place.children)
        written = log_bytes(place.url)
        submission = place.submit(recipients=recipients)[0]
        place.completed(f"product, {recipients:,} recipients", say)
        usage = {**meter.read(), "producer": submission.usage}
        stages = {"handed over": round(submission.seconds, 3), **_stages(place, submission.at)}
        return Outcome(
            way="product",
            messages=recipients,
            seconds=stages["completed"],
            usage=usage,
            database_bytes=database_bytes(place.url),
            log_bytes=log_bytes(place.url) - written,
            stages=stages,
            checks=place.checks(submission.id),
        )


def _stages(place: Site, began: float) -> dict[str, float]:
    """When each stage was through, in seconds since the submit began.

    The database's clock and the producer's are this machine's time of day.
    """
    row: Any = place.select(STAGES)[0]
    start = datetime.fromtimestamp(began, UTC)
    return {name: round((moment - start).total_seconds(), 3) for name, moment in row._mapping.items()}
