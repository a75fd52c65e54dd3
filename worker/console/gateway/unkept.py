"""Delivery reports that no journal keeps: shown, and left in a private file where they cannot be read whole.

The gateway hands each out once, so whatever came must be somewhere when the command ends.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir, mkstemp

import click

from campaigns.reasons import retold
from worker.language import N_, _, figure, ngettext
from worker.smseco import BadReply, ReadFailed, parse_reports
from worker.smseco.reports import names_an_sms
from worker.smseco.values import ReportBatch

GONE = N_("Reports are handed out once: what it had to hand out may be gone.")
DAMAGED = N_("the reply is damaged")
STRANGE = N_("the reply names an SMS in a way that is not known")


def take(fetch: Callable[[], bytes], show: Callable[[ReportBatch, Path | None], None]) -> None:
    """Ask once, and show what can be read.

    Args:
        fetch: asks, and returns the body.
        show: shows the reports; it is told where the body is, if it had to be left in a file.

    Raises:
        ClickException: something is or may be lost, or is only in the file; the message says which.
        GatewayError: nothing was handed out.
    """
    try:
        body, reason = fetch(), ""
    except ReadFailed as failed:
        if not failed.begun:
            raise
        body, reason = failed.partial, told(failed, kept=bool(failed.partial))
        if not body:
            raise click.ClickException(reason) from None
    batch, trouble = _read(body)
    reason = reason or trouble
    left = _leave(body) if reason else None
    try:
        show(batch, left)
    except BaseException:  # a full disk, a reader that went away: they were shown to nobody
        if left is None:
            _leave(body)
        raise
    if reason:
        read = ngettext(
            "{count} of its reports could be read.", "{count} of its reports could be read.", len(batch)
        ).format(count=figure(len(batch)))
        raise click.ClickException(f"{reason}\n{read} {_(GONE)}")


def told(failed: ReadFailed, *, kept: bool) -> str:
    """What to tell of a request that brought no whole answer, and of what is lost by it if nothing could be kept."""
    from worker.console.advice import advice

    said = advice(failed) or str(failed)
    return f"{said}\n{_(GONE)}" if failed.begun and not kept else said


def _read(body: bytes) -> tuple[ReportBatch, str]:
    """The reports, and why there may be more in it, if there may."""
    try:
        batch = parse_reports(body)
    except BadReply as unreadable:
        return ReportBatch(truncated=True), retold(str(unreadable))
    if batch.truncated:
        return batch, _(DAMAGED)
    return batch, _(STRANGE) if not len(batch) and names_an_sms(body) else ""


def _leave(body: bytes) -> Path | None:
    """Put it into a file that nobody else may read, and say where; on the screen if there is no room for it."""
    from worker.console import screen

    path = _written(body, ".") or _written(body, gettempdir())
    if path is None:
        screen.err().print(screen.plain(body.decode(errors="replace")))
    else:
        click.echo(_("the reply, as it came, for you alone: {path}").format(path=path), err=True)
    return path


def _written(body: bytes, folder: str) -> Path | None:
    """The file, if the folder takes it whole."""
    try:
        handle, name = mkstemp(prefix="reports-", suffix=".reply", dir=folder)
    except OSError:
        return None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
    except OSError:
        Path(name).unlink(missing_ok=True)
        return None
    return Path(name).resolve()
