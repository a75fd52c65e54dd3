"""A campaign at a glance, for whoever looks every second: how far each stage is, how fast it goes, what it waits for.

A look must not slow down what it looks at. Whatever stands on batches and requests is summed up each time, which takes
milliseconds for a campaign of a million. What only its messages know, who has a final status, is counted in a walk over
all of them: so seldom that it takes a small part of the time, and never more than one processor. The sums are taken in
`counting`; `progress` is the account to the last message.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from campaigns.counting import REPORTS_OF_SECONDS, Batches, Counted, Sends, batches_of, messages_of, sends_of
from campaigns.database import Database, Record, default, now
from campaigns.language import _
from campaigns.lifecycle import UnknownCampaignError
from campaigns.models import campaigns
from campaigns.pace import Stage, Steps, over
from campaigns.progress import IN_THE_OPEN
from campaigns.states import CampaignState
from campaigns.waiting import waits_for

COUNT_SHARE = 30
"""A thirtieth of one processor, at most, goes into counting messages."""

_NOT_EXPANDED = (CampaignState.RECEIVING, CampaignState.SUBMITTED, CampaignState.EXPANDING)


@dataclass(frozen=True)
class Credits:
    """What the campaign will cost, by our prices; what is set aside of it; what was taken, and what came back."""

    estimated: Decimal
    held: Decimal
    posted: Decimal
    refunded: Decimal


@dataclass(frozen=True)
class Glance:
    """What is to be seen of a campaign at one moment.

    Attributes:
        moment: by the database.
        finished: whether every message has its final status.
        waits_for: what must happen next, where it is not the workers' turn.
        stages: those that the campaign has, in their order.
        by_status: messages, when they were last counted, at `counted_at`; none before one has left.
    """

    moment: datetime
    id: int
    name: str
    state: str
    paused: bool
    finished: bool
    waits_for: str | None
    stages: tuple[Stage, ...]
    credits: Credits
    by_status: Mapping[str, int]
    counted_at: datetime | None


class Lookout:
    """Somebody who looks at one campaign again and again.

    Args:
        campaign_id: which.
        database: where it is; the one of the settings if none is named.
        count_share: messages are counted anew after so many times the time that it took.
    """

    def __init__(self, campaign_id: int, *, database: Database | None = None, count_share: int = COUNT_SHARE) -> None:
        self._campaign_id, self._count_share = campaign_id, count_share
        self._database = database or default()
        self._expansion, self._lookup = Steps(), Steps()
        self._counted: Counted | None = None
        self._count_at = 0.0

    def look(self) -> Glance:
        """The campaign now; of a finished one, as exact as its account. Raises UnknownCampaignError."""
        with self._database.snapshot() as connection:
            found = select(campaigns, now().label("moment")).where(campaigns.c.id == self._campaign_id)
            campaign = connection.execute(found).first()
            if campaign is None:
                raise UnknownCampaignError(
                    _("no campaign has the id {id}: `campaigns list` names them").format(id=self._campaign_id)
                )
            its, sends = batches_of(connection, campaign), sends_of(connection, campaign)
            if its.sent and (campaign.completed_at is not None or time.monotonic() >= self._count_at):
                self._count(connection, campaign)
            return Glance(
                moment=campaign.moment,
                id=campaign.id,
                name=campaign.name,
                state=campaign.state,
                paused=campaign.paused_at is not None and campaign.completed_at is None,
                finished=campaign.completed_at is not None,
                waits_for=waits_for(connection, campaign),
                stages=self._stages(campaign, its, sends),
                credits=Credits(its.estimated, its.held, sends.posted, self._refunded),
                by_status=self._counted.by_status if self._counted else {},
                counted_at=self._counted.moment if self._counted else None,
            )

    @property
    def _refunded(self) -> Decimal:
        return self._counted.refunded if self._counted else Decimal(0)

    def _count(self, connection: Connection, campaign: Record) -> None:
        began = time.monotonic()
        self._counted = messages_of(connection, campaign)
        ended = time.monotonic()
        self._count_at = ended + self._count_share * (ended - began)

    def _stages(self, campaign: Record, its: Batches, sends: Sends) -> tuple[Stage, ...]:
        moment, expanded = campaign.moment, campaign.expanded
        rows = None if campaign.state == CampaignState.RECEIVING else campaign.recipients
        stages = [Stage("expansion", expanded, rows, self._expansion.rate(moment, expanded))]
        # How many messages there are, only the end of the expansion tells.
        known = campaign.state not in _NOT_EXPANDED or 0 < campaign.recipients <= expanded
        if campaign.spec.get("lookup"):
            done = its.messages + its.unreachable - its.to_look_up
            of = its.messages + its.unreachable if known else None
            stages.append(Stage("lookup", done, of, self._lookup.rate(moment, done)))
        of = its.messages - its.voided if known else None
        settled = min(_settled(self._counted.by_status), its.sent) if self._counted else 0
        ended = self._counted.ended if self._counted else 0
        since = sends.lately.since
        stages.append(Stage("sending", its.sent, of, sends.lately.rate))
        stages.append(Stage("delivery", settled, of, over(ended, REPORTS_OF_SECONDS, since=since)))
        return tuple(stages)


def _settled(by_status: Mapping[str, int]) -> int:
    """Those that were to be sent, and have their end."""
    return sum(count for status, count in by_status.items() if status not in (*IN_THE_OPEN, "voided"))
