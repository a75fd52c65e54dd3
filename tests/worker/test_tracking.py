"""Messages are brought up to what their reports say, whenever these came; one bad body does not stop the others."""

import pytest

from campaigns import heartbeats, journal, reports, settling, unapplied
from campaigns.claims import Claim
from campaigns.database import Database, DatabaseAway
from campaigns.models import attempts, report_polls
from campaigns.reports import Applied, Reports
from campaigns.states import UNBILLED, MessageStatus
from tests.campaigns import making
from tests.worker.reporting import NOTHING, Gateway, body_of, polls, resources_with
from worker import keeping, sweeping, tracking
from worker.smseco.codes import REPORT_CODES
from worker.smseco.errors import Unreachable
from worker.tracking import STATUSES


def test_every_documented_report_code_has_a_status_of_its_own() -> None:
    assert STATUSES.keys() == REPORT_CODES.keys()
    assert len(set(STATUSES.values())) == len(STATUSES)


def test_what_is_final_at_the_gateway_is_final_here() -> None:
    final = {code for code, status in STATUSES.items() if status.rank > MessageStatus.IN_FLIGHT_OTHER.rank}
    assert final == {code for code, known in REPORT_CODES.items() if known.final}


def test_what_ends_unbilled_at_the_gateway_gives_its_credits_back_here() -> None:
    unbilled = {code for code, status in STATUSES.items() if status in UNBILLED}
    assert unbilled == {code for code, known in REPORT_CODES.items() if known.final and not known.billed}


@pytest.fixture
def database(sqlite: Database) -> Database:
    return sqlite


