"""What a campaign waits for, in words for a person, where it is not the workers' turn."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from campaigns import lifecycle
from campaigns.accounts import unserved
from campaigns.awaited import Next, next_ones
from campaigns.credits import plain
from campaigns.database import Record
from campaigns.doubts import is_in_doubt
from campaigns.language import N_
from campaigns.models import accounts, attempts
from campaigns.states import CampaignState


def waits_for(connection: Connection, campaign: Record) -> str | None:
    """What must happen next, where it is not the workers' turn; of a row of `campaigns`."""
    if campaign.completed_at is not None:
        return None
    if campaign.paused_at is not None and campaign.state != CampaignState.CANCELLED:
        return N_("a person to resume it: {reason}").format(reason=campaign.pause_reason)
    if campaign.state == CampaignState.SUBMITTED and campaign.scheduled_at is not None:
        return its_time(campaign.scheduled_at)
    if campaign.state == CampaignState.STALLED:  # it has nothing left to send, whether the gateway is well or not
        return str(campaign.reason)
    if campaign.state == CampaignState.CANCELLED and lifecycle.has_only_doubts(connection, campaign.id):
        return lifecycle.STALLED
    if unserved(connection, campaign.account):
        return a_worker_with(campaign.account)
    gateway = connection.execute(select(accounts).where(accounts.c.name == campaign.account)).first()
    # One that loses replies keeps back what is still to be sent; reports go on arriving.
    sent = campaign.state == CampaignState.TRACKING and gateway is not None and gateway.doubtful
    if gateway is not None and gateway.away_reason is not None and not sent:
        return N_("the gateway to come back: {reason}").format(reason=gateway.away_reason)
    return _in_its_state(connection, campaign)


def _in_its_state(connection: Connection, campaign: Record) -> str | None:
    if campaign.state == CampaignState.FUNDING:
        return None if campaign.reason is None else str(campaign.reason)
    if campaign.state == CampaignState.AWAITING_CREDITS:
        return str(campaign.reason) + _kept_back(connection, campaign.account)
    if campaign.state == CampaignState.SENDING and campaign.windowed:
        return its_window(next_ones(connection, [campaign]).get(campaign.id))
    return None


def its_time(scheduled_at: datetime) -> str:
    """What a campaign waits for that is to begin later."""
    return N_("its time, {time:%Y-%m-%d %H:%M} UTC").format(time=scheduled_at)


def its_window(its: Next | None) -> str | None:
    """What a campaign waits for whose window is closed."""
    if its is None or its.is_open or not its.place:
        return None
    if its.opening is None:
        return N_(
            "its window, which never opens: at no time is it open in all time zones of {country}; cancel it, and submit"
            " it for them with a wider one"
        ).format(country=its.place)
    if its.hours.by_country:
        when = N_("its window, which opens {when}, for numbers of {country}")
        return when.format(when=its.when, country=its.place)
    return N_("its window, which opens {when}").format(when=its.when)


def a_worker_with(account: str) -> str:
    """What a campaign waits for whose account no worker has."""
    return N_("a worker whose settings have the account {account!r}: those at work have others").format(account=account)


def _kept_back(connection: Connection, account: str) -> str:
    """What doubts keep from whoever waits for credits: they may have been taken, or never will be."""
    a = attempts.c
    at_stake = select(func.sum(a.estimated)).where(a.account == account, is_in_doubt())
    kept = connection.execute(at_stake).scalar()
    if not kept:
        return ""
    return "; " + N_("{credits} are kept back for requests in doubt (`campaigns doubts`)").format(credits=plain(kept))
