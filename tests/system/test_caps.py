"""Campaigns for the same people, sent by several workers at once: nobody gets more messages a day than the cap."""

import pytest

from campaigns.states import CampaignState
from tests.campaigns import making
from tests.system.conftest import Build
from tests.system.installation import people, whom

pytestmark = pytest.mark.system

SIZE = 400
BATCH = 20


def test_two_workers_with_two_campaigns_text_each_person_once_and_who_must_be_texted_is(build: Build) -> None:
    site = build(settings={"ACCOUNTS__MAIN__DAILY_CAP": "1", "ACCOUNTS__MAIN__DAILY_CAP_TIMEZONE": making.noon().key})
    everybody = people(SIZE)
    both = [site.submit("main", some, batch_size=BATCH) for some in (everybody, everybody[::-1])]
    for name in ("one", "two"):
        site.start_worker(name)
    site.start_beat()

    ended = [site.ended(made) for made in both]

    assert {account.state for account in ended} == {CampaignState.COMPLETED}
    assert [account.messages + account.excluded.get("capped", 0) for account in ended] == [SIZE, SIZE]
    assert sum(account.messages for account in ended) == SIZE
    assert not whom(site, both[0]) & whom(site, both[1])
    site.settled("main", *both)

    third = site.ended(site.submit("main", everybody))
    assert third.reason == f"nothing to send: every recipient is excluded ({SIZE} capped)"
    code = site.ended(site.submit("main", everybody[:3], uncapped=True))
    assert (code.messages, code.excluded) == (3, {})
