"""Whether the database was set back: a backup was restored, and nobody has seen to what was sent since."""

from __future__ import annotations

from campaigns import lineage, vitals
from campaigns.reasons import retold
from worker import mark
from worker.checks.patient import Patient
from worker.console.screen import lasting, moment
from worker.findings import Finding, ok, trouble, warning
from worker.language import N_, _

REMEDY = N_("was a backup restored? `campaigns restored` sees to it; if none was, docs/backup.md says what to do")


def backup(patient: Patient) -> Finding:
    """By the database itself, or by the mark of this host, which a worker looks at only when it starts or sends."""
    its = lineage.read(patient.database)
    mine = mark.of_this_host(patient.settings.spool_dir, its)
    found = mark.behind(patient.database, mine)
    how = its.set_back if its.set_back_at or found is None else found.how
    if how is not None:
        what = _("the database was set back, so nothing is sent: {how}").format(how=retold(how))
        return trouble(what, _(REMEDY))
    if its.restored_at is None:
        return ok(_("no backup was restored, as far as this host can tell"))
    age = (patient.database.clock() - its.restored_at).total_seconds()
    if age > vitals.LATELY or its.known_until is None:
        return ok(_("a restored backup was seen to {time} ago").format(time=lasting(age)))
    what = _("a backup was restored and seen to {time} ago; nothing is known of what was done after {moment}")
    remedy = _("see to what came after it: `campaigns doubts`, opt-outs, campaigns submitted since (docs/backup.md)")
    return warning(what.format(time=lasting(age), moment=moment(its.known_until)), remedy)
