"""What the gateway does with each call, whatever form it came in: the rules of the vendor's document, in their order.

Refusals are raised as `Refused`; nothing of a refused request happens. It knows neither HTTP nor any wire form.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from worker.sandbox import outcomes
from worker.sandbox.account import Account, Accounts
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
from worker.sandbox.deeds import Forgetful
from worker.sandbox.ledger import LedgerFile, Recipients
from worker.sandbox.merging import merge
from worker.sandbox.numbers import Numbering
from worker.sandbox.options import CHANGEABLE, CHANGEABLE_OF_ACCOUNT, SandboxOptions
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
        self.memory = Forgetful()
        self.looked_up = 0
        self._numbering = Numbering(options.country)
        self.ledger = LedgerFile(options.ledger, fsync=options.ledger_fsync) if options.ledger else None
        self.accounts = Accounts(options, self.clock.now())
        self.reports = {login: Reports() for login in self.accounts}
        self.recipients = {login: Recipients() for login in self.accounts}
        self._draws = _draws(options)

    def change(self, login: str = "", /, **changes: Any) -> None:
        """Changes settings for what comes from now on: of the account, or of all and of the gateway.

        Raises ValueError for one that is wrong or cannot be changed, and for an account that there is not.
        """
        accounts = self.accounts.chosen(login)
        fixed = set(changes) - CHANGEABLE - CHANGEABLE_OF_ACCOUNT
        if fixed:
            raise ValueError(f"cannot be changed: {', '.join(sorted(fixed))}")
        checked = replace(self.options, **changes)
        own = {name: value for name, value in changes.items() if name in CHANGEABLE_OF_ACCOUNT}
        with self.clock.held() as moment:
            self.settle_all()
            self.options = replace(checked, **{name: getattr(self.options, name) for name in own})
            self._draws = _draws(self.options)
            for account in accounts:
                account.change(own)
            self.memory.note_settings(moment, login, changes)

    def top_up(self, login: str, amount: int) -> int:
        """Grants credits. Returns what the account has then. Raises ValueError like `Account.top_up` and `change`."""
        account = self.accounts.named(login)
        with self.clock.held() as moment:
            self.settle(account)
            account.top_up(amount)
            self.memory.note_top_up(moment, login, amount)
        return account.credits

    def close(self) -> None:
        """Closes the files."""
        if self.ledger:
            self.ledger.close()
        self.memory.close()

    def answer(self, credentials: Credentials, call: Call) -> Answer:
        """Does what is asked, and has it written down. Raises Refused, and Unwritten."""
        account = self.accounts.authenticated(credentials.login, credentials.password)
        with self.clock.held() as moment:
            answer = self.carry_out(account.login, call)
            if not isinstance(answer, ReportsAnswer) or answer.groups:
                self.memory.note_call(moment, account.login, call)
            if self.ledger and isinstance(answer, Accepted):
                self.ledger.write(answer.sending)
        return answer

    def carry_out(self, login: str, call: Call) -> Answer:
        """Does what the account asks, and no more. Raises Refused, and KeyError for an account that there is not."""
        account = self.accounts[login]
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
        reports = self.reports[account.login]
        unbilled = reports.advance(self.clock.tick(), once_per_sms=self.options.once_per_sms)
        if self.options.refunds and unbilled:
            account.refund(sum(self.archive[number].credits[position] for number, position in unbilled))

    def settle_all(self) -> None:
        """The same for every account."""
        for account in self.accounts.values():
            self.settle(account)

    def _send(self, account: Account, call: SendCall) -> Accepted:
        _check(account, allowed=account.may_send, msgid=call.msgid)
        if not call.text.strip():
            raise Refused(-5)
        if call.sender not in account.senders:
            raise Refused(-8)
        start = begins(call.datesend, clock=self.clock)
        taken = self._numbering.taken(call.recipients)
        if any(number % outcomes.MAGIC == outcomes.UNREADABLE for number in taken):
            raise Refused(-1)
        is_merge = any(values for _, values in call.recipients)
        if is_merge:
            texts = [shown(text, unicode=call.unicode) for text in merge(call.text, taken.values())]
            counts = [segments(text, unicode=call.unicode) for text in texts]
        else:
            texts = [shown(call.text, unicode=call.unicode)]
            counts = [segments(texts[0], unicode=call.unicode)] * len(taken)
        price = self.options.price
        sending = self._accept(
            account,
            kind="send",
            is_merge=is_merge,
            msgid=call.msgid,
            sender=call.sender,
            unicode=call.unicode,
            options=call.options,
            destinations=list(taken),
            texts=texts,
            credits=[count * price for count in counts],
            start=start,
        )
        self.recipients[account.login].add(sending)
        return Accepted(sending, sum(counts), account.credits, json_echo=self.options.json_echo)

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
        if not groups and self.options.empty_statut:
            raise Refused(self.options.empty_statut)
        return ReportsAnswer(account.accountid, groups)

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
