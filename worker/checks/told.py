"""What a gateway tells of an account: asked by the account's own login, and free of charge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from worker.settings import Settings
from worker.smseco.values import Balance

ASKED_SECONDS = 8.0
"""After which a gateway has no answer, whatever it is that takes so long: a name, a firewall, the gateway itself."""

CONNECT_SECONDS = 2.5
ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class Told:
    """What came of it.

    Attributes:
        balance: what the account has.
        senders: the names registered for it.
        ahead: seconds by which the gateway's clock is ahead of this host's; none if it does not say.
    """

    balance: Balance
    senders: frozenset[str]
    ahead: float | None


def ask(settings: Settings, account: str) -> Told:
    """Ask once for the balance, and once for the senders. Raises Refused, Unreachable or BadReply."""
    soon = {
        "connect_timeout": min(settings.connect_timeout, CONNECT_SECONDS),
        "post_timeout": min(settings.post_timeout, ANSWER_SECONDS),
    }
    with settings.model_copy(update=soon).gateway(account) as gateway:
        before = datetime.now(UTC)
        balance = gateway.balance()
        after, its = datetime.now(UTC), gateway.clock
        ahead = None if its is None else (its - before - (after - before) / 2).total_seconds()
        return Told(balance, frozenset(gateway.senders()), ahead)
