"""Where one reading of the reports brings many, the next follows at once, while the one before is applied."""

import threading
from collections.abc import Iterator

import pytest

from campaigns import reports
from campaigns.claims import Claim
from campaigns.database import Database, DatabaseAway
from campaigns.models import attempts
from campaigns.reports import Applied
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.worker.reporting import NOTHING, Gateway, body_of, polls, resources_with
from worker import tracking
from worker.smseco.errors import Unreachable


class InTurn(Gateway):
    """Hands out one body after the other, and then nothing more."""

    def __init__(self, *bodies: bytes | Exception) -> None:
        super().__init__()
        self.waiting: Iterator[bytes | Exception] = iter(bodies)

    def fetch_reports(self, msgfid: str | None = None, smsfid: str | None = None) -> bytes:
        self.bodies = {"all": next(self.waiting, NOTHING)}
        return super().fetch_reports(msgfid, smsfid)


@pytest.fixture(autouse=True)
def two_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "FULL", 2)
    monkeypatch.setattr(tracking, "TURN_SECONDS", 60.0)  # a busy machine ends no turn here


@pytest.fixture
def sent(any_database: Database) -> Claim:
    """A batch of five, accepted."""
    return making.accepted(any_database, making.funded(any_database, making.numbers(5)), "ours")


def test_all_that_waits_is_read_in_one_turn(any_database: Database, sent: Claim) -> None:
    numbers = making.numbers(5)
    gateway = InTurn(body_of("ours", numbers[:2]), body_of("ours", numbers[2:4]), body_of("ours", numbers[4:]))

    turn = tracking.poll_slice(resources_with(any_database, gateway), making.ACCOUNT)

    assert making.statuses(any_database, sent.campaign_id) == [MessageStatus.DELIVERED] * 5
    assert polls(any_database) == [("applied", 2), ("applied", 2), ("applied", 1)]
    assert turn.did == "5 reports, 5 messages changed"
    assert len(gateway.asked) == 3  # after one report there are not many more


def test_a_reading_that_fails_ends_the_turn_and_takes_nothing_of_what_came_before(
    any_database: Database, sent: Claim
) -> None:
    gateway = InTurn(body_of("ours", making.numbers(2)), Unreachable("cut short", begun=True))

    turn = tracking.poll_slice(resources_with(any_database, gateway), making.ACCOUNT)

    assert making.statuses(any_database, sent.campaign_id).count(MessageStatus.DELIVERED) == 2
    assert polls(any_database) == [("applied", 2), ("lost", None)]
    assert len(gateway.asked) == 2
    assert turn.after == tracking.BREATH_SECONDS  # and it is not asked again at once


def test_what_came_of_a_reading_that_was_cut_short_is_applied_and_counted(any_database: Database, sent: Claim) -> None:
    numbers = making.numbers(5)
    cut = Unreachable("cut short", begun=True, partial=body_of("ours", numbers[2:]))
    gateway = InTurn(body_of("ours", numbers[:2]), cut)

    turn = tracking.poll_slice(resources_with(any_database, gateway), making.ACCOUNT)

    assert turn.did == "no answer: cut short; 5 reports, 5 messages changed"
    assert making.statuses(any_database, sent.campaign_id) == [MessageStatus.DELIVERED] * 5


def test_all_of_a_turn_is_asked_with_one_client(any_database: Database, sent: Claim) -> None:
    """A client has a connection of its own: one for each thread would be a handshake for each turn."""
    made = []

    def client(_account: str) -> Gateway:
        made.append(threading.current_thread())
        return gateway

    numbers = making.numbers(5)
    gateway = InTurn(body_of("ours", numbers[:2]), body_of("ours", numbers[2:4]), body_of("ours", numbers[4:]))
    resources = resources_with(any_database, gateway)
    resources.gateway = client
    tracking.poll_slice(resources, making.ACCOUNT)

    assert len(gateway.asked) == 3
    assert set(made) == {threading.current_thread()}


def test_what_was_read_ahead_is_kept_where_the_body_before_it_cannot_be_applied(
    any_database: Database, sent: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> Applied:
        raise DatabaseAway(any_database.url, OSError("gone"))

    numbers = making.numbers(5)
    gateway = InTurn(body_of("ours", numbers[:3]), body_of("ours", numbers[3:]))
    with monkeypatch.context() as broken:
        broken.setattr(reports, "apply", away)
        with pytest.raises(DatabaseAway):
            tracking.poll_slice(resources_with(any_database, gateway), making.ACCOUNT)
    kept = [state for state, _ in polls(any_database)]
    tracking.poll_slice(resources_with(any_database, gateway), making.ACCOUNT)

    assert kept == ["stored", "stored"]
    assert making.statuses(any_database, sent.campaign_id) == [MessageStatus.DELIVERED] * 5


def test_sendings_that_are_to_be_asked_for_by_name_are_not_read_with_all_others(
    any_database: Database, sent: Claim
) -> None:
    making.clock_goes_on(any_database, 60, attempts.c.settled_at)
    gateway = Gateway(ours=body_of("ours", making.numbers(5)))

    tracking.poll_slice(resources_with(any_database, gateway, poll_min_age=30), making.ACCOUNT)

    assert gateway.asked == ["ours"]
    assert making.statuses(any_database, sent.campaign_id) == [MessageStatus.DELIVERED] * 5
