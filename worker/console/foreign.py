"""Delivery reports of other programs on the same account, for a person, a spreadsheet or a program; one at a time.

A person's screen shows no whole number; a file and JSON do: they are what the other program should have got.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import click

from campaigns import foreign
from campaigns.database import Database
from campaigns.phone import masked
from campaigns.tables import harmless
from worker.console import screen
from worker.smseco.codes import REPORT_CODES
from worker.smseco.errors import BadReply, Refused
from worker.smseco.reports import parse_reports

_A_NUMBER = re.compile(r"\+?[0-9]+")


@dataclass(frozen=True, repr=False)
class Report:
    """One, as the gateway told it; `read_at` is when it came to us."""

    account: str
    msgfid: str
    smsfid: str
    number: str
    code: int
    status: str
    date: str
    read_at: str


def found(database: Database, *, account: str | None, since: datetime | None) -> Iterator[Report]:
    """All of them, the first read first."""
    for body in foreign.bodies(database, account=account, since=since):
        try:
            batch = parse_reports(body.body)
        except (BadReply, Refused):
            continue
        read_at = body.read_at.astimezone(UTC).isoformat(timespec="seconds")
        for msgfid, smsfid, number, code, date in zip(
            batch.msgfids, batch.smsfids, batch.destinations, batch.codes, batch.dates, strict=True
        ):
            if msgfid in body.msgfids:
                known = REPORT_CODES.get(code)
                status = known.name if known else "unknown"
                yield Report(body.account, msgfid, smsfid, number, code, status, date, read_at)


def show(reports: Iterable[Report]) -> int:
    """A line each; returns how many."""
    count = 0
    for its in reports:
        count += 1
        words = (its.read_at, its.account, masked(its.number), its.status, its.date, its.msgfid, its.smsfid)
        click.echo("  ".join(screen.plain(word).plain for word in words))
    return count


def print_json(reports: Iterable[Report]) -> int:
    """One JSON array; returns how many are in it."""
    count = 0
    click.echo("[", nl=False)
    for count, its in enumerate(reports, 1):
        click.echo((",\n" if count > 1 else "") + json.dumps(asdict(its)), nl=False)
    click.echo("]")
    return count


def write_csv(reports: Iterable[Report], path: Path) -> int:
    """A file that only its owner may read, and that must not be there yet; returns how many are in it.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    count = 0
    with os.fdopen(
        os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8", newline=""
    ) as out:
        try:
            rows = csv.writer(out)
            rows.writerow([field.name for field in fields(Report)])
            for its in reports:
                count += 1
                rows.writerow([_harmless(str(cell)) for cell in asdict(its).values()])
            out.flush()
        except BaseException:  # half a file would be taken for all there is
            path.unlink(missing_ok=True)
            raise
    return count


def _harmless(cell: str) -> str:
    return cell if _A_NUMBER.fullmatch(cell) else harmless(cell)
