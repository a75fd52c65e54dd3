from datetime import UTC, datetime, timedelta

import pytest

from worker.sandbox.clock import Clock
from worker.sandbox.codes import Refused
from worker.sandbox.datesend import begins


@pytest.mark.parametrize("datesend", ["", "2015-06-21 16:49"], ids=["empty", "past, as in the document"])
def test_a_send_without_a_date_or_with_a_past_one_begins_now(hands, datesend):
    clock = Clock(hands)
    hands.seconds += 3
    assert begins(datesend, clock=clock) == 300


def test_a_send_with_a_future_date_begins_then(hands):
    clock = Clock(hands)
    moment = datetime.now(UTC) + timedelta(hours=2)
    seconds = begins(moment.strftime("%Y-%m-%d %H:%M"), clock=clock) / 100
    assert 2 * 3600 - 61 < seconds <= 2 * 3600


@pytest.mark.parametrize(
    "datesend", ["demain", "2015-06-21", "21/06/2015 16:49", "2015-13-21 16:49", "2015-06-21 16:49:00", "2015-6-1 1:2"]
)
def test_another_spelling_is_refused(hands, datesend):
    with pytest.raises(Refused) as refused:
        begins(datesend, clock=Clock(hands))
    assert refused.value.code == -13
