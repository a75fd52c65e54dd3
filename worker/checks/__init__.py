"""What is looked at in an installation: a table of checks, each a small function with its finding.

What is said holds no number, no text, no password and no credentials of a URL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from worker.checks.lineage import backup
from worker.checks.money import drift
from worker.checks.patient import Patient
from worker.checks.reports import reports, spool
from worker.checks.requests import doubts, pending
from worker.checks.rounds import sweep
from worker.checks.servers import broker, database, settings
from worker.checks.upkeep import retention, work
from worker.checks.waiting import accounts, campaigns
from worker.findings import Finding
from worker.language import N_

__all__ = ["CHECKS", "WITHOUT_DATABASE", "Patient"]

CHECKS: Mapping[str, Callable[[Patient], Finding]] = {
    N_("settings"): settings,
    N_("database"): database,
    N_("broker"): broker,
    N_("sweep"): sweep,
    N_("backup"): backup,
    N_("pending"): pending,
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

WITHOUT_DATABASE = frozenset({"settings", "database", "broker", "spool"})
"""Checks that can be made although there is no database."""
