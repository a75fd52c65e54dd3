"""What states are called where a person reads them."""

import pytest

from campaigns.called import NAMES, called
from campaigns.states import AttemptState, BatchState, CampaignState, Exclusion, MessageStatus, PollState

STATES = (*CampaignState, *BatchState, *AttemptState, *Exclusion, *PollState)
STATUSES = [its.name.lower() for its in MessageStatus if its >= MessageStatus.REFUSED]


def test_every_state_has_a_name() -> None:
    assert {*STATES, *STATUSES} - set(NAMES) == set()


@pytest.mark.parametrize("state", sorted(NAMES))
def test_in_english_that_is_its_own_with_blanks(state: str) -> None:
    assert called(state) == state.replace("_", " ")


def test_what_nobody_named_is_shown_all_the_same() -> None:
    assert called("some_new_state") == "some new state"
