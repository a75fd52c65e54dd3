"""Asking the gateway what an account has; every answer is kept, whatever it was asked for."""

from __future__ import annotations

from campaigns import balances
from campaigns.balances import Balance
from worker.resources import Resources


def ask(resources: Resources, account: str) -> Balance:
    """The account's balance, for whoever notes it himself. Raises Refused or ReadFailed."""
    asked_at = resources.database.clock()
    answer = resources.gateway(account).balance()
    return Balance(credits=answer.credits, consumed=answer.consumed, expires_at=answer.expires, asked_at=asked_at)


def ask_and_note(resources: Resources, account: str) -> Balance:
    """The account's balance, noted. Raises Refused or ReadFailed."""
    balance = ask(resources, account)
    balances.note_balance(resources.database, account, balance)
    return balance
