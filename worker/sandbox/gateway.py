"""What the gateway does with each call, whatever form it came in: the rules of the vendor's document, in their order.

Refusals are raised as `Refused`; nothing of a refused request happens. It knows neither HTTP nor any wire form.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from worker.sandbox import outcomes
from worker.sandbox.account import Account
from worker.sandbox.archive import Archive
from worker.sandbox.calls import (
    Accepted,
    Answer,
    BalanceAnswer,
    BalanceCall,
    Call,
    Credentials,
    LookupCall,
    ReportsAnswer,
    ReportsCall,
    SendCall,
    SendersAnswer,
)
from worker.sandbox.clock import TICKS_PER_SECOND, Clock
from worker.sandbox.codes import Refused
from worker.sandbox.datesend import begins
from worker.sandbox.ledger import LedgerFile, Recipients
from worker.sandbox.merging import merged
from worker.sandbox.numbers import Numbering
from worker.sandbox.options import CHANGEABLE, SandboxOptions
from worker.sandbox.reports import MOST_IN_A_SENDING, Due, Reports
from worker.sandbox.segments import segments, shown
from worker.sandbox.sendings import Kind, Sending

LONGEST_MSGID = 30


class Gateway:
    """All accounts, all that they sent, and what became of it."""

    def __init__(self, options: SandboxOptions, *, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.options = options
        self.archive = Archive()
        self.looked_up = 0
        self._numbering = Numbering(options.country)
        self._file = LedgerFile(options.ledger, fsync=options.ledger_fsync) if options.ledger else None
        expire = datetime.fromtimestamp(self.clock.now(), UTC) + timedelta(days=365)
        self.accounts = {
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
        }
        self.reports = {login: Reports() for login in self.accounts}
        self.recipients = {login: Recipients() for login in self.accounts}
        self._draws = _draws(options)

    def change(self, **changes: Any) -> None:
        """Changes settings for what comes from now on. Raises ValueError for one that is wrong or cannot be changed."""
        fixed = set(changes) - CHANGEABLE
        if fixed:
            raise ValueError(f"cannot be changed: {', '.join(sorted(fixed))}")
        self.options = replace(self.options, **changes)
        self._draws = _draws(self.options)

    def close(self) -> None:
        """Closes the ledger's file."""
        if self._file:
            self._file.close()

    def answer(self, credentials: Credentials, call: Call) -> Answer:
        """Does what is asked. Raises Refused."""
        account = self._authenticated(credentials)
        self.settle(account)
        match call:
            case SendCall():
                return self._send(account, call)
            case LookupCall():
                return self._look_up(account, call)
            case ReportsCall():
                return self._report(account, call)
            case BalanceCall():
                return BalanceAnswer(account.accountid, account.credits, account.expire, account.cumul)
        return SendersAnswer(account.accountid, account.senders)

    def settle(self, account: Account) -> None:
        """Lets everything happen that is due by now: reports get ready, unbilled ends give their credits back."""
        unbilled = self.reports[account.login].advance(self.clock.tick())
        if self.options.refunds and unbilled:
            account.refund(sum(self.archive[number].credits[position] for number, position in unbilled))

    def _authenticated(self, credentials: Credentials) -> Account:
        if not credentials.login:
            raise Refused(-2)
        if not credentials.password:
            raise Refused(-3)
        account = self.accounts.get(credentials.login)
        if account is None or account.password != credentials.password:
            raise Refused(-4)
        return account

    def _send(self, account: Account, call: SendCall) -> Accepted:
        _check(account, allowed=account.may_send, msgid=call.msgid)
        if not call.text.strip():
            raise Refused(-5)
        if call.sender not in account.senders:
            raise Refused(-8)
        start = begins(call.datesend, clock=self.clock)
        taken = self._numbering.taken(call.recipients)
        if any(values for _, values in call.recipients):
            texts = [shown(merged(call.text, values), unicode=call.unicode) for values in taken.values()]
            counts = [segments(text, unicode=call.unicode) for text in texts]
        else:
            texts = [shown(call.text, unicode=call.unicode)]
            counts = [segments(texts[0], unicode=call.unicode)] * len(taken)
        price = self.options.price
        sending = self._accept(
            account,
            kind="send",
            msgid=call.msgid,
            sender=call.sender,
            unicode=call.unicode,
            destinations=list(taken),
            texts=texts,
            credits=[count * price for count in counts],
            start=start,
        )
        self.recipients[account.login].add(sending)
        return Accepted(sending, sum(counts), account.credits)

    def _look_up(self, account: Account, call: LookupCall) -> Accepted:
        _check(account, allowed=account.enterprise, msgid=call.msgid)
        taken = self._numbering.taken((raw, ()) for raw in call.numbers)
        listed = [number for number in taken if number % outcomes.MAGIC != outcomes.LEFT_OUT_OF_LOOKUPS]
        if not listed:
            raise Refused(-9)
        sending = self._accept(
            account,
            kind="lookup",
            msgid=call.msgid,
            destinations=listed,
            texts=[""],
            credits=[self.options.lookup_price] * len(listed),
            start=self.clock.tick(),
        )
        self.looked_up += len(listed)
        return Accepted(sending, len(listed), account.credits)

    def _report(self, account: Account, call: ReportsCall) -> ReportsAnswer:
        groups = [
            (sending.msgfid, [(sending.smsfid(p), sending.destinations[p], self.clock.stamp(t), s) for p, s, t in dues])
            for sending, dues in self._read(account, call)
        ]
        return ReportsAnswer(account.accountid, 0 if groups else self.options.empty_statut, groups)

    def _read(self, account: Account, call: ReportsCall) -> Iterable[tuple[Sending, list[Due]]]:
        reports, once = self.reports[account.login], self.options.once_per_sms
        left = self.options.reports_per_reply
        if not call.msgfid and not call.smsfid:
            for number, dues in reports.read(limit=left, once_per_sms=once):
                yield self.archive[number], dues
            return
        found = self.archive.asked_for(
            account.login,
            msgfid=call.msgfid,
            smsfid=call.smsfid,
            msgid_understood=self.options.msgid_understood,
        )
        for number in found:
            sending = self.archive[number]
            position = sending.position(call.smsfid) if call.smsfid else None
            if call.smsfid and position is None:
                continue
            dues = reports.read_of(number, limit=left, position=position, once_per_sms=once)
            left -= len(dues)
            if dues:
                yield sending, dues

    def _accept(
        self,
        account: Account,
        *,
        kind: Kind,
        destinations: list[int],
        credits: list[int],  # noqa: A002 - the vendor's word
        start: int,
        **fields: Any,
    ) -> Sending:
        """Charges, records and schedules. Raises Refused(-6), before anything of it happened."""
        if len(destinations) > MOST_IN_A_SENDING:
            raise Refused(-1)
        account.charge(sum(credits))
        index, sending = self.archive.add(
            kind=kind,
            account=account.login,
            at=self.clock.now(),
            destinations=destinations,
            credits=credits,
            **fields,
        )
        ends, delays = self._draws[kind].draw(destinations)
        steps = self.options.steps and kind == "send"
        self.reports[account.login].schedule(index, start=start, ends=ends, delays=delays, steps=steps)
        if self._file:
            self._file.write(sending)
        return sending


def _check(account: Account, *, allowed: bool, msgid: str) -> None:
    """What a send and a lookup are refused for alike."""
    if not account.active:
        raise Refused(-12)
    if not allowed:
        raise Refused(-11)
    if len(msgid) > LONGEST_MSGID:
        raise Refused(-10)


def _draws(options: SandboxOptions) -> dict[str, outcomes.Draw]:
    """How sends and lookups will end, as the options have it now."""
    delays = (round(options.delays[0] * TICKS_PER_SECOND), round(options.delays[-1] * TICKS_PER_SECOND))
    mix = {outcomes.ENDS[name]: weight for name, weight in options.mix.items()}
    lookups = {
        outcomes.UNREACHABLE: options.lookup_dead,
        outcomes.SILENT: options.lookup_silent,
        outcomes.REACHABLE: 1 - options.lookup_dead - options.lookup_silent,
    }
    return {
        "send": outcomes.Draw(mix, delays=delays, seed=options.seed, salt="send"),
        "lookup": outcomes.Draw(lookups, delays=delays, seed=options.seed, salt="lookup"),
    }
