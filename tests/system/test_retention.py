"""What is old is purged by real workers and beats, while others are texted; and counts stay what they were."""

from typing import Any

import pytest

from campaigns.models import campaigns, report_polls
from campaigns.states import CampaignState
from tests.campaigns import making
from tests.campaigns.kept import everything, figures
from tests.system.conftest import Build
from tests.system.installation import Installation, people, select

pytestmark = pytest.mark.system

_IS_PURGED = "SELECT id FROM campaigns WHERE id = :id AND purged = 2 AND id NOT IN (SELECT campaign_id FROM purges)"
_BODIES = "SELECT id FROM report_polls WHERE body IS NOT NULL"


def test_old_campaigns_are_purged_while_others_are_sent(build: Build) -> None:
    days = {f"KEEP_{what}_DAYS": "1" for what in ("TEXT", "REPORTS", "NUMBERS")}
    site = build(settings=days)
    site.start_worker("worker-one")
    site.start_worker("worker-two")
    site.start_beat()
    some = people(3_000)
    old = site.submit("main", some[:2_000], template="Bonjour {{ nom }}", batch_size=50)
    site.ended(old)
    site.settled("main", old)
    before = counted(site, old)

    two_days_pass(site)
    new = site.submit("main", some[2_000:], template="Bonsoir {{ nom }}", batch_size=50)
    assert site.ended(new).state == CampaignState.COMPLETED
    site.until(lambda: select(site, _IS_PURGED, id=old), what="the old campaign is purged")

    assert counted(site, old) == before
    assert site.progress(new).messages == 1_000
    site.settled("main", old, new)

    two_days_pass(site)
    site.until(lambda: select(site, _IS_PURGED, id=new), what="the new one is, too")
    site.until(lambda: not select(site, _BODIES), what="no raw report is left")
    left = everything(site.database)
    assert not [one["tel"] for one in some if one["tel"].removeprefix("+") in left]
    assert "Bonjour" not in left
    assert "Bonsoir" not in left


def counted(site: Installation, campaign_id: int) -> Any:
    """But for when it ended, which the test changes."""
    account, *others = figures(site.database, campaign_id)
    return account.by_status, account.credits_posted, account.credits_refunded, account.batches, others


def two_days_pass(site: Installation) -> None:
    making.clock_goes_on(site.database, 2 * 86_400.0, campaigns.c.completed_at, report_polls.c.stored_at)
