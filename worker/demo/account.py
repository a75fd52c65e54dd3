"""The account of the demo's campaign, held against the gateway's own ledger: what is shown, and whether it adds up."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Group
from rich.table import Table
from rich.text import Text

from campaigns.progress import Progress
from worker.console.account import drawn
from worker.language import N_, _, figure

# Statuses of messages that the gateway never took, or of which that is not known.
NOT_TAKEN = ("pending", "sending", "refused", "voided", "in_doubt")
# Ends other than on the phone: `undelivered` in the JSON, by their own names in the table.
FAILURES = ("undelivered", "network_error", "rejected", "not_sent", "no_credit")


@dataclass(frozen=True)
class Account:
    """A finished campaign, and what the gateway says of it.

    Attributes:
        progress: the campaign's account as we keep it.
        ledger: the sandbox's summary (`GET /_sandbox/summary`).
        seconds: from the start of the submit to the campaign's end.
        seconds_to_last_report: from the start of the submit to the last status that a report brought; what follows is
            the time that silent messages are given.
    """

    progress: Progress
    ledger: Mapping[str, int]
    seconds: float
    seconds_to_last_report: float

    @property
    def excluded(self) -> int:
        return sum(self.progress.excluded.values())

    @property
    def taken(self) -> int:
        """Messages that the gateway took, as we count them."""
        return self.progress.messages - self._status(*NOT_TAKEN)

    @property
    def credits(self) -> int | float:
        """Spent in the end: posted less refunded."""
        spent = self.progress.credits_spent
        return int(spent) if spent == int(spent) else float(spent)

    @property
    def messages_per_second(self) -> float:
        """Over the time to the last report."""
        return round(self.progress.messages / self.seconds_to_last_report, 1)

    def checks(self) -> dict[str, bool]:
        """What must hold, each as a sentence (`N_`)."""
        progress, ledger = self.progress, self.ledger
        return {
            N_("every row read is a message or is excluded"): progress.recipients == self.excluded + progress.messages,
            N_("every message is in one final state"): progress.adds_up and progress.finished and not progress.open,
            N_("the gateway took as many as we say"): ledger["recipients"] == self.taken,
            N_("the gateway charged as much as we say"): ledger["credits"] - ledger["refunded"] == self.credits,
            N_("nobody was texted twice"): ledger["duplicates"] == 0,
        }

    @property
    def adds_up(self) -> bool:
        return all(self.checks().values())

    def as_json(self) -> dict[str, object]:
        """For a script; `undelivered` is every end but on the phone, so that the statuses sum up to `messages`."""
        return {
            "recipients": self.progress.recipients,
            "excluded": self.excluded,
            "messages": self.progress.messages,
            "delivered": self._status("delivered"),
            "undelivered": self._status(*FAILURES),
            "unreported": self._status("unreported"),
            "in_doubt": self._status("in_doubt"),
            "refused": self._status("refused"),
            "credits": self.credits,
            "duplicates": self.ledger["duplicates"],
            "adds_up": self.adds_up,
            "seconds": round(self.seconds, 2),
            "messages_per_second": self.messages_per_second,
            "excluded_by_reason": dict(self.progress.excluded),
            "by_status": {name: count for name, count in self.progress.by_status.items() if count},
        }

    def drawn(self) -> Group:
        """For a person: the campaign's account, and the gateway's beside it."""
        return Group(drawn(self.progress), "", self._beside())

    def _beside(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column()
        table.add_column(justify="right")
        table.add_row(_("duplicates at the gateway"), figure(self.ledger["duplicates"]))
        table.add_row(_("seconds, silent messages waited for"), figure(self.seconds, 1))
        table.add_row(_("messages a second, to the last report"), figure(self.messages_per_second, 0))
        for sentence, holds in self.checks().items():
            table.add_row(_(sentence), Text(_("yes"), "green") if holds else Text(_("NO"), "bold red"))
        return table

    def _status(self, *names: str) -> int:
        return sum(self.progress.by_status.get(name, 0) for name in names)