def test_a_body_that_breaks_keeps_no_other_from_its_turn_and_is_tried_three_times(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = making.accepted(database, making.funded(database, making.numbers(1)), "ours")
    really, tried = reports.apply, []

    def breaks(database: Database, poll_id: int, body: Reports) -> Applied:
        tried.append(poll_id)
        if "bad" in body.msgfids:
            raise ValueError("2250700000000")
        return really(database, poll_id, body)

    monkeypatch.setattr(reports, "apply", breaks)
    for body in (body_of("bad", [1]), body_of("ours", making.numbers(1))):
        journal.store(database, making.ACCOUNT, journal.note(database, making.ACCOUNT), body)
    tracking.catch_up(resources_with(database, Gateway()), making.ACCOUNT)
    at_first = polls(database)
    for _ in range(2):  # each with two tries
        tracking.poll_slice(resources_with(database, Gateway()), making.ACCOUNT)

    assert making.statuses(database, found.campaign_id) == [MessageStatus.DELIVERED]
    assert at_first == [("stored", None), ("applied", 1)]
    assert len([poll for poll in tried if poll == tried[0]]) == 3
    said = f"the body of poll {tried[0]} cannot be applied, stays in the journal, and is"
    assert [record.getMessage() for record in caplog.records] == [
        f"{said} tried again: ValueError",
        f"{said} tried again: ValueError",
        f"{said} not tried again: ValueError",
    ]
    assert polls(database) == [("broken", None), ("applied", 1)]


def test_a_body_that_broke_can_be_tried_anew_once_whatever_broke_it_is_mended(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = making.accepted(database, making.funded(database, making.numbers(1)), "ours")
    poll = journal.note(database, making.ACCOUNT)
    journal.store(database, making.ACCOUNT, poll, body_of("ours", making.numbers(1)))
    with monkeypatch.context() as broken:
        broken.setattr(tracking, "parse_reports", lambda _body: 1 // 0)
        for _ in range(unapplied.TRIES):
            tracking.catch_up(resources_with(database, Gateway()), making.ACCOUNT)
    kept = polls(database)

    assert unapplied.retry(database, poll)
    tracking.catch_up(resources_with(database, Gateway()), making.ACCOUNT)

    assert (kept, polls(database)) == ([("broken", None)], [("applied", 1)])
    assert making.statuses(database, found.campaign_id) == [MessageStatus.DELIVERED]


def test_a_database_that_is_away_is_no_fault_of_a_body(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> Applied:
        raise DatabaseAway(database.url, OSError("gone"))

    making.stored(database)
    with monkeypatch.context() as broken:
        broken.setattr(reports, "apply", away)
        for _ in range(unapplied.TRIES + 1):
            with pytest.raises(DatabaseAway):
                tracking.poll_slice(resources_with(database, Gateway()), making.ACCOUNT)
    tracking.poll_slice(resources_with(database, Gateway()), making.ACCOUNT)

    assert polls(database) == [("applied", 0)]


@pytest.mark.parametrize(
    ("answer", "arrives"),
    [
        pytest.param(NOTHING, True, id="none"),
        pytest.param(Unreachable("connection refused", begun=False), False, id="nobody is there"),
        pytest.param(b"<html><body>Maintenance</body></html>", False, id="a page"),
        pytest.param(b"", False, id="nothing at all"),
    ],
)
def test_that_reports_were_read_and_arrived_whole_is_written_down(
    database: Database, answer: bytes | Exception, *, arrives: bool
) -> None:
    tracking.poll_slice(resources_with(database, Gateway(all=answer)), making.ACCOUNT)
    assert (tracking.heartbeat(making.ACCOUNT) in heartbeats.ages(database)) is arrives


def test_an_unknown_code_is_logged_once(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        tracking.poll_slice(resources_with(database, Gateway(all=body_of("x", [1], code=7_777))), making.ACCOUNT)

    assert caplog.text.count("7777") == 1


def test_the_answers_of_a_lookup_that_is_adopted_clean_its_batch_at_once(database: Database) -> None:
    campaign = making.funded(database, making.numbers(3), lookup=True)
    settling.doubt(database, making.claimed(database, campaign), "timed out")
    making.clock_goes_on(database, 1, attempts.c.started_at)

    tracking.poll_slice(resources_with(database, Gateway(all=body_of("f9", making.numbers(3)))), making.ACCOUNT)

    assert making.batch_states(database, campaign) == ["pending"]
    assert making.state(database, campaign) == "sending"


@pytest.fixture
def kept_in_a_file(database: Database, monkeypatch: pytest.MonkeyPatch) -> Claim:
    """A batch whose reports came just when the database went away; it is back."""
    found = making.accepted(database, making.funded(database, making.numbers(2)), "ours")

    def away(*_args: object, **_options: object) -> int:
        raise DatabaseAway(database.url, OSError("gone"))

    gateway = Gateway(all=body_of("ours", making.numbers(2)))
    with monkeypatch.context() as outage:
        outage.setattr(keeping, "PATIENCE_SECONDS", 0.0)
        outage.setattr(journal, "store", away)
        with pytest.raises(DatabaseAway):
            tracking.poll_slice(resources_with(database, gateway), making.ACCOUNT)
    return found


def test_what_came_while_the_database_was_away_is_applied_by_whoever_polls_next_even_if_it_was_called_lost(
    database: Database, kept_in_a_file: Claim
) -> None:
    making.clock_goes_on(database, unapplied.ASKED_SECONDS + 1, report_polls.c.asked_at)
    unapplied.parked(database, making.ACCOUNT, no_older_than=3_600)
    while_away = polls(database)

    tracking.poll_slice(resources_with(database, Gateway()), making.ACCOUNT)

    assert while_away == [("lost", None)]
    assert polls(database) == [("applied", 2)]
    assert making.statuses(database, kept_in_a_file.campaign_id) == [MessageStatus.DELIVERED] * 2


def test_nobody_is_asked_for_reports_while_what_had_come_cannot_be_stored(
    database: Database, kept_in_a_file: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    del kept_in_a_file

    def away(*_args: object, **_options: object) -> int:
        raise DatabaseAway(database.url, OSError("gone"))

    monkeypatch.setattr(journal, "store", away)
    gateway = Gateway()
    with pytest.raises(DatabaseAway):
        tracking.poll_slice(resources_with(database, gateway), making.ACCOUNT)

    assert gateway.asked == []


def test_the_sweep_stores_what_waits_in_files_and_has_it_applied(database: Database, kept_in_a_file: Claim) -> None:
    del kept_in_a_file
    assert tracking.recover is sweeping.LOOKS["bodies taken out of the spool"]

    assert tracking.recover(resources_with(database, Gateway())) == 1

    assert polls(database) == [("stored", None)]
    assert unapplied.any_stored(database, making.ACCOUNT)
