"""Bad days on demand: which faults there are, which are armed, and whom they strike.

A fault is armed for a `count` of requests, or with a `share` of them (seeded; until it is disarmed, or `count` is used
up), for one operation or for "*", all that it can strike. Those that strike before a request is carried out take
whatever arrives; those of the reply only what was carried out, those of the reports only a reply that holds any, so a
request that is refused by itself uses none of these up. A reading that finds no report is refused, too (-15): such a
fault of `reports` waits until somebody is given some, be it another program. A reply is spoilt in one way at a time, by
the first in the table that is armed; what keeps it waiting comes on top. How it is done is in spoiling.py and
misreports.py.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from worker.language import _
from worker.sandbox.codes import ERRORS

OPERATIONS = ("send", "lookup", "reports", "balance", "senders")
ALL = "*"
MOST_SECONDS = 24 * 3600


class Kind(NamedTuple):
    """A fault as such: when it strikes, what it does, what has to be said of it, and whom it can strike."""

    strikes: str
    does: str
    needs: str = ""
    operations: tuple[str, ...] = OPERATIONS


BEFORE = "before it is carried out, it"
REPLY = "the reply to what is carried out (to `reports`: that has any)"
MESSAGES = "the reports, in the next reply that has any,"

KINDS = {
    "slow": Kind(BEFORE, "waits `seconds` and carries it out then", "seconds"),
    "hang_up": Kind(BEFORE, "closes the connection without a word"),
    "refuse": Kind(BEFORE, "answers with the error `code`", "code"),
    "latency": Kind(REPLY, "comes `seconds` late", "seconds"),
    "report_before_reply": Kind(
        REPLY, "waits until its reports are read, or `seconds`", "seconds", operations=("send", "lookup")
    ),
    "drop_reply": Kind(REPLY, "never comes: the connection is closed"),
    "reset": Kind(REPLY, "breaks off: the connection is reset in mid-body"),
    "cut_short": Kind(REPLY, "ends in the middle of the document"),
    "http_500": Kind(REPLY, "has HTTP status 500"),
    "html_page": Kind(REPLY, "is a page of HTML with HTTP status 200"),
    "slow_body": Kind(REPLY, "dribbles out over `seconds`", "seconds"),
    "report_duplicated": Kind(MESSAGES, "come twice in one reply", operations=("reports",)),
    "report_repeated": Kind(MESSAGES, "come once more in the next reply", operations=("reports",)),
    "reports_shuffled": Kind(MESSAGES, "come latest first, sendings mixed", operations=("reports",)),
    "unknown_id": Kind(MESSAGES, "come beside two that belong to nobody", operations=("reports",)),
}
BODIES = ("drop_reply", "reset", "cut_short", "http_500", "html_page", "slow_body")
REPORTS = ("report_duplicated", "report_repeated", "reports_shuffled", "unknown_id")


@dataclass(frozen=True)
class Fault:
    """A fault to be armed. Raises ValueError naming whatever is wrong with it.

    `operation`: one of OPERATIONS, "*", or nothing for the one that it is usually about (send, or reports).
    `count`: 1 unless a share is given, then without end; 0 disarms it, for all operations where none is named.
    """

    name: str
    operation: str = ""
    count: int | None = None
    share: float | None = None
    seconds: float = 0.0
    code: int = 0

    def __post_init__(self) -> None:
        if self.name == ALL and self.count == 0:
            return
        kind = KINDS.get(self.name)
        if kind is None:
            wrong = _("there is no fault {name!r}: {known}")
            raise ValueError(wrong.format(name=self.name, known=", ".join(KINDS)))
        reasons = [reason for is_wrong, reason in self._checks(kind) if is_wrong]
        if reasons:
            raise ValueError(_(": ").join([self.name, "; ".join(reasons)]))

    def _checks(self, kind: Kind) -> list[tuple[bool, str]]:
        armed = self.count != 0
        return [
            (self.operation not in ("", ALL, *kind.operations),
             _("there is no operation {name!r}: {known}").format(
                 name=self.operation, known=", ".join((*kind.operations, ALL)))),
            (self.count is not None and (not isinstance(self.count, int) or self.count < 0),
             _("count is a whole number, and not negative")),
            (self.share is not None and not 0 < self.share <= 1, _("share lies between 0 and 1")),
            (not 0 <= self.seconds <= MOST_SECONDS, _("seconds lie between 0 and {most}").format(most=MOST_SECONDS)),
            (armed and kind.needs == "seconds" and self.seconds == 0, _("seconds are needed")),
            (armed and kind.needs == "code" and self.code not in ERRORS,
             _("a code is needed: {codes}").format(codes=list(ERRORS))),
        ]  # fmt: skip


class Faults:
    """The faults that are armed now. `struck` counts those that did, by name."""

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int = 1) -> None:
        self._armed: dict[tuple[str, str], _Armed] = {}
        self._seed = seed
        self.struck: Counter[str] = Counter()
        for fault in faults:
            self.arm(fault)

    def arm(self, fault: Fault) -> None:
        """Arms a fault in place of any of its name and operation; one with a count of 0 is disarmed."""
        if fault.count == 0:
            self._disarm(fault)
            return
        operation = fault.operation or KINDS[fault.name].operations[0]
        dice = random.Random(f"{self._seed} {operation} {fault.name}")  # noqa: S311 - the same run again, not a secret
        count = 1 if fault.count is None and fault.share is None else fault.count
        self._armed[operation, fault.name] = _Armed(fault, count, dice)

    def armed(self) -> Iterator[dict[str, Any]]:
        """Each armed fault by its fields, with the count that is left of it."""
        for (operation, _name), armed in self._armed.items():
            yield asdict(armed.fault) | {"operation": operation, "count": armed.left}

    def strike(self, name: str, operation: str) -> Fault | None:
        """Uses the fault up by one. Returns it, or None where it does not strike."""
        for key in ((operation, name), (ALL, name)):
            armed = self._armed.get(key)
            if armed is not None and armed.strikes():
                if armed.left == 0:
                    del self._armed[key]
                self.struck[name] += 1
                return armed.fault
        return None

    def strike_first(self, names: Iterable[str], operation: str) -> Fault | None:
        """Like `strike`, with the first of `names` that strikes; the others are not used up."""
        return next((fault for name in names if (fault := self.strike(name, operation))), None)

    def _disarm(self, fault: Fault) -> None:
        for operation, name in list(self._armed):
            if fault.name in (ALL, name) and fault.operation in ("", ALL, operation):
                del self._armed[operation, name]


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None
    dice: random.Random

    def strikes(self) -> bool:
        if self.fault.share is not None and self.dice.random() >= self.fault.share:
            return False
        if self.left is not None:
            self.left -= 1
        return True
