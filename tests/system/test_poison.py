"""What fails however often it is tried costs itself, and nobody else."""

import pytest

from campaigns.states import CampaignState
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
