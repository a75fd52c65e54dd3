"""Numbers are put on a list of opt-outs: each once, as it is to be kept, and counted in the order of the commits.

Which lists there are is said in `optouts`; what their count of additions is for, in `unwanted`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from campaigns import unwanted
from campaigns.database import among, now, upsert
from campaigns.models import opt_out_lists, opt_outs


def add(connection: Connection, numbers: Sequence[int], account: str, source: str) -> int:
    """Put numbers on a list; returns how many were not there.

    Args:
        connection: a transaction; no other adds to this list until it has ended.
        numbers: MSISDNs.
        account: whose list, or `unwanted.EVERY`.
        source: where they are known from.

    Raises OptOutKeyError: OPT_OUT_KEY is not what it was.
    """
    lists = opt_out_lists.c
    connection.execute(upsert(connection, opt_out_lists).on_conflict_do_nothing(), {"account": account})
    its_own = lists.account == account
    connection.execute(select(lists.account).where(its_own).with_for_update())  # until the commit, see `unwanted`
    unwanted.require_secret(connection, account)
    plain = _taken_out(connection, numbers, account)
    moment = connection.execute(select(now())).scalar_one()
    entries = {
        unwanted.key_of(number): plain.get(number, (moment, _storable(source))) for number in sorted(set(numbers))
    }
    if not entries:
        return 0
    rows = [{"key": key, "account": account, "opted_out_at": at, "source": why} for key, (at, why) in entries.items()]
    new = upsert(connection, opt_outs).on_conflict_do_nothing().returning(opt_outs.c.key)
    added = len(connection.execute(new, rows).scalars().all())
    if added:
        changed = {"changes": lists.changes + 1, "secret": unwanted.fingerprint()}
        connection.execute(update(opt_out_lists).where(its_own).values(changed))
    return added - len(plain)


def _taken_out(connection: Connection, numbers: Sequence[int], account: str) -> dict[int, tuple[datetime, str]]:
    """Where numbers are to be kept as hashes, those that were put down plainly: when, and where from."""
    if unwanted.fingerprint() is None:
        return {}
    o = opt_outs.c
    plain = delete(opt_outs).where(among(connection, o.key, numbers), o.account == account)
    return {row.key: (row.opted_out_at, row.source) for row in connection.execute(plain.returning(opt_outs))}


def _storable(source: str) -> str:
    """Without what PostgreSQL takes for no text."""
    return source.replace("\0", "").encode(errors="replace").decode()
