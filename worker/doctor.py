"""The doctor makes each check of the table (`checks`), and tells what was found.

A check that breaks is a trouble by itself, and keeps no other from being made. How it is shown is the affair of
`worker.console.doctor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from worker.checks import CHECKS, WITHOUT_DATABASE, Patient
from worker.findings import Finding, trouble, warning
from worker.language import N_, _

REMEDIES = {
    "settings": N_("correct them in the environment or in .env; docs/settings.md lists them"),
    "database": N_("start it, correct DATABASE_URL, or run `campaigns migrate`"),
}
"""What to do where a check broke."""

BY_HAND = N_("mend what is said above, and ask again")


def examine(
    patient: Patient, checks: Mapping[str, Callable[[Patient], Finding]] = CHECKS
) -> Iterator[tuple[str, Finding]]:
    """Make each check; gives its name and what it found."""
    there = True
    for name, check in checks.items():
        if not there and name not in WITHOUT_DATABASE:
            yield name, warning(_("cannot be told without the database"), "")
            continue
        try:
            yield name, check(patient)
        except Exception as error:  # noqa: BLE001  what breaks a check is what the doctor is here for
            there = there and name != "database"
            yield name, trouble(_said(error), _(REMEDIES.get(name, BY_HAND)))


def _said(error: Exception) -> str:
    from worker.console.advice import advice  # late: it knows every part of the project

    said = advice(error) or _("the check itself broke ({kind})").format(kind=type(error).__name__)
    return " ".join(said.split())
