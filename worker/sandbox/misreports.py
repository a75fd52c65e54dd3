"""What goes wrong with delivery reports on demand: doubled, repeated, out of order, of nobody, too early.

It works on answers, whatever form they are written in, and changes nothing of what the gateway keeps: a report that
comes twice was read once. Whether a fault strikes is decided by faults.py.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import groupby, zip_longest

from worker.sandbox.calls import Answer, Credentials, ReportsAnswer, ReportsCall
from worker.sandbox.codes import NOTHING_TO_READ, Refused
from worker.sandbox.faults import REPORTS, Faults
from worker.sandbox.gateway import Gateway
from worker.sandbox.outcomes import ENDS

# A report with the msgfid that it stands under.
_Report = tuple[str, tuple[str, int, str, int]]

# Spelled as the vendor's, and of a time that is far away.
STRANGE_MSGFID, STRANGE_SMSFIDS = "ffffffffffffff-99999999", ("fffffffffffff8-99999997", "fffffffffffff8-99999998")
_DELIVERED = ENDS["delivered"]  # which nothing overwrites, should anybody take it for theirs


class Misreports:
    """Spoils the reports of one gateway."""

    def __init__(self, gateway: Gateway, faults: Faults) -> None:
        self._gateway = gateway
        self._faults = faults
        self._again: dict[str, list[_Report]] = {}
        self._waiting: dict[str, _Reading] = {}

    def answer(self, credentials: Credentials, call: ReportsCall) -> Answer:
        """The gateway's answer with whatever is armed done to it, and with what was to come once more. Raises Refused.

        Where there is nothing to read, no fault is used up.
        """
        account = self._gateway.accounts.authenticated(credentials.login, credentials.password)
        nothing: Refused | None = None
        try:
            answer = self._gateway.answer(credentials, call)
        except Refused as refused:
            if refused.code != NOTHING_TO_READ:
                raise
            nothing, answer = refused, ReportsAnswer(account.accountid, [])
        assert isinstance(answer, ReportsAnswer)  # noqa: S101 - what this call is always answered with
        for reading in self._waiting.values():
            reading.goes_on({msgfid for msgfid, _ in answer.groups})
        once_more = self._once_more(account.login, call)
        strikes = {name for name in REPORTS if self._faults.strike(name, "reports")} if answer.groups else set()
        if strikes or once_more:
            reports = self._upset(account.login, strikes, answer)
            return replace(answer, groups=_grouped(reports + once_more))
        if nothing:
            raise nothing
        return answer

    async def until_read(self, msgfid: str, *, seconds: float) -> None:
        """Waits until the reports of a sending were read and their reader came back for more, `seconds` at most."""
        reading = self._waiting[msgfid] = _Reading(msgfid)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(reading.over.wait(), seconds)
        finally:
            del self._waiting[msgfid]

    def _upset(self, login: str, strikes: set[str], answer: ReportsAnswer) -> list[_Report]:
        reports = [(msgfid, report) for msgfid, reports in answer.groups for report in reports]
        if "report_repeated" in strikes:
            self._again.setdefault(login, []).extend(reports)
        if "report_duplicated" in strikes:
            reports = [report for report in reports for _ in range(2)]
        if "unknown_id" in strikes:
            reports = [*_strange(*reports[0]), *reports]
        if "reports_shuffled" in strikes:
            reports = _shuffled(reports)
        return reports

    def _once_more(self, login: str, call: ReportsCall) -> list[_Report]:
        """What is to come again, as far as this call asks for it; the rest waits on."""
        asked: list[_Report] = []
        others: list[_Report] = []
        for msgfid, report in self._again.pop(login, ()):
            fits = call.msgfid in ("", msgfid) and call.smsfid in ("", report[0])
            (asked if fits else others).append((msgfid, report))
        if others:
            self._again[login] = others
        return asked


@dataclass(slots=True)
class _Reading:
    """Somebody waits for the reports of a sending to be read."""

    msgfid: str
    begun: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def goes_on(self, msgfids: set[str]) -> None:
        """Reports are asked for, and those of `msgfids` handed out."""
        if self.begun:
            self.over.set()
        self.begun = self.begun or self.msgfid in msgfids


def _strange(msgfid: str, report: tuple[str, int, str, int]) -> list[_Report]:
    """Two reports of a number that was sent to: of an SMS that the sending lacks, of a sending that nobody made."""
    _, destination, date, _ = report
    return [
        (under, (smsfid, destination, date, _DELIVERED))
        for under, smsfid in zip((msgfid, STRANGE_MSGFID), STRANGE_SMSFIDS, strict=True)
    ]


def _shuffled(reports: list[_Report]) -> list[_Report]:
    """The last first, and one of each sending in turn."""
    sendings: dict[str, list[_Report]] = {}
    for report in reversed(reports):
        sendings.setdefault(report[0], []).append(report)
    return [report for turn in zip_longest(*sendings.values()) for report in turn if report]


def _grouped(reports: Iterable[_Report]) -> list[tuple[str, list[tuple[str, int, str, int]]]]:
    """In their order: a sending that comes back after another stands there twice."""
    return [(msgfid, [report for _, report in group]) for msgfid, group in groupby(reports, key=lambda pair: pair[0])]
