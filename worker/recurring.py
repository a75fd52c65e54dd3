"""Schedules: each occurrence that is due becomes a campaign, by the same way as one that comes as a task.

A large audience takes its time, so the sweep only rings; a task makes one after the other, one task a schedule.
"""

from __future__ import annotations

from campaigns import bells, occurrences
from campaigns.occurrences import Occurrence
from campaigns.outages import PASSING
from campaigns.spec import KeyBusy
from worker import submitting
from worker.language import N_
from worker.resources import Resources, Slice
from worker.submitting import HostAwayError

SCHEDULES_AT_ONCE = 100

BUSY_SECONDS = 5.0
"""After which an occurrence whose campaign is still being handed over is looked at again."""

HOST_AGAIN_SECONDS = 60.0
"""After which an audience's host that was away is tried again; a bell lasts no longer."""

HOST_SECONDS = 3_600.0
"""How long it is tried, before the occurrence is refused; below `occurrences.BEGUN_SECONDS`."""


def wake(resources: Resources) -> int:
    """Ring for schedules that are due; returns how many were rung."""
    due = occurrences.due(resources.database, SCHEDULES_AT_ONCE)
    return sum(bells.ring(resources.database, bells.occur(each), resources.ring) for each in due)


def occur_slice(resources: Resources, schedule_id: int) -> Slice:
    """Make the occurrence of a schedule that is due, if one is.

    A refusal is kept as a failed campaign, and the schedule goes on to its next slot; so it does after a fault of ours,
    which is raised. Raises one of `outages.PASSING` where the same is right to be tried again.
    """
    occurrence = occurrences.begin(resources.database, schedule_id)
    if occurrence is None:
        return Slice(f"schedule {schedule_id}: nothing is due")
    try:
        outcome = _make(resources, occurrence)
    except KeyBusy:
        return Slice(f"schedule {schedule_id}: its campaign is still being handed over", after=BUSY_SECONDS)
    except HostAwayError:
        return Slice(f"schedule {schedule_id}: its audience's host is away", after=HOST_AGAIN_SECONDS)
    except PASSING:
        raise
    except Exception as error:
        inside = N_("failed inside ({kind}): the campaign with the key {key} says why").format(
            kind=type(error).__name__, key=occurrence.key
        )
        occurrences.end(resources.database, occurrence, inside)
        raise
    occurrences.end(resources.database, occurrence, outcome)
    return Slice(f"schedule {schedule_id}: {outcome}", more=True)


def give_up_stuck(resources: Resources) -> int:
    """Refuse occurrences that killed each process which tried them; returns how many. The next one is tried anew."""
    stuck = [occurrences.begin(resources.database, each) for each in occurrences.stuck(resources.database)]
    given_up = [occurrence for occurrence in stuck if occurrence is not None]
    for occurrence in given_up:
        outcome = submitting.give_up(resources, occurrence.spec, None, otherwise_key=occurrence.key)
        occurrences.end(resources.database, occurrence, outcome)
    return len(given_up)


def _make(resources: Resources, occurrence: Occurrence) -> str:
    if occurrence.campaign_id is not None:  # its audience may be another by now, and that would be refused
        return N_("campaign {id} was there already").format(id=occurrence.campaign_id)
    last_try = occurrence.tried_for >= HOST_SECONDS
    return submitting.submit_named(resources, occurrence.spec, None, otherwise_key=occurrence.key, last_try=last_try)
