"""What a campaign would be: whom it leaves out, what it would cost, how its texts look. Nothing is sent or stored.

Rows become messages exactly as in expansion (`campaigns.sorting`), without a table: numbers that came before are in
`campaigns.seen`, so that memory grows by some bytes a recipient, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from campaigns import unwanted
from campaigns.audience import Source
from campaigns.chunks import Row, Shape
from campaigns.clocks import Hours
from campaigns.database import Database, default
from campaigns.outages import DatabaseAway, NotMigratedError
from campaigns.seen import Seen
from campaigns.settings import domain_settings
from campaigns.slices import ROWS_AT_A_TIME, sliced
from campaigns.sorting import Some, Sorter
from campaigns.spec import Spec, check
from campaigns.standing import Standing, standings
from campaigns.submission import StoredAudience, bind
from campaigns.tally import LeftOut, Saving, Tally, Text

__all__ = ["Begin", "LeftOut", "Preview", "Saving", "Text", "preview"]


@dataclass(frozen=True)
class Begin:
    """Messages that may leave from one moment on.

    Attributes:
        place: by whose clocks: a time zone, or the country of their numbers.
        messages: how many.
        opens_at: when their window is open first; None if it never is, in all time zones of that country at once.
        when: the same, as a clock there shows it; none where it is open now, or never.
    """

    place: str
    messages: int
    opens_at: datetime | None
    when: str | None


@dataclass(frozen=True)
class Preview:
    """A campaign as it would be now; rows = messages + everybody who is excluded.

    Attributes:
        rows: recipients read.
        messages: how many of them would get a text.
        excluded: the others, by reason. Whom a lookup would find dead is not known beforehand.
        segments: segments of a text → how many texts have so many.
        alphabets: `gsm7`, `ucs2` → how many texts.
        forcing: characters that make texts UCS-2 → in how many texts each is, the commonest first.
        saving: what `transliterate` would bring; None if it is asked for.
        credits: what the texts would cost, by CREDIT_PRICES.
        lookup_credits: what looking the numbers up would cost, if that is asked for.
        balance: what the gateway said, at `balance_asked_at`, that the account has; None if the database knows nothing.
        free: what of it is not promised to other campaigns.
        begins: where the campaign has a window, from when on its messages may leave: whichever may first comes first.
        texts: the first ones, in the order of the audience.
    """

    account: str
    rows: int
    messages: int
    excluded: dict[str, LeftOut]
    segments: dict[int, int]
    alphabets: dict[str, int]
    forcing: dict[str, int]
    saving: Saving | None
    credits: Decimal
    lookup_credits: Decimal
    balance: Decimal | None
    balance_asked_at: datetime | None
    free: Decimal | None
    begins: tuple[Begin, ...]
    texts: tuple[Text, ...]

    @property
    def total_segments(self) -> int:
        """Of all texts."""
        return sum(size * count for size, count in self.segments.items())

    @property
    def shortfall(self) -> Decimal | None:
        """Credits that are missing for all of it, 0 if none are; None if the balance is not known."""
        if self.free is None:
            return None
        return max(self.credits + self.lookup_credits - self.free, Decimal(0))


def preview(
    asked: Spec | Mapping[str, Any],
    audience: Source | StoredAudience,
    *,
    texts: int = 3,
    database: Database | None = None,
) -> Preview:
    """Read an audience to its end, and tell what a campaign for it would be; nothing is sent or stored.

    Args:
        asked: a Spec, or a mapping of its fields; a name is not needed.
        audience: as for `submit`.
        texts: how many of the first texts are shown.
        database: where the account's balance is looked up, who has opted out, and a stored audience; the one that
            DATABASE_URL names by default. Without one, the balance is not known and nobody has opted out.

    Raises:
        SpecError: with every fault named. AudienceError: the audience cannot be read.
    """
    fields = asked.model_dump() if isinstance(asked, Spec) else {"name": "preview", **asked}
    spec = check(fields, now=None)
    with sliced(spec, audience, database) as (shape, slices):
        bind(spec, shape)  # says what is wrong with the template
        tally = _tallied(spec, shape, slices, texts, _opted_out(spec.account, database))
    return _told(spec, tally, _standing(spec.account, database), _begins(spec, tally, database))


def _tallied(spec: Spec, shape: Shape, slices: Iterator[list[Row]], texts: int, opted_out: Some | None) -> Tally:
    # How large its batches are changes no text, and large ones are counted faster.
    spec = spec.model_copy(update={"batch_size": ROWS_AT_A_TIME, "rate": None})
    settings = domain_settings()
    sorter, seen = Sorter(spec, shape, settings), Seen()
    cheaper = None if spec.transliterate else Sorter(spec.model_copy(update={"transliterate": True}), shape, settings)
    tally = Tally(sorter, cheaper, texts=texts)
    for rows in slices:
        looked = sorter.look(rows)
        found = sorter.sort(looked, seen.among, opted_out)
        for _, payload in found.payloads:
            seen.add(payload.numbers)
        tally.take(looked, found)
    return tally


def _begins(spec: Spec, tally: Tally, database: Database | None) -> tuple[Begin, ...]:
    hours = spec.hours
    if hours is None:
        return ()
    clock = _clock(database)
    found = [_begin(hours, *its, max(clock, spec.scheduled_at or clock), clock) for its in tally.places.items()]
    return tuple(sorted(found, key=lambda its: (its.opens_at is None, its.opens_at or clock, its.place)))


def _begin(hours: Hours, place: str, messages: int, moment: datetime, clock: datetime) -> Begin:
    opening = hours.opening(place, moment)
    if opening is None:
        return Begin(place, messages, None, None)
    later = opening.opens_at > clock
    return Begin(place, messages, opening.opens_at, hours.shown(place, opening.opens_at) if later else None)


def _clock(database: Database | None) -> datetime:
    """The database's; this host's, if there is none."""
    try:
        return (database or default()).clock()
    except (DatabaseAway, NotMigratedError):
        return datetime.now(UTC)


def _told(spec: Spec, tally: Tally, standing: Standing | None, begins: tuple[Begin, ...]) -> Preview:
    return Preview(
        account=spec.account,
        rows=tally.rows,
        messages=tally.messages,
        excluded=tally.excluded,
        segments=dict(sorted(tally.segments.items())),
        alphabets=dict(tally.alphabets),
        forcing=dict(tally.forcing.most_common()),
        saving=tally.saving,
        credits=tally.credits,
        lookup_credits=tally.messages * domain_settings().lookup_price if spec.lookup else Decimal(0),
        balance=standing.balance if standing else None,
        balance_asked_at=standing.asked_at if standing else None,
        free=standing.free if standing else None,
        begins=begins,
        texts=tuple(tally.texts),
    )


def _opted_out(account: str, database: Database | None) -> Some | None:
    """Who of some wants no texts of the account; None if nobody does, or nobody knows."""

    def among(numbers: list[int]) -> set[int]:
        with there.snapshot() as connection:
            return unwanted.among(connection, account, numbers)

    there = database or default()
    try:
        with there.reading() as connection:
            return among if unwanted.seen(connection, account) else None
    except (DatabaseAway, NotMigratedError):
        return None


def _standing(account: str, database: Database | None) -> Standing | None:
    """Where the account's credits are; None if nobody knows: texts can be tried before anything is installed."""
    try:
        return next(iter(standings(account, database=database)), None)
    except (DatabaseAway, NotMigratedError):
        return None
