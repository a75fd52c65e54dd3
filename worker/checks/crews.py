"""Whether workers are there for each queue, and what waits for them."""

from __future__ import annotations

from worker.checks.patient import Patient
from worker.findings import Finding, named, ok, trouble, warning
from worker.language import _, figure, ngettext

MANY = 1_000
"""Messages in one queue: bells are one for each piece of work, so so many are work that workers do not keep up with."""


def workers(patient: Patient) -> Finding:
    """Whether a worker answers for each of the queues; and whether SQLite is asked to serve more than its own host."""
    crew = patient.crew
    if not crew.takes:
        what = _("no worker answers")
        return trouble(
            what, _("start one: `celery -A worker worker`; one that runs: is it the same broker, and does it hang?")
        )
    if crew.deserted:
        what = _("no worker takes from: {queues}").format(queues=", ".join(crew.deserted))
        return trouble(what, _("start a worker for it, or give one of those that run no -Q: it takes from all then"))
    if "DATABASE_URL" not in patient.wrong and patient.database.is_sqlite and len(crew.hosts) > 1:
        what = _("workers run on {hosts}, and SQLite is a file of one host").format(hosts=named(crew.hosts))
        return warning(what, _("use PostgreSQL (DATABASE_URL) for more than one host"))
    return ok(_("each queue has one: {names}").format(names=named(sorted(crew.takes))))


def queues(patient: Patient) -> Finding:
    """What waits in them, and whether anybody will take it."""
    crew = patient.crew
    full = {queue: count for queue, count in crew.waiting.items() if count}
    stale = {queue: count for queue, count in full.items() if queue in crew.deserted}
    if stale:
        remedy = _("start a worker for it; nothing is lost meanwhile, for the sweep rings again")
        return trouble(_("nobody takes what waits: {queues}").format(queues=_counted(stale)), remedy)
    long = {queue: count for queue, count in full.items() if count > MANY}
    if long:
        return warning(
            _("more waits than workers take: {queues}").format(queues=_counted(long)), _("start more workers")
        )
    return ok(_("waiting: {queues}").format(queues=_counted(full)) if full else _("they are empty"))


def _counted(some: dict[str, int]) -> str:
    return named(
        [
            ngettext("{count} message in {queue}", "{count} messages in {queue}", count).format(
                count=figure(count), queue=queue
            )
            for queue, count in some.items()
        ]
    )
