"""What is looked at in an installation: a table of checks, each a small function with its finding.

What is said holds no number, no text, no password and no credentials of a URL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from campaigns.settings import DomainSettings
from worker.checks.arrivals import reports, spool
from worker.checks.clocks import clock
from worker.checks.crews import queues, workers
from worker.checks.gateways import gateway, senders
from worker.checks.lineage import backup
from worker.checks.money import balance, drift
from worker.checks.patient import Patient
from worker.checks.requests import doubts, pending
from worker.checks.rounds import beat, sweep
from worker.checks.servers import broker, database, settings
from worker.checks.space import disk
from worker.checks.standstill import stuck
from worker.checks.upkeep import retention, work
from worker.checks.waiting import accounts, campaigns
from worker.findings import Finding
from worker.language import N_

__all__ = ["CHECKS", "NEEDS", "READS", "WITHOUT", "Patient"]

CHECKS: Mapping[str, Callable[[Patient], Finding]] = {
    N_("settings"): settings,
    N_("database"): database,
    N_("broker"): broker,
    N_("clock"): clock,
    N_("disk"): disk,
    N_("gateway"): gateway,
    N_("senders"): senders,
    N_("balance"): balance,
    N_("workers"): workers,
    N_("queues"): queues,
    N_("beat"): beat,
    N_("sweep"): sweep,
    N_("backup"): backup,
    N_("pending"): pending,
    N_("stuck"): stuck,
    N_("doubts"): doubts,
    N_("reports"): reports,
    N_("spool"): spool,
    N_("credits"): drift,
    N_("work"): work,
    N_("accounts"): accounts,
    N_("campaigns"): campaigns,
    N_("retention"): retention,
}
"""In the order in which one explains the next."""

NEEDS: Mapping[str, frozenset[str]] = {
    "settings": frozenset(),
    "database": frozenset(),
    "broker": frozenset(),
    "disk": frozenset(),
    "gateway": frozenset(),
    "workers": frozenset({"broker"}),
    "queues": frozenset({"broker"}),
    "beat": frozenset({"database", "broker"}),
    "spool": frozenset(),
}
"""Checks of which nothing can be told where another found no ground to stand on; all others need the database."""

WITHOUT: Mapping[str, str] = {
    "database": N_("cannot be told without the database"),
    "broker": N_("cannot be told without the broker"),
}
"""What is said then, by the ground that lacks."""

_GATEWAY = frozenset({"ACCOUNTS", "ALLOW_PLAIN_HTTP", "CONNECT_TIMEOUT", "POST_TIMEOUT"})

READS: Mapping[str, frozenset[str]] = {
    "database": frozenset({"DATABASE_URL"}),
    "broker": frozenset({"REDIS_URL", "BROKER_URL"}),
    "disk": frozenset({"SPOOL_DIR", "DATABASE_URL"}),
    "gateway": _GATEWAY,
    "senders": _GATEWAY,
    "backup": frozenset({"SPOOL_DIR"}),
    "spool": frozenset({"SPOOL_DIR", "ACCOUNTS"}),
    "retention": frozenset(map(str.upper, DomainSettings.model_fields)),
}
"""Settings without which a check looks at nothing, or at something else; one that is wrong keeps no other from it."""
