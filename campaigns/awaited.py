"""What windowed campaigns wait for: from when on each may send first of what it has not sent.

Reckoned when it is asked, so that it is right though no sweep goes round (`openings` has what claims go by).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from campaigns.clocks import Hours, UnknownZoneError
from campaigns.database import Record, among, now
from campaigns.models import batches
from campaigns.states import UNSENT, CampaignState
from campaigns.windows import Opening


@dataclass(frozen=True)
class Next:
    """What a campaign may send first of what it has not sent: from when on, by the clocks of which zone or country.

    Attributes:
        hours: its window.
        place: the zone, or the country; "" where nothing is left to be sent, its audience must be seen first, or this
            host does not know its clocks.
        opening: the one that is, or the next; None if there is none.
        is_open: whether it is.
    """

    hours: Hours
    place: str
    opening: Opening | None
    is_open: bool

    @property
    def opens_at(self) -> datetime | None:
        """When it opens, if it is closed."""
        return None if self.opening is None or self.is_open else self.opening.opens_at

    @property
    def when(self) -> str:
        """The same in words, as a clock there shows it."""
        return "" if self.opens_at is None else self.hours.shown(self.place, self.opens_at)


def next_ones(connection: Connection, some: Collection[Record]) -> dict[int, Next]:
    """Of some rows of `campaigns`, those with a window, by id; reckoned now, whether a sweep goes round or not."""
    hours = {row.id: Hours.of(row.spec.get("window"), row.spec.get("window_zone")) for row in some if row.windowed}
    if not hours:
        return {}
    b = batches.c
    unsent = (
        select(b.campaign_id, b.zone).where(among(connection, b.campaign_id, hours), b.state.in_(UNSENT)).distinct()
    )
    zones: dict[int, list[str]] = {}
    for row in connection.execute(unsent):
        zones.setdefault(row.campaign_id, []).append(row.zone)
    clock = connection.execute(select(now())).scalar_one()
    return {
        row.id: _first(its, _places(row, its, zones), max(clock, row.scheduled_at or clock), clock)
        for row in some
        if (its := hours.get(row.id)) is not None
    }


_TO_BE_EXPANDED = (CampaignState.RECEIVING, CampaignState.SUBMITTED, CampaignState.EXPANDING)


def _places(row: Record, hours: Hours, zones: Mapping[int, Collection[str]]) -> Collection[str]:
    """Of what is not sent yet; of an audience that is not expanded either, if they can be told."""
    if row.id in zones or row.state not in _TO_BE_EXPANDED or hours.by_country:
        return zones.get(row.id, ())
    return [hours.zone]


def _first(hours: Hours, places: Collection[str], moment: datetime, clock: datetime) -> Next:
    try:
        reckoned = [(place, hours.opening(place, moment)) for place in sorted(places)]
    except UnknownZoneError:  # the sweep pauses it; a list of campaigns must not fail for one of them
        return Next(hours, "", None, is_open=False)
    found = [(place, opening) for place, opening in reckoned if opening is not None]
    if not found:
        return Next(hours, min(places, default=""), None, is_open=False)
    place, opening = min(found, key=lambda one: one[1].opens_at)
    return Next(hours, place, opening, is_open=opening.opens_at <= clock)
