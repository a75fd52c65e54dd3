"""The sweep: looks for whatever is due, unfunded, leased too long, unapplied or silent, and wakes whoever does it.

It is what makes a lost task no loss: with every queue wiped, a campaign still ends. Harmless if doubled.
"""

from __future__ import annotations

from collections.abc import Callable

from campaigns import (
    accounts,
    balances,
    batches,
    bells,
    caps,
    credits,
    heartbeats,
    lifecycle,
    openings,
    poison,
    policies,
    setbacks,
    silence,
    unapplied,
)
from worker import cleaning, purging, recurring, sending, tracking
from worker.resources import Resources
from worker.rounds import NOTHING

EXPANSIONS_AT_ONCE = 100
HEARTBEAT = "sweep"
"""By which name it is known that the sweep goes round."""

IDLE_POLL_SECONDS = 60.0
"""How often the reports of an account are read that has nothing at work: late ones count, too."""


def sweep(resources: Resources) -> str:
    """One round; returns what was found, in a few words.

    Each look is by itself: what breaks one is raised at the end, when all others have been made. Each that was made has
    a heartbeat of its own, and the sweep has one if any was: so that one which breaks each time is seen, too.
    """
    found: dict[str, int] = {}
    broken: list[Exception] = []
    for what, look in LOOKS.items():
        try:
            found[what] = look(resources)
        except Exception as error:  # noqa: BLE001  it is raised below
            broken.append(error)
    if found:
        heartbeats.note(resources.database, [HEARTBEAT, *map(heartbeat, found)])
    if broken:
        raise broken[0]
    return ", ".join(f"{count} {what}" for what, count in found.items() if count) or NOTHING


def heartbeat(look: str) -> str:
    """By which name it is known that one of its looks is made."""
    return f"{HEARTBEAT}: {look}"


def _advance(resources: Resources) -> int:
    with resources.database.transaction() as connection:
        lifecycle.advance(connection)
        return lifecycle.give_up_receiving(connection)


def _ring_all(resources: Resources) -> int:
    database, ring = resources.database, resources.ring
    with database.reading() as connection:
        due = lifecycle.due(connection, EXPANSIONS_AT_ONCE)
    rung = sum(bells.ring(database, bells.expand(campaign_id), ring) for campaign_id in due)
    for account in resources.settings.accounts:
        if credits.waiting(database, account, only_new=True) or balances.wanted(database, account):
            rung += bells.ring(database, bells.fund(account), ring)
        if unapplied.any_stored(database, account):
            rung += bells.ring(database, bells.poll(account), ring)
        sending.wake_lanes(resources, account)
    return rung


def _name_accounts(resources: Resources) -> int:
    ours = resources.settings.accounts
    return accounts.serve(resources.database, ours, exclusive=[name for name, its in ours.items() if its.exclusive])


LOOKS: dict[str, Callable[[Resources], int]] = {
    "moments ahead": lambda resources: setbacks.mend(resources.database),
    "leases ran out": lambda resources: len(batches.expire_leases(resources.database)),
    "doubts decided": lambda resources: policies.carry_out(resources.database, resources.ring),
    "batches cleaned": cleaning.finish_overdue,
    "producers died": _advance,
    "bodies taken out of the spool": tracking.recover,
    "accounts named": _name_accounts,
    "expansions parked": lambda resources: poison.halt_expansions(resources.database),
    "occurrences given up": recurring.give_up_stuck,
    "schedules due": recurring.wake,
    "purges due": purging.wake,
    "openings over": lambda resources: openings.reckon(resources.database),
    "rung": _ring_all,
    "counts of past days removed": lambda resources: caps.forget_old(resources.database),
    "old bells forgotten": lambda resources: bells.forget_old(resources.database),
}


def give_up_on_the_silent(resources: Resources) -> str:
    """Call overdue messages `unreported`. They may be a whole campaign's, so it is not a part of the sweep."""
    touched = silence.give_up(resources.database, older_than=resources.settings.report_deadline)
    if touched:
        with resources.database.transaction() as connection:
            lifecycle.advance(connection, touched)
    return f"campaigns that gave up on silent messages: {len(touched)}" if touched else NOTHING


def ask_for_reports(resources: Resources) -> str:
    """Wake the poller of each account: at every call while something is at work, and now and then when nothing is."""
    rung = 0
    for account in resources.settings.accounts:
        rested = 0.0 if lifecycle.at_work(resources.database, account) else IDLE_POLL_SECONDS
        rung += bells.ring(resources.database, bells.poll(account), resources.ring, rested=rested)
    return f"pollers rung: {rung}" if rung else NOTHING


def ask_for_balances(resources: Resources) -> str:
    """Look at each account's balance, which also funds what awaits credits."""
    rung = sum(
        bells.ring(resources.database, bells.fund(account), resources.ring) for account in resources.settings.accounts
    )
    return f"accounts looked at: {rung}" if rung else NOTHING
