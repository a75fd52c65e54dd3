"""Who must not be texted: of some numbers, those whose people have opted out; and what is kept of a number.

It is asked when a campaign is expanded, and again when a batch is claimed. Where a list has had no addition since the
campaign's expansion began, nobody can be in it whom the expansion did not see: so a list counts its additions, and the
count is all that is looked at for each batch. It grows in the order of the commits, for whoever adds has the list's
row: a moment, or a number from a sequence, may be taken before another and be committed after it.

With OPT_OUT_KEY a number is kept as its HMAC-SHA256 by that secret, cut to 63 bits, and negative, so that a list may
hold both kinds. A list of n hashes has a number that is not in it with odds of n in 2⁶³: with a million of them, one
campaign of a hundred million in 90,000 leaves somebody out by mistake, and nobody is texted by mistake. The secret is
what protects the numbers: whoever has it hashes all mobile numbers of a country within minutes.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, ColumnElement, Connection, Text, bindparam, cast, func, or_, select

from campaigns.database import forbid_scans, rows_of
from campaigns.language import _
from campaigns.models import opt_out_lists, opt_outs
from campaigns.pseudonyms import fingerprint_of, hashed
from campaigns.settings import domain_settings

EVERY = "*"
"""The list of those who want nothing from any account; no account can have this name."""


FEW = 50
"""Keys that are named in a statement one by one; more come as one parameter."""

_FOR_ALL = opt_out_lists.c.account == EVERY


class OptOutKeyError(Exception):
    """The list was hashed with another secret: it tells of nobody who is on it, and so nobody may be texted."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "opt-outs are kept as hashes by another OPT_OUT_KEY than the settings have: set the one "
                "that they were written with, for producers and workers alike"
            )
        )


def key_of(number: int) -> int:
    """What is kept of a number: itself, or its hash if the settings ask for that."""
    secret = domain_settings().opt_out_key
    return number if secret is None else _hashed(secret.encode(), number)


def _hashed(secret: bytes, number: int) -> int:
    return hashed(secret, b"%d" % number)


def fingerprint() -> str | None:
    """What tells this OPT_OUT_KEY from another, and nothing else; None without one."""
    secret = domain_settings().opt_out_key
    return None if secret is None else fingerprint_of(secret, "OPT_OUT_KEY")


def changes(account: ColumnElement[str]) -> ColumnElement[int]:
    """How many additions the lists of an account have had, that of all accounts included; to be part of a statement."""
    lists = opt_out_lists.c
    summed = select(func.coalesce(func.sum(lists.changes), 0)).where(or_(lists.account == account, _FOR_ALL))
    return cast(summed.scalar_subquery(), BigInteger)


_SEEN = select(changes(bindparam("of_account", type_=Text)))  # put together once: it is asked for each submission


def seen(connection: Connection, account: str) -> int:
    """As `changes`, now: to be looked at before `among` is asked, or an addition in between would never be seen."""
    return int(connection.execute(_SEEN, {"of_account": account}).scalar_one())


def among(connection: Connection, account: str, numbers: Sequence[int]) -> set[int]:
    """Those of the numbers whose people want nothing from the account.

    Args:
        connection: a transaction; its planner may be told to forbid scans and hash joins for the rest of it.
        account: which would send.
        numbers: MSISDNs.

    Raises:
        OptOutKeyError: it cannot be told.
    """
    require_secret(connection, account)
    secret = domain_settings().opt_out_key
    number_of = {number: number for number in numbers}  # what was kept before there was a secret still counts
    if secret is not None:
        encoded = secret.encode()
        number_of |= {_hashed(encoded, number): number for number in numbers}
    look = _few if len(number_of) <= FEW else _many
    return {number_of[key] for key in look(connection, account, list(number_of))}


def _few(connection: Connection, account: str, keys: Sequence[int]) -> Sequence[int]:
    """Those of the keys that are on a list, by a statement that is put together once: most campaigns are small."""
    return connection.execute(_AMONG_FEW, {"keys": keys, "accounts": [account, EVERY]}).scalars().all()


_AMONG_FEW = select(opt_outs.c.key).where(
    opt_outs.c.key.in_(bindparam("keys", expanding=True)), opt_outs.c.account.in_(bindparam("accounts", expanding=True))
)


def _many(connection: Connection, account: str, keys: Sequence[int]) -> Sequence[int]:
    """The same of however many."""
    forbid_scans(connection)
    asked = rows_of(connection, "asked", key=(BigInteger, keys))
    o = opt_outs.c
    kept = select(o.key).where(o.key == asked.c.key, o.account.in_([account, EVERY]))
    # The offset keeps PostgreSQL from making a join of it, as in `expansion`: each key is looked up by itself.
    found = select(asked.c.key).where(kept.offset(0).correlate(asked).exists())
    return connection.execute(found).scalars().all()


def require_secret(connection: Connection, *accounts: str) -> None:
    """Raises OptOutKeyError if what these accounts' lists, or that of all, hold was hashed with another secret."""
    made = connection.execute(_SECRETS, {"accounts": [*accounts, EVERY]}).scalars()
    mine = fingerprint()
    if any(secret != mine for secret in made):
        raise OptOutKeyError


_SECRETS = select(opt_out_lists.c.secret).where(
    opt_out_lists.c.account.in_(bindparam("accounts", expanding=True)), opt_out_lists.c.secret.is_not(None)
)
