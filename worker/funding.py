"""The stage that asks what the account has, checks senders, and has credits set aside."""

from __future__ import annotations

from campaigns import accounts, credits, lifecycle
from campaigns.balances import note_balance
from worker import balances, sending
from worker.language import N_
from worker.resources import Resources, Slice
from worker.smseco.errors import ReadFailed, Refused

AGAIN_SECONDS = 5.0
"""After which balance and senders are asked for again, where something answers that is no answer."""


def fund_slice(resources: Resources, account: str) -> Slice:
    """Fund what waits for it, with one look at balance and senders for all of it together."""
    database = resources.database
    try:
        balance = balances.ask(resources, account)
        accounts.back(database, account, proven=False)
        if not credits.waiting(database, account):
            # Whoever comes from now on finds the bell silent, or is looked for once more: to fund without having asked
            # for the senders would pause it.
            note_balance(database, account, balance)
            return Slice("nobody waits for credits")
        senders = resources.gateway(account).senders()
    except Refused as error:
        paused = _pause_waiting(
            resources, account, N_("the gateway refused to name balance and senders, {why}").format(why=error)
        )
        return Slice(f"refused with {error.code}: {paused} campaigns paused")
    except ReadFailed as error:
        return _unfinished(resources, account, error)
    funded = credits.fund(
        database,
        account,
        balance,
        senders=senders,
        default_sender=resources.settings.accounts[account].sender,
    )
    if funded:
        sending.wake_lanes(resources, account)
    return Slice(f"{funded} campaigns funded")


def _unfinished(resources: Resources, account: str, error: ReadFailed) -> Slice:
    """Try again later. Only a gateway that cannot be reached is away: what is funded needs no answer about money."""
    if not error.begun:
        wait = accounts.away(resources.database, account, str(error))
        return Slice("the gateway cannot be reached", after=wait)
    with resources.database.transaction() as connection:
        lifecycle.tell_waiting(
            connection, account, N_("the gateway to say what the account has: {why}").format(why=error)
        )
    return Slice("the gateway does not say what the account has", after=AGAIN_SECONDS)


def _pause_waiting(resources: Resources, account: str, reason: str) -> int:
    with resources.database.transaction() as connection:
        return lifecycle.halt_waiting(connection, account, reason)
