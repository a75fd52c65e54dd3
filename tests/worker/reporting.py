"""A gateway that hands out delivery reports, and what a worker needs to read them, for tests of tracking."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from campaigns import settling
from campaigns.claims import Claim
from campaigns.database import Database
from campaigns.models import attempts, report_polls
from campaigns.prices import Prices
from tests.campaigns import making

NOTHING = b"<REPONSE><statut>-15</statut><texte>x</texte></REPONSE>"


class Gateway:
    """Hands out what it was given, under the id that was asked for, once; an error is raised."""

    def __init__(self, **bodies: bytes | Exception) -> None:
        self.bodies = bodies
        self.asked: list[str | None] = []

    def fetch_reports(self, msgfid: str | None = None, smsfid: str | None = None) -> bytes:
        self.asked.append(msgfid)
        body = self.bodies.pop(msgfid or "all", NOTHING)
        if isinstance(body, Exception):
            raise body
        return body


def resources_with(database: Database, gateway: Gateway, **options: Any) -> Any:
    """What a worker has, with this gateway."""
    settings = SimpleNamespace(
        **{
            "poll_min_age": 0,
            "spool_dir": Path(str(database.url.database)).parent / "spool",
            "silent_after": 900,
            "report_deadline": 3_600.0,
            "prices": Prices({"": Decimal(1)}),
            "lanes": 1,
            "accounts": {making.ACCOUNT: SimpleNamespace(exclusive=False)},
            **options,
        }
    )
    ring = lambda *_: None  # noqa: E731
    return SimpleNamespace(database=database, settings=settings, gateway=lambda _account: gateway, ring=ring)


def body_of(msgfid: str, numbers: Iterable[int], *, code: int = 56) -> bytes:
    """A body of reports: each number of a sending ended like that."""
    reports_ = "".join(
        f"<dlr><smsfid>s{number}</smsfid><destination>{number}</destination><date>2026-01-01 00:00:00</date>"
        f"<statut>{code}</statut><libelle>x</libelle><texte>x</texte></dlr>"
        for number in numbers
    )
    messages = f"<message><msgfid>{msgfid}</msgfid><dlrs>{reports_}</dlrs></message>"
    return f"<REPONSE><statut>0</statut><texte>ok</texte><messages>{messages}</messages></REPONSE>".encode()


def in_doubt(database: Database, count: int) -> Claim:
    """A batch of so many, of which nobody knows since a moment ago."""
    found = making.claimed(database, making.funded(database, making.numbers(count)))
    settling.doubt(database, found, "timed out")
    making.clock_goes_on(database, 1, attempts.c.started_at)
    return found


def polls(database: Database) -> list[tuple[Any, ...]]:
    """What the journal has: state and number of reports."""
    with database.reading() as connection:
        found = select(report_polls.c.state, report_polls.c.reports).order_by(report_polls.c.id)
        return [tuple(poll) for poll in connection.execute(found)]
