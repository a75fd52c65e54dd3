"""Messages that are named by campaign and number, as a table to join `messages` with: each is found by its key.

With the campaign as a condition of its own it would not be so: where PostgreSQL's statistics are older than a campaign,
it takes it for one of a single message, and goes through all of them to find some.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, FromClause, and_, select, tuple_
from sqlalchemy.types import TypeEngine

from campaigns.database import forbid_scans, rows_of
from campaigns.models import messages

Target = tuple[int, int]
"""Campaign and MSISDN: the key of a message."""


def by_key(
    connection: Connection,
    campaign_ids: Sequence[int],
    numbers: Sequence[int],
    **more: tuple[type[TypeEngine[Any]], Sequence[Any]],
) -> tuple[FromClause, ColumnElement[bool]]:
    """The table `named`, and the condition that a message is named in it.

    Args:
        connection: a transaction; its planner is told to forbid scans and hash joins for the rest of it.
        campaign_ids: the campaign of each message; in the order of the keys wherever they are written, so that two
            writers cannot block each other for ever.
        numbers: the MSISDN of each.
        more: further columns, as in `rows_of`.
    """
    forbid_scans(connection)
    keys: dict[str, Any] = {"campaign_id": (BigInteger, campaign_ids), "msisdn": (BigInteger, numbers)}
    table = rows_of(connection, "named", **keys, **more)
    m = messages.c
    return table, and_(m.campaign_id == table.c.campaign_id, m.msisdn == table.c.msisdn)


def among_keys(connection: Connection, campaign_ids: Sequence[int], numbers: Sequence[int]) -> ColumnElement[bool]:
    """That a message is one of these, for a deletion: SQLite knows none from two tables. The arguments are the same."""
    table, _ = by_key(connection, campaign_ids, numbers)
    m = messages.c
    return tuple_(m.campaign_id, m.msisdn).in_(select(table.c.campaign_id, table.c.msisdn))
