"""What was posted or refunded is found to have been another sum: the readings of balances since then say so, too.

A reading's sums go on from those of an earlier one (see `balances`), and would else be wrong for ever.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection, update

from campaigns import accounts
from campaigns.database import Record
from campaigns.models import balance_readings


def restate(connection: Connection, entry: Record, *, posted: Decimal | int = 0, refunded: Decimal | int = 0) -> None:
    """Correct the readings that have an entry in their sums.

    Args:
        connection: a transaction.
        entry: with account, and `entered_at`, the time at which it was posted, or refunded.
        posted: credits more (or less, if negative).
        refunded: credits more (or less).
    """
    r = balance_readings.c
    accounts.lock(connection, entry.account)  # one that is being read now has the old sums, and cannot be seen yet
    concerned = update(balance_readings).where(r.account == entry.account, r.asked_at > entry.entered_at)
    changed = {"posted": r.posted + posted, "refunded": r.refunded + refunded, "drift": r.drift - posted + refunded}
    connection.execute(concerned.values(changed))
