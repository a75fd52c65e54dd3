"""Resources for a stage's test: a real database, real settings, a gateway by script, and a note of who was rung."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from campaigns.bells import Bell
from campaigns.database import Database
from worker.mark import Mark
from worker.resources import Resources
from worker.sending import send_slice
from worker.settings import Settings
from worker.smseco.codes import refusal
from worker.smseco.values import Balance, Receipt, Sending

ACCOUNTS = {"default": {"base_url": "http://127.0.0.1:9", "login": "demo", "password": "secret", "sender": "CLINIQUE"}}


def accepted(sending: Sending) -> Receipt:
    """The gateway took all of it, a credit each."""
    count = len(sending.numbers)
    return Receipt(
        msgfid=f"f-{sending.msgid}",
        status=count,
        text="",
        recipients=count,
        sms=count,
        credits=Decimal(count),
        balance=None,
        smsfids=[str(place) for place in range(count)],
        destinations=[str(number) for number in sending.numbers],
        message_credits=[Decimal(1)] * count,
        consistent=True,
    )


def refused_with(code: int) -> Callable[[Sending], Receipt]:
    """The gateway refuses each request with this code."""
    error = refusal(code)
    assert error is not None

    def refuse(_sending: Sending) -> Receipt:
        raise error

    return refuse


@dataclass
class ScriptedGateway:
    """A gateway that does what the test says; `sent` are the requests that were made."""

    answer: Callable[[Sending], Receipt] = accepted
    credits: Decimal = Decimal(1_000_000)
    registered: tuple[str, ...] = ("CLINIQUE",)
    sent: list[Sending] = field(default_factory=list)
    longest_beginning: float = 5.0
    longest_send: float = 10.0
    before_balance: Callable[[], None] = lambda: None

    def send(self, sending: Sending, *, begin_by: float | None = None) -> Receipt:
        self.sent.append(sending)
        return self.answer(sending)

    merge = send

    def balance(self) -> Balance:
        self.before_balance()
        return Balance(account_id="1", credits=self.credits, expires=None, consumed=None)

    def senders(self) -> tuple[str, ...]:
        return self.registered


class Workshop(Resources):
    """Resources whose gateway is the scripted one."""

    def __init__(self, database: Database, gateway: ScriptedGateway, **settings: Any) -> None:
        rung: list[Bell] = []
        read = Settings(**{"accounts": ACCOUNTS, "_env_file": None, **settings})
        super().__init__(read, database, lambda bell, _serial, _after: rung.append(bell))
        object.__setattr__(self, "rung", rung)
        if "spool_dir" not in settings:  # no test leaves a mark in the folder that it is run in
            self.__dict__["mark"] = Mark(None)
        object.__setattr__(self, "_scripted", gateway)

    def gateway(self, _account: str) -> Any:
        return self._scripted  # type: ignore[attr-defined]


def sent_to_the_end(database: Database, gateway: ScriptedGateway, *, lanes: int = 1) -> None:
    """Lanes take their turns until none has anything to do."""
    workshop = Workshop(database, gateway)
    turns_taken = [True]
    while any(turns_taken):
        turns_taken = [send_slice(workshop, "default", lane).more for lane in range(1, lanes + 1)]
