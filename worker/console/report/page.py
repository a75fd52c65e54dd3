"""What stands on the page of a report: figures of the domain, in words for a person, put into one template.

Names and reasons come from strangers: the template escapes them all. There is no script on the page, and a policy in
its head lets a browser load nothing, whatever may ever get on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from campaigns import Report
from campaigns.afterwards import Refusal
from campaigns.called import called
from campaigns.clocks import RECIPIENT
from campaigns.lengths import Length
from campaigns.prefixes import Prefix
from campaigns.progress import IN_THE_OPEN, Progress
from campaigns.reasons import retold
from campaigns.timing import Span, Wait
from worker.console.report.charts import Chart, columns, rows
from worker.console.screen import amount, counted, credit
from worker.language import FRENCH, N_, _, figure, ngettext, share, spoken
from worker.smseco.codes import REFUSALS

PREFIXES = 20
"""So many are told one by one; the others together."""

BARS = 8
"""So many of them are drawn."""

MINUTE, HOUR, DAY = 60, 3_600, 86_400

ALPHABETS = {"gsm7": "GSM-7", "ucs2": "UCS-2"}

STEPS = {
    "read": N_("Rows read"),
    "messages": N_("Messages"),
    "taken": N_("Taken by the gateway"),
    "delivered": N_("Delivered"),
}
REASONS = {
    "invalid": N_("no mobile number in it"),
    "duplicate": N_("an earlier row has the same number"),
    "opted_out": N_("asked not to be texted"),
    "unrenderable": N_("a field of the template is missing, or the text is too long"),
    "unreachable": N_("a lookup found the number dead"),
    "capped": N_("had had as many messages that day as may be"),
    "forgotten": N_("asked to be forgotten"),
    "not_expanded": N_("not looked at yet"),
    "pending": N_("has not left yet"),
    "sending": N_("its request may be in the air"),
    "in_flight": N_("taken by the gateway; its report is awaited"),
    "in_doubt": N_("nobody knows whether the gateway took it"),
    "undelivered": N_("the operator could not deliver it"),
    "network_error": N_("the operator's network failed"),
    "rejected": N_("rejected; not billed"),
    "not_sent": N_("the gateway did not send it; not billed"),
    "no_credit": N_("the account ran dry at the gateway; not billed"),
    "refused": N_("the gateway did not take it"),
    "voided": N_("cancelled before it left"),
    "written_off": N_("it was in doubt, and nobody asks any more"),
    "unreported": N_("no answer came before the deadline"),
}
"""What is meant by a reason for which somebody was lost on the way."""


def filled(sentence: str, **words: object) -> Markup:
    """A sentence of ours with the words of others in their places, escaped as everything on the page is."""
    return escape(sentence).format(**words)


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals.update(_=_, count=figure, share_of=share)
_TEMPLATES.filters.update(filled=filled, retold=retold)


def page(report: Report) -> bytes:
    """The page as HTML in UTF-8, in the language that is spoken; it needs nothing beside it."""
    shown = _TEMPLATES.get_template("page.html").render(context(report))
    return shown.encode("utf-8", errors="xmlcharrefreplace")


def context(report: Report) -> dict[str, Any]:
    """What the template needs."""
    its = report.account
    return {
        "language": spoken(),
        "its": its,
        "report": report,
        "state": _state(its),
        "times": [(label, moment(when)) for label, when in _times(report) if when],
        "whose_clocks": _whose_clocks(its),
        "funnel": [(_(STEPS[step.name]), step.count, _lost(step.lost)) for step in report.funnel],
        "funnel_chart": rows([(_(STEPS[step.name]), step.count) for step in report.funnel]),
        "twice": _twice(its.duplicates),
        "spans": [(moment(span.start), span.messages) for span in report.deliveries],
        "span": _lasting(report.deliveries[0].seconds) if report.deliveries else "",
        "spans_chart": _over_time(report.deliveries),
        "untimed": _untimed(report.untimed),
        "waits": _waits(report.waits),
        "waits_chart": _how_long(report.waits),
        "prefixes": list(_prefixes(report.prefixes)),
        "prefixes_chart": rows([(_named(name, its), its.messages) for name, its in _prefixes(report.prefixes)][:BARS]),
        "lengths": [_length(its) for its in report.lengths],
        "lengths_chart": rows([(_long(its), its.messages) for its in report.lengths]),
        "untold": _untold(report),
        "credits": list(_credits(report)),
        "failures": list(_failures(report)),
        "refusals": [_refusal(refusal) for refusal in report.refusals],
        "moment": moment,
    }


def _state(its: Progress) -> str:
    if its.paused_at and not its.finished:
        return _("{state}, paused").format(state=called(its.state))
    return called(its.state)


def moment(value: datetime) -> tuple[str, str]:
    """A time for a program and for a person, to the second."""
    utc = value.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M:%S}"


def _times(report: Report) -> Iterator[tuple[str, datetime | None]]:
    its = report.account
    yield _("Submitted"), its.created_at
    yield _("Scheduled for"), its.scheduled_at
    yield _("First taken by the gateway"), report.first_sent_at
    yield _("Last taken by the gateway"), report.last_sent_at
    yield _("Ended"), its.completed_at


def _whose_clocks(its: Progress) -> str:
    if its.window_zone == RECIPIENT:
        return _("by the clocks of each number's country")
    return _("by the clocks of {zone}").format(zone=its.window_zone)


def _lost(lost: Mapping[str, int]) -> list[tuple[str, str, int]]:
    return [(called(reason), _meaning(reason), count) for reason, count in lost.items()]


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
        return _("{time} or more").format(time=_lasting(wait.from_seconds))
    return _("under {time}").format(time=_lasting(wait.below_seconds))


def _lasting(seconds: int) -> str:
    """A round time, as a person says it."""
    if seconds and seconds % DAY == 0:
        return counted(seconds // DAY, "day")
    if seconds and seconds % HOUR == 0:
        return counted(seconds // HOUR, "hour")
    if seconds and seconds % MINUTE == 0:
        return counted(seconds // MINUTE, "minute")
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


def _long(its: Length) -> str:
    return f"{ALPHABETS[its.alphabet]}, {counted(its.segments, 'segment')}"


def _length(its: Length) -> tuple[str, int, str, str]:
    """Texts of one length: what they are called, how many, their segments in all, and what was taken for them."""
    in_all = _("{segments} in all").format(segments=counted(its.messages * its.segments, "segment"))
    return _long(its), its.messages, in_all, amount(its.credits)


def _untold(report: Report) -> str:
    """What is said of credits posted that are of no text, or of nobody knows which; nothing if there are none."""
    more = report.account.credits_posted - sum((its.credits for its in report.lengths), Decimal(0))
    if more <= 0:
        return ""
    said = _("{credits} more were posted for lookups, or for requests of which nobody can tell which texts cost them.")
    return said.format(credits=credit(more))


def _credits(report: Report) -> Iterator[tuple[str, str, str]]:
    its = report.account
    yield _("Segments"), figure(its.segments), _("what the texts were cut into; each costs")
    yield _("Estimated"), amount(its.credits_estimated), _("for all messages and lookups, by our own prices")
    yield _("Held"), amount(its.credits_held), _("set aside for what has not left")
    yield _("Posted"), amount(its.credits_posted), _("taken by the gateway, by its own word")
    yield _("Refunded"), amount(its.credits_refunded), _("given back for what it does not bill")
    yield _("Spent"), amount(its.credits_spent), _("posted, less refunded")


def _failures(report: Report) -> Iterator[tuple[str, str, int]]:
    """Final statuses other than delivered, the most frequent first."""
    final = {
        status: count
        for status, count in report.account.by_status.items()
        if count and status not in IN_THE_OPEN and status != "delivered"
    }
    for status, count in sorted(final.items(), key=lambda item: -item[1]):
        yield called(status), _meaning(status), count


def _refusal(refusal: Refusal) -> dict[str, Any]:
    """A refusal with the words of its code: ours, and the gateway's, which are French and need no others in it."""
    known = REFUSALS.get(refusal.code) if refusal.code is not None else None
    told = known.text if known else ""
    ours = _("no request could be written") if refusal.code is None else called(known.name) if known else ""
    return {
        "code": _("none") if refusal.code is None else str(refusal.code),
        "words": told if told and spoken() == FRENCH else ours,
        "text": "" if spoken() == FRENCH else told,
        "detail": "" if known else retold(refusal.detail),
        "kind": _("of messages") if refusal.kind == "send" else _("of lookups"),
        "requests": refusal.requests,
        "size": refusal.messages,
    }


def _twice(count: int) -> str:
    return ngettext(
        "{count} texted twice: sent again after a doubt, though the gateway had taken them.",
        "{count} texted twice: sent again after a doubt, though the gateway had taken them.",
        count,
    ).format(count=figure(count))


def _untimed(count: int) -> str:
    return ngettext(
        "Of {count} more it is not known when they were taken.",
        "Of {count} more it is not known when they were taken.",
        count,
    ).format(count=figure(count))


def _meaning(reason: str) -> str:
    return _(REASONS[reason]) if reason in REASONS else ""
