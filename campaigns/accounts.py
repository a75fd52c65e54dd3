"""Accounts at the gateway, by name: their rows are locks, and remember whether gateway and workers are there."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, bindparam, exists, literal, select, update

from campaigns.database import Database, Record, is_over, later, now, upsert
from campaigns.models import accounts

LONGEST_WAIT = 60.0
"""Seconds after which a gateway that is away is tried again, at the latest."""

SERVED_SECONDS = 300.0
"""For how long it is believed that a worker which named an account is still there."""

_FAILING = select(accounts.c.doubtful).where(accounts.c.name == bindparam("of_account"), accounts.c.failures > 0)


def lock(connection: Connection, name: str) -> Record:
    """The account's row, made if it is new, and locked: everything about its money is decided one after the other."""
    connection.execute(upsert(connection, accounts).values(name=name).on_conflict_do_nothing())
    return connection.execute(select(accounts).where(accounts.c.name == name).with_for_update()).one()


def serve(database: Database, names: Collection[str], *, exclusive: Collection[str] = ()) -> int:
    """A worker's settings have these accounts; returns how many needed saying: it is remembered for a while.

    Args:
        database: where it is said.
        names: of the accounts.
        exclusive: those of them through which nobody else sends, as its settings say.
    """
    a = accounts.c
    said = select(a.name).where(a.name.in_(names), ~is_over(a.served_at, SERVED_SECONDS / 5))
    with database.reading() as connection:
        unsaid = sorted(set(names) - set(connection.execute(said).scalars()))
    if unsaid:
        with database.transaction() as connection:
            served = upsert(connection, accounts).values(served_at=now())
            said_now = {"served_at": now(), "exclusive": served.excluded.exclusive}
            again = served.on_conflict_do_update(index_elements=["name"], set_=said_now)
            connection.execute(again, [{"name": name, "exclusive": name in exclusive} for name in unsaid])
    return len(unsaid)


def exclusive(connection: Connection) -> list[str]:
    """Accounts of which a worker said that nobody else sends through them."""
    a = accounts.c
    return list(connection.execute(select(a.name).where(a.exclusive).order_by(a.name)).scalars())


def unserved(connection: Connection, name: str) -> bool:
    """Whether workers are there, but none whose settings have this account."""
    a = accounts.c
    served = select(a.name).where(~is_over(a.served_at, SERVED_SECONDS))
    names = set(connection.execute(served).scalars())
    return bool(names) and name not in names


def is_there(name: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the gateway of the account of this name is not away."""
    return ~exists(literal(1)).where(accounts.c.name == name, accounts.c.away_until > now())


def away(database: Database, name: str, reason: str, *, doubtful: bool = False) -> float:
    """The gateway is not as it should be: nothing is claimed for a while, twice as long after each outage.

    Whoever fails while it is away already was at work before, and adds nothing: four lanes that fail together are one
    outage.

    Args:
        database: where.
        name: the account's.
        reason: for a person.
        doubtful: it answers, but leaves requests in doubt: only an accepted one shows that it is well again.

    Returns:
        Seconds until it is tried again.
    """
    with database.transaction() as connection:
        account = lock(connection, name)
        known = {"doubtful": doubtful or account.doubtful, "away_reason": reason}
        wait = _seconds_left(connection, account)
        if wait <= 0:
            failures = account.failures + 1
            wait = min(LONGEST_WAIT, 2.0 ** min(failures, 10) / 2)
            known |= {"failures": failures, "away_until": later(wait)}
        connection.execute(update(accounts).where(accounts.c.name == name).values(known))
    return wait


def _seconds_left(connection: Connection, account: Record) -> float:
    if account.away_until is None:
        return 0.0
    clock = connection.execute(select(now())).scalar_one()
    return float((account.away_until - clock).total_seconds())


def is_doubtful(database: Database, name: str) -> bool:
    """Whether requests of the account fell in doubt, and none was accepted since."""
    with database.reading() as connection:
        failing = connection.execute(_FAILING, {"of_account": name}).first()
    return failing is not None and bool(failing.doubtful)


def back(database: Database, name: str, *, proven: bool = True) -> None:
    """The gateway answered; not `proven` if it was no send, which says nothing of those that fell in doubt."""
    with database.reading() as connection:
        failing = connection.execute(_FAILING, {"of_account": name}).first()
    if failing is None or (failing.doubtful and not proven):
        return
    with database.transaction() as connection:
        connection.execute(
            update(accounts)
            .where(accounts.c.name == name)
            .values(failures=0, doubtful=False, away_until=None, away_reason=None)
        )
