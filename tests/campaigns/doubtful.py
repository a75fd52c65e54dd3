"""Requests in doubt, for tests of what is decided about them."""

from typing import Any

from sqlalchemy import select, update

from campaigns import settling
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts, resolutions
from campaigns.states import AttemptState
from tests.campaigns import making

WHY: dict[str, Any] = {"by": "awa", "reason": "the gateway's own log says so"}

DEADLINE = 1_800


def in_doubt(database: Database, count: int = 4, *, msgfid: str | None = None, **options: Any) -> Claim:
    """A campaign's only batch, of which nobody knows; its broken reply may have shown an id."""
    found = making.claimed(database, making.funded(database, making.numbers(count), **options))
    settling.doubt(database, found, "timed out", msgfid=msgfid)
    making.advance(database)
    return found


def resolved(database: Database) -> list[Any]:
    """What was decided, by whom and why; in the order of the requests."""
    with database.reading() as connection:
        return list(connection.execute(select(resolutions).order_by(resolutions.c.attempt_id)).all())


def overdue(database: Database, policy: str = "resend", **options: Any) -> Claim:
    """In doubt for longer than its campaign waits, and the gateway was asked for its reports."""
    found = in_doubt(database, in_doubt=policy, **options)
    wait_out(database)
    return found


def wait_out(database: Database) -> None:
    """As long as a campaign waits that says nothing of it; and the gateway was asked for its reports."""
    making.clock_goes_on(database, DEADLINE + 1)
    asked(database)


def asked(database: Database) -> None:
    """The gateway was asked for the reports of what is in doubt."""
    a = attempts.c
    making.change(database, update(attempts).where(a.state == AttemptState.IN_DOUBT).values(asked_at=a.settled_at))
