"""Whether this host's disk takes what must be written: reports that the database does not take, or SQLite itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from worker.checks.patient import Patient
from worker.findings import Finding, named, ok, trouble, warning
from worker.language import _, figure

MEBIBYTE = 1024 * 1024
LITTLE = 1024 * MEBIBYTE
TOO_LITTLE = 100 * MEBIBYTE
"""Bytes: a minute of reports that come at a thousand a second is ten mebibytes, before they are compressed."""


def disk(patient: Patient) -> Finding:
    """Room, and whether the folders may be written to."""
    folders = list(_folders(patient))
    closed = [str(folder) for folder in folders if not os.access(existing(folder), os.W_OK | os.X_OK)]
    if closed:
        what = _("nothing can be written to {folders}").format(folders=named(closed))
        return trouble(what, _("have it belong to the user that workers run as, or set SPOOL_DIR to another folder"))
    free = {str(folder): shutil.disk_usage(existing(folder)).free for folder in folders}
    short = {folder: left for folder, left in free.items() if left < LITTLE}
    if not short:
        return ok(
            _("{free} MiB are free at {folders}").format(free=_mebibytes(min(free.values())), folders=named([*free]))
        )
    what = named(
        [
            _("{free} MiB are left at {folder}").format(free=_mebibytes(left), folder=folder)
            for folder, left in short.items()
        ]
    )
    remedy = _(
        "make room: reports that come while the database is away are kept there, and those that find none are lost"
    )
    return trouble(what, remedy) if min(short.values()) < TOO_LITTLE else warning(what, remedy)


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above that is there: it is made at first need."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _folders(patient: Patient) -> Iterator[Path]:
    yield patient.settings.spool_dir
    file = patient.database.url.database
    if patient.database.is_sqlite and file and not file.startswith("file:"):
        yield Path(file).absolute().parent


def _mebibytes(octets: int) -> str:
    return figure(octets // MEBIBYTE)
