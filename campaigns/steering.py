"""What a person may do to a campaign: pause it, resume it, cancel it. How it goes on by itself is in `lifecycle`."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from campaigns import batches, bells, chunks, events, lifecycle, poison
from campaigns.bells import Ring
from campaigns.database import Database, Record, default
from campaigns.language import N_, _
from campaigns.lifecycle import UnknownCampaignError
from campaigns.models import campaigns
from campaigns.reasons import retold
from campaigns.states import ENDED, CampaignState

PAUSED_BY_A_PERSON = N_("paused by a person")
"""What a pause says for which nobody gave a reason."""

CANCELLED_BY_A_PERSON = N_("cancelled by a person")
"""The same of a cancellation."""


class StateError(ValueError):
    """The campaign is in a state in which this cannot be done; the message says which."""


def pause(campaign_id: int, *, reason: str = PAUSED_BY_A_PERSON, database: Database | None = None) -> None:
    """Let nothing new leave; a batch that is in the air is still settled. Pausing twice keeps the first reason.

    Raises UnknownCampaignError, or StateError if the campaign has ended.
    """
    with (database or default()).transaction() as connection:
        campaign = _lock(connection, campaign_id)
        if campaign.state in ENDED:
            raise StateError(
                _("campaign {id} is {state}: there is nothing to pause").format(
                    id=campaign_id, state=retold(campaign.state)
                )
            )
        lifecycle.halt(connection, campaign_id, reason, by_a_person=True)


def resume(campaign_id: int, *, ring: Ring | None = None, database: Database | None = None) -> None:
    """Go on from where it was paused. Raises UnknownCampaignError, or StateError if it is not paused or has ended."""
    database = database or default()
    with database.transaction() as connection:
        campaign = _lock(connection, campaign_id)
        if campaign.state in ENDED:
            raise StateError(
                _("campaign {id} is {state}: there is nothing to resume").format(
                    id=campaign_id, state=retold(campaign.state)
                )
            )
        if campaign.paused_at is None:
            raise StateError(
                _("campaign {id} is not paused: it is {state}").format(id=campaign_id, state=retold(campaign.state))
            )
        going_on = update(campaigns).where(campaigns.c.id == campaign_id)
        connection.execute(going_on.values(paused_at=None, pause_reason=None, paused_by_itself=None))
        poison.forgive(connection, campaign_id)
        events.tell(events.RESUMED, campaign=campaign_id)
    if campaign.state in (CampaignState.SUBMITTED, CampaignState.EXPANDING):
        bells.wake(database, bells.expand(campaign_id), ring)
    bells.wake(database, bells.fund(campaign.account), ring)
    bells.wake(database, bells.send(campaign.account, 1), ring)


def cancel(campaign_id: int, *, reason: str = CANCELLED_BY_A_PERSON, database: Database | None = None) -> None:
    """Void what has not left; what has left is still tracked. Cancelling twice is no error.

    Raises UnknownCampaignError, or StateError if the campaign has ended otherwise.
    """
    with (database or default()).transaction() as connection:
        campaign = _lock(connection, campaign_id)
        if campaign.state == CampaignState.CANCELLED:
            return
        if campaign.state in ENDED:
            raise StateError(
                _("campaign {id} is {state}: there is nothing to cancel").format(
                    id=campaign_id, state=retold(campaign.state)
                )
            )
        lifecycle.change(connection, campaign_id, CampaignState.CANCELLED, reason)
        batches.void_unsent(connection, campaign_id)
        if campaign.audience_id is not None:
            chunks.drop(connection, campaign.audience_id)
        poison.forgive(connection, campaign_id)
        lifecycle.advance(connection, [campaign_id])


def _lock(connection: Connection, campaign_id: int) -> Record:
    campaign = connection.execute(select(campaigns).where(campaigns.c.id == campaign_id).with_for_update()).first()
    if campaign is None:
        raise UnknownCampaignError(_("no campaign has the id {id}: `campaigns list` names them").format(id=campaign_id))
    return campaign
