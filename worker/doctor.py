"""The doctor makes each check of the table (`checks`), and tells what was found.

A check that breaks is a trouble by itself, and keeps no other from being made; nor does one that hangs. How it is shown
is the affair of `worker.console.doctor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from time import monotonic

from worker.checks import CHECKS, NEEDS, READS, WITHOUT, Patient
from worker.checks.asked import Asked
from worker.checks.servers import START_IT
from worker.console.screen import lasting
from worker.findings import Finding, Verdict, trouble, warning
from worker.language import N_, _

REMEDIES = {
    "database": N_("start it, correct DATABASE_URL, or run `campaigns migrate`"),
    "broker": START_IT,
}
"""What to do where a check broke."""

BY_HAND = N_("mend what is said above, and ask again")

WITHIN_SECONDS = 11.5
"""In which all of it is done, whatever hangs."""

LONGEST_SECONDS = 11.0
"""In which one check is done: longer than the database's own patience, which says more of what is wrong."""

AT_LEAST_SECONDS = 0.5
"""For each check, even if the time of all is over: those that can be told are."""


def examine(
    patient: Patient,
    checks: Mapping[str, Callable[[Patient], Finding]] = CHECKS,
    *,
    within: float = WITHIN_SECONDS,
    looking: Callable[[str], object] = lambda _name: None,
) -> Iterator[tuple[str, Finding]]:
    """Make each check; gives its name and what it found.

    Args:
        patient: who is looked at.
        checks: by name.
        within: seconds, for all of them.
        looking: is told the name of each before it is made.
    """
    until = monotonic() + within
    gone = {name: said for name in WITHOUT if (said := _unreadable(name, patient))}
    begun = {name: Asked(partial(checks[name], patient)) for name in WITHOUT if name in checks and name not in gone}
    for name, check in checks.items():
        looking(name)
        if lacking := _unreadable(name, patient) or _groundless(name, gone):
            yield name, warning(lacking, "")
            continue
        patience = min(LONGEST_SECONDS, max(AT_LEAST_SECONDS, until - monotonic()))
        asked = begun.get(name) or Asked(partial(check, patient))
        found = _found(name, asked, patience)
        if name in WITHOUT and found.verdict == Verdict.TROUBLE:
            gone[name] = _(WITHOUT[name])
        yield name, found


def _unreadable(name: str, patient: Patient) -> str | None:
    """What is said of a check that reads settings which are wrong."""
    wrong = sorted(READS.get(name, frozenset()) & patient.wrong)
    said = _("cannot be told until this setting is right: {settings}")
    return said.format(settings=", ".join(wrong)) if wrong else None


def _groundless(name: str, gone: Mapping[str, str]) -> str | None:
    """The same of one that stands on another of which nothing could be told, or nothing good: what is said of that."""
    return next((gone[ground] for ground in gone if ground in NEEDS.get(name, frozenset({"database"}))), None)


def _found(name: str, asked: Asked[Finding], patience: float) -> Finding:
    try:
        return asked.answer(within=asked.seconds + patience)
    except TimeoutError:
        what = _("it could not be told within {time}").format(time=lasting(asked.seconds))
        return trouble(what, _(REMEDIES.get(name, BY_HAND)))
    except Exception as error:  # noqa: BLE001  what breaks a check is what the doctor is here for
        return trouble(_said(error), _(REMEDIES.get(name, BY_HAND)))


def _said(error: Exception) -> str:
    from worker.console.advice import advice  # late: it knows every part of the project

    said = advice(error) or _("the check itself broke ({kind})").format(kind=type(error).__name__)
    return " ".join(said.split())
