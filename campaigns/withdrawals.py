"""Who opts out after a campaign was expanded leaves its batch before it is claimed.

A claim looks only where a list has grown since the expansion began (see `unwanted`). If somebody is found it takes
nothing: the batch is rewritten in a transaction of its own, which has the campaign's row alone (`leaving`), and the
claim is tried anew, and looks again. So what is claimed holds nobody whose opt-out was committed before the claim's
last look; one that comes later finds the batch in the air.
"""

from __future__ import annotations

from sqlalchemy import Connection

from campaigns import leaving, unwanted
from campaigns.database import Database
from campaigns.payload import Payload
from campaigns.states import Exclusion


class WithdrawnError(Exception):
    """Somebody in the batch has opted out: it must be rewritten before it is claimed."""

    def __init__(self, batch_id: int) -> None:
        super().__init__(f"batch {batch_id} holds somebody who has opted out")
        self.batch_id = batch_id


def check(connection: Connection, account: str, batch_id: int, payload: Payload) -> None:
    """Raises WithdrawnError if somebody in a batch wants no texts; OptOutKeyError if that cannot be told."""
    if unwanted.among(connection, account, payload.numbers):
        raise WithdrawnError(batch_id)


def leave_out(database: Database, batch_id: int) -> None:
    """Take out of a batch that waits to be sent who has opted out; one that loses everybody is voided."""
    leaving.leave_out(database, batch_id, _opted_out, Exclusion.OPTED_OUT)


def _opted_out(connection: Connection, account: str, payload: Payload) -> set[int]:
    return unwanted.among(connection, account, payload.numbers)
