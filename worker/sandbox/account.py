"""An account: who may do what, and the credits. At every moment credits + cumul is all that was ever granted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from worker.sandbox.codes import Refused
from worker.sandbox.options import SandboxOptions, is_whole


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
        """Grants more credits; what was consumed stays what it was. Raises ValueError for what is no amount."""
        if not is_whole(amount) or amount < 0:
            raise ValueError("a top-up is a whole number of credits, and not negative")
        self.credits += amount

    def change(self, changes: Mapping[str, Any]) -> None:
        """Changes settings that are an account's own, already checked."""
        for name, value in changes.items():
            setattr(self, name, tuple(value) if name == "senders" else value)


class Accounts(dict[str, Account]):
    """All of them, by login."""

    def __init__(self, options: SandboxOptions, now: float) -> None:
        """As the options have them at `now`, in seconds since 1970."""
        expire = datetime.fromtimestamp(now, UTC) + timedelta(days=365)
        super().__init__({
            login: Account(
                login=login,
                password=password,
                accountid=str(38_000_001 + position),
                credits=options.credits,
                senders=tuple(options.senders),
                active=options.active,
                enterprise=options.enterprise,
                may_send=options.may_send,
                expire=expire.strftime("%Y-%m-%d %H:%M:%S"),
            )
            for position, (login, password) in enumerate(options.accounts.items())
        })  # fmt: skip
        self._by_id = {account.accountid: account for account in self.values()}

    def authenticated(self, login: str, password: str) -> Account:
        """Whose login, or id (V-2), and password these are. Raises Refused (-2, -3, -4)."""
        if not login:
            raise Refused(-2)
        if not password:
            raise Refused(-3)
        account = self.get(login) or self._by_id.get(login)
        if account is None or account.password != password:
            raise Refused(-4)
        return account

    def named(self, login: str) -> Account:
        """The account of a login. Raises ValueError where there is none."""
        if login not in self:
            raise ValueError("there is no such account")
        return self[login]

    def chosen(self, login: str) -> list[Account]:
        """The account of a login, or all of them where it is empty. Raises ValueError like `named`."""
        return [self.named(login)] if login else list(self.values())
