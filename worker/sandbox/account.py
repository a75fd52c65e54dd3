"""An account: who may do what, and the credits. At every moment credits + cumul is all that was ever granted."""

from dataclasses import dataclass, field

from worker.sandbox.codes import Refused


@dataclass(slots=True)
class Account:
    """Changes as requests come in; only the gateway's own thread touches it."""

    login: str
    password: str = field(repr=False)
    accountid: str
    credits: int
    senders: tuple[str, ...]
    active: bool
    enterprise: bool
    may_send: bool
    expire: str
    cumul: int = 0
    charged: int = 0
    refunded: int = 0

    def charge(self, amount: int) -> None:
        """Takes `amount` credits or none. Raises Refused(-6) where there are not enough."""
        if amount > self.credits:
            raise Refused(-6)
        self.credits -= amount
        self.cumul += amount
        self.charged += amount

    def refund(self, amount: int) -> None:
        """Gives credits back for messages that ended unbilled."""
        self.credits += amount
        self.cumul -= amount
        self.refunded += amount

    def top_up(self, amount: int) -> None:
        """Grants more credits; what was consumed stays what it was. Raises ValueError for a negative amount."""
        if amount < 0:
            raise ValueError("a top-up cannot be negative")
        self.credits += amount
