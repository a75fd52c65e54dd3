"""Delivery reports: those that were lost, cannot be applied, or wait in files of this host."""

from __future__ import annotations

from campaigns import vitals
from worker import spool as files
from worker.checks.patient import Patient
from worker.console.screen import counted
from worker.findings import Finding, named, ok, trouble, warning
from worker.language import _, figure, ngettext


def reports(patient: Patient) -> Finding:
    found = patient.asked(lambda connection: vitals.polls(connection, lately=vitals.LATELY))
    broken = [_(": ").join([each.account, counted(each.broken, "body")]) for each in found if each.broken]
    if broken:
        remedy = _("`campaigns reports` says why, `campaigns reports --retry ID` has one tried anew")
        return trouble(_("cannot be applied, and kept: {bodies}").format(bodies=named(broken)), remedy)
    lost = [
        _(": ").join([each.account, counted(gone, "reading")])
        for each in found
        if (gone := each.lost_lately + each.overdue)
    ]
    if lost:
        what = _("asked for in the last day, and never arrived: {readings}").format(readings=named(lost))
        remedy = _("`campaigns reports` lists these gaps; messages whose report was in one end as unreported")
        return warning(what, remedy)
    return ok(_("every body that was asked for in the last day arrived"))


def spool(patient: Patient) -> Finding:
    folder, known = patient.settings.spool_dir, patient.settings.accounts
    found = files.waiting(folder)
    left = [each for each in found if each.account not in known]
    if left:
        what = ngettext(
            "{count} file left alone in {folder}: damaged, or of an account that is unknown here",
            "{count} files left alone in {folder}: damaged, or of an account that is unknown here",
            len(left),
        ).format(count=figure(len(left)), folder=folder)
        return trouble(what, _("`campaigns reports` names them; have ACCOUNTS name the account where a worker runs"))
    if found:
        what = ngettext(
            "{count} body of reports in {folder}: the database did not take them",
            "{count} bodies of reports in {folder}: the database did not take them",
            len(found),
        ).format(count=figure(len(found)), folder=folder)
        return warning(what, _("the sweep stores them once the database is there, by a worker on this host"))
    return ok(_("no report waits in a file of this host"))
