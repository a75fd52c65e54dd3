"""What is at work: campaigns by state, their batches, and what became of their messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from prometheus_client.core import Metric

from campaigns import census
from campaigns.progress import AS_ITS_BATCH, IN_THE_OPEN
from campaigns.states import FIRST_SETTLED, BatchState, CampaignState, MessageStatus
from worker.metrics.families import ACCOUNT, Look, Samples, counter, gauge

STATES = tuple(state for state in CampaignState if state not in (CampaignState.COMPLETED, CampaignState.FAILED))
"""A cancelled campaign is at work until what had left of it has an end."""

STATUSES = tuple(
    dict.fromkeys([*AS_ITS_BATCH.values(), *(each.name.lower() for each in MessageStatus if each >= FIRST_SETTLED)])
)
"""What a message may be called (see `progress.word`)."""

ENDS = tuple(status for status in STATUSES if status not in IN_THE_OPEN)


def _campaigns(look: Look) -> list[Metric]:
    by_state = {(its.account, its.state): its.count for its in look.at_work}
    paused: Counter[tuple[str, str]] = Counter()
    for its in look.at_work:
        paused[its.account, "a person"] += its.paused
        paused[its.account, "itself"] += its.halted
    return [
        gauge(
            "campaigns_at_work",
            "Campaigns that have not ended, by state.",
            ("account", "state"),
            _every(look, by_state, STATES),
        ),
        gauge(
            "campaigns_paused",
            "Of these, such as a person paused, or paused by themselves until a person has seen to it.",
            ("account", "by"),
            _every(look, paused, ("a person", "itself")),
        ),
    ]


def _batches_and_messages(look: Look) -> list[Metric]:
    found = census.batches_at_work(look.connection)
    batches = {(its.account, its.state): its.count for its in found}
    messages = census.messages_at_work(found, look.counted.own)
    held: Counter[str] = Counter()
    for its in found:
        held[its.account] += its.held  # type: ignore[assignment]  # credits are no whole numbers
    return [
        gauge(
            "campaigns_batches",
            "Batches of campaigns that have not ended, by state.",
            ("account", "state"),
            _every(look, batches, tuple(BatchState)),
        ),
        gauge(
            "campaigns_messages",
            "Messages of campaigns that have not ended, by status; ends as they were counted last.",
            ("account", "status"),
            _every(look, messages, STATUSES),
        ),
        gauge("campaigns_credits_held", "Credits set aside for what has not left.", ACCOUNT, look.each(held)),
    ]


def _endings(look: Look) -> list[Metric]:
    return [
        counter(
            "campaigns_messages_ended",
            "Messages that have come to an end since this exporter began, by how.",
            ("account", "status"),
            _every(look, look.counted.ended, ENDS),
        ),
        gauge(
            "campaigns_messages_count_age_seconds",
            "Seconds since messages were counted, of the campaign that was not for longest.",
            (),
            [((), look.counted.age)],
        ),
    ]


def _every(look: Look, figures: Mapping[tuple[str, str], int], values: tuple[str, ...]) -> Samples:
    """A sample for each account and value of a label; what is not counted is nought."""
    return [((account, value), figures.get((account, value), 0)) for account in look.accounts for value in values]


FAMILIES = (_campaigns, _batches_and_messages, _endings)
