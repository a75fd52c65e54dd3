"""What the gateway counts of an account, for tests of whatever compares it with our ledger."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select, update

from campaigns import balances, settling
from campaigns.balances import Balance
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts, balance_readings, refunds
from tests.campaigns import making


@dataclass
class Count:
    """An account at the gateway: what is left, and its `cumul`."""

    database: Database
    left: Decimal = Decimal(1000)
    consumed: Decimal = Decimal(5000)
    account: str = making.ACCOUNT

    def take(self, amount: int | Decimal) -> None:
        """Charge so much, or give it back if it is negative."""
        self.left -= amount
        self.consumed += amount

    def balance(self) -> Balance:
        return Balance(self.left, self.consumed, None, self.database.clock())

    def read(self) -> None:
        """Its balance is asked now, and noted."""
        balances.note_balance(self.database, self.account, self.balance())

    def accept(self, claim: Claim) -> None:
        """It takes a request, and its reply arrives."""
        self.take(len(claim.payload))
        settling.accept(self.database, claim, making.acceptance(claim))

    def lose(self, claim: Claim, *, taken: bool = True) -> None:
        """It takes a request, or not, and nobody hears of it."""
        self.take(len(claim.payload) if taken else 0)
        settling.doubt(self.database, claim, "timed out")


MOMENTS = (
    attempts.c.started_at,
    attempts.c.leased_until,
    attempts.c.settled_at,
    refunds.c.refunded_at,
    balance_readings.c.asked_at,
    balance_readings.c.confirmed_at,
)


def later(database: Database, seconds: float = 1.0) -> None:
    """Let so much time pass for all that is compared with readings."""
    making.clock_goes_on(database, seconds, *MOMENTS)


def last_reading(database: Database, account: str = making.ACCOUNT) -> dict[str, object]:
    """The account's newest row of readings."""
    r = balance_readings.c
    with database.reading() as connection:
        mine = select(balance_readings).where(r.account == account).order_by(r.asked_at.desc(), r.id.desc())
        return dict(connection.execute(mine.limit(1)).mappings().one())


def at_work_no_more(database: Database, claim: Claim) -> None:
    """All its messages have an end."""
    making.change(database, update(attempts).where(attempts.c.id == claim.attempt_id).values(ended_at=database.clock()))
