"""What a test, the demo or a person may ask of a running sandbox besides the vendor's API: look, grant, spoil.

Plain values in and out. The admin endpoint (admin.py) and `running()` (server.py) both stand on this.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from worker.sandbox.codes import NOTHING_TO_READ, Refused
from worker.sandbox.faults import Fault, Faults
from worker.sandbox.gateway import Gateway
from worker.sandbox.ledger import lines


class Control:
    """Everything about one gateway. Methods raise ValueError for what cannot be."""

    def __init__(self, gateway: Gateway, faults: Faults) -> None:
        self._gateway = gateway
        self._faults = faults
        self.requests: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()

    def summary(self) -> dict[str, Any]:
        """Figures since the start.

        requests, refusals: by operation, and by code. acceptances: accepted requests. recipients: SMS sent;
        distinct_numbers: to so many numbers; duplicates: SMS beyond the first that an account sent to a number,
        whatever the text, over all its sends; repeats: those of them whose text, as the phone shows it, the number had
        from that account before. lookups: numbers looked up. credits: charged in all; refunded: of those; balance:
        left. reports_read: statuses handed out, not counting those of a fault. faults: how often each struck.
        """
        gateway = self._gateway
        self._gateway.settle_all()
        recipients = gateway.recipients.values()
        total, distinct = sum(r.total for r in recipients), sum(r.distinct for r in recipients)
        accounts = gateway.accounts.values()
        return {
            "requests": dict(self.requests),
            "refusals": dict(self.refusals),
            "acceptances": len(gateway.archive),
            "recipients": total,
            "distinct_numbers": distinct,
            "duplicates": total - distinct,
            "repeats": sum(r.repeats for r in recipients),
            "lookups": gateway.looked_up,
            "credits": sum(account.charged for account in accounts),
            "refunded": sum(account.refunded for account in accounts),
            "balance": sum(account.credits for account in accounts),
            "reports_read": sum(reports.handed_out for reports in gateway.reports.values()),
            "faults": dict(self._faults.struck),
        }

    def note_refusal(self, refused: Refused) -> None:
        """Counts it, unless it only says that there is no report to read."""
        if refused.code != NOTHING_TO_READ:
            self.refusals[str(refused.code)] += 1

    def accounts(self) -> list[dict[str, Any]]:
        """Each account without its password."""
        self._gateway.settle_all()
        fields = ("login", "accountid", "credits", "cumul", "charged", "refunded", "expire", "senders", "active",
                  "enterprise", "may_send")  # fmt: skip
        return [{name: getattr(account, name) for name in fields} for account in self._gateway.accounts.values()]

    def ledger(self, *, msgfid: str = "", since: int = 0) -> Iterator[list[str]]:
        """JSON lines of the ledger, a list for each sending; only those after running number `since`."""
        archive = self._gateway.archive
        sendings = [archive[index] for index in archive.by_msgfid(msgfid)] if msgfid else archive.since(since)
        for sending in sendings:
            yield list(lines(sending, since=since))

    def sendings(
        self, *, msgfid: str = "", before: int = 0, count: int = 50, skip: int = 0, sms: int = 5
    ) -> list[dict[str, Any]]:
        """What was accepted, the newest first, each with `sms` of its SMS after the first `skip`.

        The last `count`, of those before running number `before` if it is given; or the one with this msgfid, or none.
        An SMS holds destination, text (as the phone shows it), and what has become of it by now, read or not: status,
        and since (a time of day as the vendor writes it); both None before its first status. `at` is in seconds since
        1970, `credits` what the whole sending cost, `is_merge` whether recipients carried values, `skipped` is `skip`.
        """
        archive = self._gateway.archive
        indexes = archive.by_msgfid(msgfid) if msgfid else archive.newest(count, before=before)
        return [self._sending(index, slice(skip, skip + sms)) for index in indexes]

    def find(self, wanted: str, *, count: int) -> list[tuple[str, int]]:
        """Whom a msgfid, an smsfid or a msgid means: the msgfids of the last `count` sendings, the newest first.

        Each with how many SMS stand before the one that is meant: none, unless it is an smsfid.
        """
        archive = self._gateway.archive
        found = archive.find(wanted, accounts=self._gateway.accounts)[:count]
        return [(archive[index].msgfid, position) for index, position in found]

    def top_up(self, login: str, amount: int) -> int:
        """Grants credits. Returns what the account has then."""
        return self._gateway.top_up(login, amount)

    def fault(self, name: str, **how: Any) -> None:
        """Arms a fault, told by the fields of a `Fault`: see faults.py. A count of 0 disarms it, and all for "*"."""
        self._faults.arm(Fault(name, **how))

    def faults(self) -> list[dict[str, Any]]:
        """What is armed, with what is left of it."""
        return list(self._faults.armed())

    def settings(self, *, login: str = "", **changes: Any) -> None:
        """Changes settings by their names in `SandboxOptions`; those of an account for `login` or for all."""
        self._gateway.change(login, **changes)

    def _sending(self, index: int, shown: slice) -> dict[str, Any]:
        sending = self._gateway.archive[index]
        fields = ("msgfid", "msgid", "kind", "is_merge", "account", "sender", "at", "first")
        positions, texts = range(len(sending))[shown], sending.texts[shown]
        return {name: getattr(sending, name) for name in fields} | {
            "size": len(sending),
            "skipped": shown.start,
            "credits": sum(sending.credits),
            "sms": [self._sms(index, position, text) for position, text in zip(positions, texts, strict=True)],
        }

    def _sms(self, index: int, position: int, text: str) -> dict[str, Any]:
        clock, sending = self._gateway.clock, self._gateway.archive[index]
        due = self._gateway.reports[sending.account].status_at(clock.tick(), index, position)
        return {
            "destination": str(sending.destinations[position]),
            "text": text,
            "status": due.status if due else None,
            "since": clock.stamp(due.tick) if due else None,
        }
