"""Every failpoint: whose function it is at, on which side of it, and which of its calls count.

How they are put there is in `sabotage`; a test holds that each is in a scenario, and a scenario fails whose point
nobody passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import worker.ringing
from campaigns import (
    batches,
    bells,
    chunks,
    claims,
    credits,
    doubts,
    expansion,
    journal,
    lifecycle,
    reports,
    settling,
    statuses,
)
from campaigns.states import AttemptKind, AttemptState
from worker import balances, sending
from worker.smseco import watched

BEFORE, AFTER = "before", "after"
Passes = Callable[[tuple[Any, ...], dict[str, Any], Any], bool]
Point = tuple[Any, str, str, Passes]
"""Whose function, its name, on which side of it, and which calls count (by arguments and result)."""


def _always(_args: Any, _options: Any, _result: Any) -> bool:
    return True


def _gives_something(_args: Any, _options: Any, result: Any) -> bool:
    return bool(result)


def _of_a_send(args: Any, _options: Any, _result: Any) -> bool:
    return any(getattr(each, "kind", each) == AttemptKind.SEND for each in args[1:])


def _of_a_lookup(args: Any, _options: Any, _result: Any) -> bool:
    return any(getattr(each, "kind", each) == AttemptKind.LOOKUP for each in args[1:])


def _accepts_a_send(args: Any, options: Any, result: Any) -> bool:
    return _of_a_send(args, options, result) and AttemptState.ACCEPTED in args


def _with_reports(args: Any, _options: Any, _result: Any) -> bool:
    return any(b"<smsfid>" in each for each in args if isinstance(each, bytes))


def _changes_messages(_args: Any, _options: Any, result: Any) -> bool:
    return bool(result.changed)


def _of_a_lane(args: Any, _options: Any, result: Any) -> bool:
    return result is not None and args[1].task == "campaigns.send"


def _of_a_chunk(_args: Any, options: Any, _result: Any) -> bool:
    return "chunks" in options


def _on_a_send(args: Any, _options: Any, _result: Any) -> bool:
    return is_a_send(args[0])


POINTS: Mapping[str, Point] = {
    # the producer
    "taking_in": (chunks, "_note", AFTER, _of_a_chunk),  # a chunk is stored, not committed
    # expansion
    "mid_chunk": (expansion, "store", AFTER, _always),  # messages are written, not committed
    "between_chunks": (expansion, "expand_slice", AFTER, _gives_something),
    # funding
    "balance_asked": (balances, "ask", AFTER, _always),
    "before_hold_commit": (credits, "_go_on", AFTER, lambda args, _, __: bool(args[2])),
    "after_hold_commit": (credits, "fund", AFTER, _gives_something),
    # bells
    "before_ring": (worker.ringing, "ring", BEFORE, _always),  # the bell counts as rung, no task is sent
    "bell_answered": (bells, "answer", AFTER, _of_a_lane),
    # the way of a batch
    "before_claim_commit": (claims, "_write_attempt", AFTER, _of_a_send),
    "claimed": (claims, "claim", AFTER, _gives_something),
    "before_connect": (claims, "holds_lease", AFTER, _gives_something),
    "first_byte": (watched.Watch, "first_byte", AFTER, _on_a_send),  # none has left, the next thing is that it does
    "mid_body": (watched._Watched, "send", BEFORE, _on_a_send),  # half of the body is written: see `_halved`
    "request_sent": (watched._Watched, "response_class", BEFORE, _on_a_send),
    "after_reply": (sending, "_request", AFTER, _of_a_send),
    "before_settle_commit": (batches, "settle", AFTER, _accepts_a_send),
    "after_settle_commit": (settling, "accept", AFTER, _of_a_send),
    # reports
    "poll_noted": (journal, "note", AFTER, _always),
    "after_poll": (journal, "store", BEFORE, _with_reports),  # the bytes are here, and nowhere else
    "after_journal": (journal, "store", AFTER, _with_reports),
    "mid_apply": (statuses, "apply", AFTER, lambda _, __, result: bool(result.reported)),
    "after_apply": (reports, "apply", AFTER, _changes_messages),
    "mid_adoption": (doubts, "adopt", AFTER, _always),
    # lookups
    "mid_lookup": (settling, "accept", AFTER, _of_a_lookup),
    "mid_cleaning": (batches, "clean", AFTER, _always),
    # the sweep
    "mid_sweep": (batches, "expire_leases", AFTER, _always),
    "before_advance_commit": (lifecycle, "advance", AFTER, _always),
}


def is_a_send(connection: Any) -> bool:
    """Whether the request on a connection (or under a watch) is a send: see `sabotage`, which notes its URL."""
    watch = getattr(connection, "watch", connection)
    return "sendsms" in getattr(watch, "sabotaged_url", "")
