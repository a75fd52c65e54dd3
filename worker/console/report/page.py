"""What stands on the page of a report: figures of the domain, in words for a person, put into one template.

Names and reasons come from strangers: the template escapes them all. There is no script on the page, and a policy in
its head lets a browser load nothing, whatever may ever get on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from campaigns import Report
from campaigns.afterwards import Refusal
from campaigns.prefixes import Prefix
from campaigns.progress import IN_THE_OPEN
from campaigns.timing import Span, Wait
from worker.console.report.charts import Chart, columns, rows
from worker.console.screen import amount, counted
from worker.smseco.codes import REFUSALS

PREFIXES = 20
"""So many are told one by one; the others together."""

BARS = 8
"""So many of them are drawn."""

STEPS = {
    "read": "Rows read",
    "messages": "Messages",
    "taken": "Taken by the gateway",
    "delivered": "Delivered",
}
REASONS = {
    "invalid": "no mobile number in it",
    "duplicate": "an earlier row has the same number",
    "opted_out": "asked not to be texted",
    "unrenderable": "a field of the template is missing, or the text is too long",
    "unreachable": "a lookup found the number dead",
    "capped": "had had as many messages that day as may be",
    "not_expanded": "not looked at yet",
    "pending": "has not left yet",
    "sending": "its request may be in the air",
    "in_flight": "taken by the gateway; its report is awaited",
    "in_doubt": "nobody knows whether the gateway took it",
    "undelivered": "the operator could not deliver it",
    "network_error": "the operator's network failed",
    "rejected": "rejected; not billed",
    "not_sent": "the gateway did not send it; not billed",
    "no_credit": "the account ran dry at the gateway; not billed",
    "refused": "the gateway did not take it",
    "voided": "cancelled before it left",
    "written_off": "it was in doubt, and nobody asks any more",
    "unreported": "no answer came before the deadline",
}
"""What is meant by a reason for which somebody was lost on the way."""

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(report: Report) -> bytes:
    """The page as HTML in UTF-8; it needs nothing beside it."""
    shown = _TEMPLATES.get_template("page.html").render(context(report))
    return shown.encode("utf-8", errors="xmlcharrefreplace")


def context(report: Report) -> dict[str, Any]:
    """What the template needs."""
    its = report.account
    return {
        "its": its,
        "report": report,
        "state": its.state.replace("_", " ") + (", paused" if its.paused_at and not its.finished else ""),
        "times": [(label, moment(when)) for label, when in _times(report) if when],
        "funnel": [(STEPS[step.name], step.count, _lost(step.lost)) for step in report.funnel],
        "funnel_chart": rows([(STEPS[step.name], step.count) for step in report.funnel]),
        "spans": [(moment(span.start), span.messages) for span in report.deliveries],
        "span": _lasting(report.deliveries[0].seconds) if report.deliveries else "",
        "spans_chart": _over_time(report.deliveries),
        "waits": _waits(report.waits),
        "waits_chart": _how_long(report.waits),
        "prefixes": list(_prefixes(report.prefixes)),
        "prefixes_chart": rows([(_named(name, its), its.messages) for name, its in _prefixes(report.prefixes)][:BARS]),
        "credits": list(_credits(report)),
        "failures": list(_failures(report)),
        "refusals": [_refusal(refusal) for refusal in report.refusals],
        "moment": moment,
    }


def moment(value: datetime) -> tuple[str, str]:
    """A time for a program and for a person, to the second."""
    utc = value.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M:%S}"


def _times(report: Report) -> Iterator[tuple[str, datetime | None]]:
    its = report.account
    yield "Submitted", its.created_at
    yield "Scheduled for", its.scheduled_at
    yield "First taken by the gateway", report.first_sent_at
    yield "Last taken by the gateway", report.last_sent_at
    yield "Ended", its.completed_at


def _lost(lost: Mapping[str, int]) -> list[tuple[str, str, int]]:
    return [(_words(reason), REASONS.get(reason, ""), count) for reason, count in lost.items()]


def _over_time(spans: tuple[Span, ...]) -> Chart | None:
    if not spans:
        return None
    told = [(f"{span.start:%m-%d %H:%M:%S}", span.messages) for span in spans]
    return columns(told, ends=told[-1][0] if len(told) > 1 else "")


def _waits(waits: tuple[Wait, ...]) -> list[tuple[str, int, int]]:
    """Each class with its count, and how many had been delivered by its end."""
    sums, told = 0, []
    for wait in waits:
        sums += wait.messages
        told.append((_class(wait), wait.messages, sums))
    return told if sums else []


def _how_long(waits: tuple[Wait, ...]) -> Chart | None:
    told = _waits(waits)
    return columns([(name, count) for name, count, _ in told], ends=told[-1][0]) if told else None


def _class(wait: Wait) -> str:
    if wait.below_seconds is None:
        return f"{_lasting(wait.from_seconds)} or more"
    return f"under {_lasting(wait.below_seconds)}"


def _lasting(seconds: int) -> str:
    """A round time, as a person says it."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return counted(seconds // size, unit)
    return counted(seconds, "second")


def _prefixes(found: tuple[Prefix, ...]) -> Iterator[tuple[str, Prefix]]:
    """The most frequent ones by their digits, and the sums of the others."""
    for its in found[:PREFIXES]:
        yield f"+{its.country_code} {its.digits}", its
    if others := found[PREFIXES:]:
        sums = [sum(getattr(its, name) for its in others) for name in ("messages", "delivered", "open")]
        yield counted(len(others), "other prefix"), Prefix("", "", None, *sums)


def _named(name: str, its: Prefix) -> str:
    return f"{name}, {its.operator}" if its.operator else name


def _credits(report: Report) -> Iterator[tuple[str, str, str]]:
    its = report.account
    yield "Segments", f"{its.segments:,}", "what the texts were cut into; each costs"
    yield "Estimated", amount(its.credits_estimated), "for all messages and lookups, by our own prices"
    yield "Held", amount(its.credits_held), "set aside for what has not left"
    yield "Posted", amount(its.credits_posted), "taken by the gateway, by its own word"
    yield "Refunded", amount(its.credits_refunded), "given back for what it does not bill"
    yield "Spent", amount(its.credits_spent), "posted, less refunded"


def _failures(report: Report) -> Iterator[tuple[str, str, int]]:
    """Final statuses other than delivered, the most frequent first."""
    final = {
        status: count
        for status, count in report.account.by_status.items()
        if count and status not in IN_THE_OPEN and status != "delivered"
    }
    for status, count in sorted(final.items(), key=lambda item: -item[1]):
        yield _words(status), REASONS.get(status, ""), count


def _refusal(refusal: Refusal) -> dict[str, Any]:
    """A refusal with the words of its code: ours, and the gateway's, which are French."""
    known = REFUSALS.get(refusal.code) if refusal.code is not None else None
    return {
        "code": "none" if refusal.code is None else str(refusal.code),
        "words": _words(known.name) if known else "no request could be written" if refusal.code is None else "",
        "text": known.text if known else "",
        "detail": "" if known else refusal.detail,
        "kind": "messages" if refusal.kind == "send" else "lookups",
        "requests": refusal.requests,
        "size": refusal.messages,
    }


def _words(name: str) -> str:
    return name.replace("_", " ")
