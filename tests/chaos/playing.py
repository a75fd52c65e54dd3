"""A round: one scenario played once in a field, from its campaigns' submit to their end, and what was found then.

The round's own numbers (sizes, passings, deeds) are drawn from its seed, so that it can be played again by name and
seed; how processes meet in time is never the same twice.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from prometheus_client import generate_latest

from campaigns.states import CampaignState
from campaigns.steering import StateError
from tests.chaos.field import STANDING, Field
from tests.chaos.oracle import Mark, gather, judge
from tests.chaos.rounds import LONGEST, Outcome, Round, Scenario, end_of
from tests.system import flower
from tests.system.canaries import in_redis, private
from worker.metrics import registry

A_MINUTE = 60.0
HURTS_WITHIN = 60.0
TRIES = 3
STEADY = 3.0  # seconds: what only has doubts left may be about to hear of them
COUNTRY = "225"
LEASE_RAN_OUT = "its worker died or hung"


class NotHurtError(Exception):
    """The round did not do what it is there for: it has shown nothing."""


def play_until_it_hurts(where: Field, name: str, scenario: Scenario, seed: int) -> Outcome:
    """The round, once more where it could not do what it is there for; which is a violation at the last try."""
    for missed in range(TRIES):
        outcome = play(where, name, scenario, seed)
        outcome.missed = missed
        others = [violation for violation in outcome.violations if not violation.startswith(NotHurtError.__name__)]
        if outcome.hurt or others:
            break
    return outcome


def play(where: Field, name: str, scenario: Scenario, seed: int) -> Outcome:
    """Play the scenario once. It is a violation, too, if it could not hurt, or did not come to an end."""
    outcome = Outcome(name, seed)
    began = time.monotonic()
    this = Round(where, random.Random(f"{seed} {name}"), scenario.account, scenario.spec)
    where.anew()
    mark, logs = Mark.now(where, scenario.account), _sizes(where)
    summary = this.gateway.sandbox.summary()
    this.left |= {name: summary[name] for name in ("faults", "recipients", "lookups", "reports_read")}
    leaks: set[str] = set()
    try:
        _hurt(this, scenario, outcome)
        leaks |= _in_broker(this)
        _recover(this, scenario, outcome)
        wanted = {int(COUNTRY + one["tel"]) for one in this.audience if one["tel"].isdecimal()}
        this.until(lambda: True, what="a last look")
        facts = gather(where, scenario.account, this.campaign_ids, wanted, mark, this.excess)
        outcome.verdict = judge(facts)
    except (NotHurtError, TimeoutError) as error:
        outcome.hurt = not isinstance(error, NotHurtError)
        outcome.verdict.violations.append(f"{type(error).__name__}: {error}")
    outcome.took = time.monotonic() - began
    told = _logs(where, logs) + generate_latest(registry(where.site.database)).decode()
    leaks |= private(told, this.audience) | _in_broker(this) | _in_flower(this)
    outcome.verdict.object_if(leaks, f"L: {len(leaks)} private words in logs, metrics, broker or Flower")
    outcome.verdict.object_if(outcome.progressed > A_MINUTE, f"H: nothing moved for {outcome.progressed:.0f} s")
    _leave(this)
    return outcome


def _hurt(this: Round, scenario: Scenario, outcome: Outcome) -> None:
    if scenario.before:
        scenario.before(this)
    scenario.submit(this)
    if scenario.during:
        this.until(lambda: this.accepted() >= 2 * this.batch_size, what="it is sending", within=A_MINUTE)
        scenario.during(this)
    try:
        outcome.faults = this.until(lambda: scenario.injured(this), what="it hurts", within=HURTS_WITHIN)
    except TimeoutError as error:
        raise NotHurtError(str(error)) from None
    this.wait(scenario.lasts)
    if scenario.mend:
        scenario.mend(this)
    outcome.faults = max(outcome.faults, scenario.injured(this))


def _recover(this: Round, scenario: Scenario, outcome: Outcome) -> None:
    mended, stands = time.monotonic(), this.fingerprint()
    allowed = {"completed", *scenario.ends}
    steady_since = [0.0]

    def stands_well() -> bool:
        ends = set(this.ends())
        return allowed.issuperset(ends) or (allowed.issuperset(ends - {"stalled"}) and _never_came(this))

    def over() -> bool:
        if not outcome.progressed and (this.fingerprint() != stands or stands_well()):
            outcome.progressed = time.monotonic() - mended
        ended = bool(this.seen) and stands_well() and this.all_reported() and not _unapplied(this)
        if not ended:
            steady_since[0] = 0.0
            return False
        if set(this.ends()) == {"completed"} and not any(one.by_status.get("unreported") for one in this.seen.values()):
            return True
        steady_since[0] = steady_since[0] or time.monotonic()
        return time.monotonic() - steady_since[0] > STEADY

    this.until(over, what=f"it ends {' or is '.join(sorted(allowed))}", within=LONGEST)
    outcome.ended = time.monotonic() - mended - (STEADY if steady_since[0] else 0)
    outcome.campaigns = [str(end) for end in this.ends()]
    for account in this.seen.values():
        silent = end_of(account) != "completed" and not (account.waits_for or account.reason)
        outcome.verdict.object_if(silent, f"campaign {account.id} stopped and does not say why")


def _never_came(this: Round) -> bool:
    """Whether all doubts are of requests that the gateway never got, and of which that may be.

    They timed out, since the machine was too slow; or where the whole worker was killed as one process passed the point
    that is meant, another one was just about to send.
    """
    excused = ("timed out", *([LEASE_RAN_OUT] if this.left.get("deed") == "kill_all" else []))
    ids = [account.id for account in this.seen.values()]
    doubts = this.where.rows(
        "SELECT detail FROM attempts WHERE campaign_id = ANY(:ids) AND state = 'in_doubt' AND kind = 'send'", ids=ids
    )
    unknown = this.where.rows(
        "SELECT m.msisdn FROM messages m JOIN batches b ON b.id = m.batch_id"
        " WHERE m.campaign_id = ANY(:ids) AND b.state = 'in_doubt'",
        ids=ids,
    )
    got = this.gateway.sent()
    return all(doubt.detail.startswith(excused) for doubt in doubts) and not any(
        str(message.msisdn) in got for message in unknown
    )


def _unapplied(this: Round) -> bool:
    """Whether a body waits to be applied. One that came just now may be an empty one, which is forgotten at once."""
    waits = "state = 'stored' AND stored_at < now() - interval '1 second'"
    found = f"SELECT id FROM report_polls WHERE account = :account AND {waits} LIMIT 1"
    return bool(this.where.rows(found, account=this.account))


def _in_broker(this: Round) -> set[str]:
    try:
        return private(in_redis(this.where.site.broker_url), this.audience)
    except OSError:  # it is away
        return set()


def _in_flower(this: Round) -> set[str]:
    """What its pages show; it may have died with the broker, and be on its way back."""
    port = this.where.flower_port
    this.until(lambda: flower.answers(port), what="Flower answers", within=A_MINUTE)
    return private("\n".join(body for _, body in flower.everything(port).values()), this.audience)


def _sizes(where: Field) -> dict[Path, int]:
    return {path: path.stat().st_size for path in where.site.folder.glob("*.log")}


def _logs(where: Field, since: Mapping[Path, int]) -> str:
    """What the processes have written in this round."""
    said = (path.read_bytes()[since.get(path, 0) :] for path in where.site.folder.glob("*.log"))
    return b"".join(said).decode(errors="replace")


def _leave(this: Round) -> None:
    """Let nothing of this round disturb the next one: nothing more of it leaves, nobody is stopped."""
    site = this.where.site
    for name in list(site.children):
        if name not in STANDING:
            site.kill(name)
        else:
            os.killpg(site.children[name].process.pid, signal.SIGCONT)
    for name in ("producer", "other"):
        if this.left.pop(name, None) is not None:
            site.processes.stop(name)
    for account in list(this.seen.values()):
        if not account.finished and account.state != CampaignState.FAILED:
            this.until(lambda one=account.id: _cancelled(this, one), what="it is cancelled", within=A_MINUTE)


def _cancelled(this: Round, campaign_id: int) -> bool:
    with suppress(StateError):  # it has ended since it was looked at
        this.where.site.cancel(campaign_id)
    return True
