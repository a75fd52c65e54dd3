"""When what recurs falls due: a cron expression and a time zone → moments.

The five fields are read as Debian's cron reads them. Where the clocks of the zone change, a time that they skip is
moved on to the next that there is (02:30 to 03:00), and one that they show twice happens once, the first time. What
recurs each hour or minute (an hour or minute field that begins with `*`) goes by the time that passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from campaigns.clocks import zone
from campaigns.language import N_, _
from campaigns.reasons import retold
from campaigns.spec import SpecError

_FIELDS = 5
_HOW = N_("write minute, hour, day, month and day of the week, as in '0 9 * * mon'")
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Recurrence:
    """A cron expression of five fields, read in a time zone; `parse` makes one that is known to be right."""

    cron: str
    timezone: str

    @classmethod
    def parse(cls, cron: str, timezone: str) -> Recurrence:
        """What recurs so; raises SpecError with every fault named."""
        faults = _faults_of_cron(cron)
        try:
            zone(timezone)
        except ValueError as error:
            faults.append(f"timezone: {error}")
        if faults:
            raise SpecError(faults)
        return cls(" ".join(cron.split()), timezone)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Its moments after this one, in order, UTC; it ends where none comes for fifty years."""
        last = moment.astimezone(UTC)
        for slot in CronSim(self.cron, moment.astimezone(zone(self.timezone))):
            # In UTC, for times of one zone are compared as clocks show them; and in the second of two hours that look
            # alike the library begins with the first.
            at = slot.astimezone(UTC)
            if at > last:
                last = at
                yield at

    def next_after(self, moment: datetime) -> datetime:
        """The first of them."""
        return next(self.after(moment))


def _faults_of_cron(cron: str) -> list[str]:
    if len(cron.split()) != _FIELDS:
        return [_("cron: {cron!r} has not five fields: {how}").format(cron=cron, how=_(_HOW))]
    try:
        moments = CronSim(cron, _SOME_DAY)
    except CronSimError as error:
        field = retold(str(error).removeprefix("Bad "))
        return [_("cron: {cron!r} is wrong in its {field}: {how}").format(cron=cron, field=field, how=_(_HOW))]
    if next(iter(moments), None) is None:
        return [_("cron: {cron!r} never falls due").format(cron=cron)]
    return []
