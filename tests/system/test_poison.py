"""What fails however often it is tried costs itself, and nobody else."""

import os

import pytest

from campaigns.states import CampaignState
from tests.system.conftest import Build
from tests.system.installation import Installation, people, whom

pytestmark = pytest.mark.system

UNREADABLE = "0709999901"
"""The sandbox refuses with -1 whatever has this number in it."""


def test_a_row_that_the_gateway_cannot_read_is_the_only_one_that_is_refused(shared: Installation) -> None:
    gateway = shared.gateways["unreadable"]
    some = people(500)
    some[123]["tel"] = UNREADABLE
    made = shared.submit("unreadable", some, batch_size=500)
    account = shared.ended(made)
    assert (account.state, account.by_status) == (CampaignState.COMPLETED, {"delivered": 499, "refused": 1})
    assert "refused by the gateway: -1: XML invalide" in str(account.reason)
    sent = gateway.sent()
    assert sent.total() == len(whom(shared, made) & set(sent)) == 499
    shared.settled("unreadable", made)


DEADLY = """
import os
from worker import celery, tasks
from campaigns import expansion

app, really = celery.app, expansion.expand_slice
tasks.HARMLESS_TWICE = 2.0

def expand_slice(database, campaign_id, *others):
    with open(os.environ["DEADLY"]) as named:
        if str(campaign_id) == named.read():
            os.kill(os.getpid(), 9)
    return really(database, campaign_id, *others)

expansion.expand_slice = expand_slice
"""
"""A worker's app whose expansion of one campaign kills its process."""


def test_a_campaign_whose_expansion_kills_its_process_is_paused_and_all_others_go_on(build: Build) -> None:
    site = build(delays=(0.0, 0.1))
    deadly = site.folder / "deadly"
    (site.folder / "deadly_worker.py").write_text(DEADLY)
    deadly.write_text("1")  # the first campaign
    site.settings = {"DEADLY": str(deadly), "PYTHONPATH": f"{site.folder}:{os.environ.get('PYTHONPATH', '')}"}
    bad = site.submit("main", people(30), batch_size=20)
    good = [site.submit("main", people(30), batch_size=20) for _ in range(3)]
    assert bad == 1
    site.app = "deadly_worker"
    site.start_worker()
    site.start_beat()

    for each in good:
        assert site.ended(each).state == CampaignState.COMPLETED
    account = site.seen(bad, lambda account: account.paused_at is not None)

    assert account.waits_for == (
        "a person to resume it: its audience could not be expanded, three times: its process died; resume tries again"
    )
    deadly.write_text("")
    site.resume(bad)
    assert site.ended(bad).state == CampaignState.COMPLETED
    site.settled("main", bad, *good)
