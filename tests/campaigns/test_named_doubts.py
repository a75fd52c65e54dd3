"""A person who knows the gateway's id of a sending gives it with the decision: then its reports are known."""

import pytest

from campaigns import reports, settling, unapplied
from campaigns.database import Database
from campaigns.resolving import UndecidableError, resolve
from campaigns.states import AttemptState, CampaignState, MessageStatus
from tests.campaigns import making
from tests.campaigns.doubtful import WHY, in_doubt
from tests.campaigns.making import ACCOUNT


@pytest.mark.parametrize("closed", [False, True], ids=["still waiting", "closed long ago"])
def test_its_reports_are_known_by_the_id_also_those_that_were_nobody_s(any_database: Database, *, closed: bool) -> None:
    found = in_doubt(any_database, 1)
    making.clock_goes_on(any_database, 1)
    its = making.report(found, (0, MessageStatus.DELIVERED), msgfid="f9")
    making.reported(any_database, its)
    if closed:
        assert unapplied.parked(any_database, ACCOUNT, no_older_than=-60) == []

    resolve(found.attempt_id, "accepted", msgfid="f9", database=any_database, **WHY)

    (waiting,) = unapplied.due(any_database, ACCOUNT)
    reports.apply(any_database, waiting.id, its)
    making.advance(any_database)
    attempt, account = making.attempt(any_database, found), making.account(any_database, found.campaign_id)
    assert (attempt.state, attempt.msgfid) == (AttemptState.ACCEPTED, "f9")
    assert (account.state, account.by_status) == (CampaignState.COMPLETED, {"delivered": 1})


def test_reports_that_are_known_by_the_id_are_not_closed_before_they_are_applied_however_old(
    any_database: Database,
) -> None:
    found = in_doubt(any_database, 1)
    making.clock_goes_on(any_database, 1)
    making.reported(any_database, making.report(found, (0, MessageStatus.DELIVERED), msgfid="f9"))
    resolve(found.attempt_id, "accepted", msgfid="f9", database=any_database, **WHY)

    unapplied.parked(any_database, ACCOUNT, no_older_than=-60)  # by a poller that had just applied what was known

    assert len(unapplied.due(any_database, ACCOUNT)) == 1


def test_the_reply_is_believed_where_the_id_was_taken_from_the_wrong_line(any_database: Database) -> None:
    found = in_doubt(any_database, 1)
    making.clock_goes_on(any_database, 1)
    its = making.report(found, (0, MessageStatus.DELIVERED), msgfid="f9")
    making.reported(any_database, its)
    resolve(found.attempt_id, "accepted", msgfid="f8", database=any_database, **WHY)
    assert unapplied.parked(any_database, ACCOUNT, no_older_than=3_600) == []

    settling.accept(any_database, found, making.acceptance(found, "f9"))

    (waiting,) = unapplied.due(any_database, ACCOUNT)
    reports.apply(any_database, waiting.id, its)
    attempt = making.attempt(any_database, found)
    assert (attempt.state, attempt.msgfid, attempt.receipt is None) == (AttemptState.ACCEPTED, "f9", False)
    assert making.statuses(any_database, found.campaign_id) == [MessageStatus.DELIVERED]


def test_a_person_who_gave_an_id_and_is_contradicted_by_the_reply_can_read_so(any_database: Database) -> None:
    found = in_doubt(any_database, 1)
    resolve(found.attempt_id, "accepted", msgfid="f8", database=any_database, **WHY)

    settling.refuse(any_database, found, -9, "no one")

    assert "its worker came back and says otherwise: no one" in making.attempt(any_database, found).detail


def test_an_id_is_kept_without_the_blanks_around_it_and_of_blanks_alone_decides_nothing(any_database: Database) -> None:
    found = in_doubt(any_database, 1)
    with pytest.raises(UndecidableError, match="is empty"):
        resolve(found.attempt_id, "accepted", msgfid=" ", database=any_database, **WHY)

    resolve(found.attempt_id, "accepted", msgfid=" f9\n", database=any_database, **WHY)

    assert making.attempt(any_database, found).msgfid == "f9"


def test_an_id_that_another_sending_has_decides_nothing(any_database: Database) -> None:
    making.accepted(any_database, making.funded(any_database, making.numbers(1)), "f1")
    found = in_doubt(any_database, 1)

    with pytest.raises(UndecidableError, match="the id is that of attempt"):
        resolve(found.attempt_id, "accepted", msgfid="f1", database=any_database, **WHY)

    assert making.attempt(any_database, found).state == AttemptState.IN_DOUBT


def test_an_id_other_than_its_broken_reply_showed_decides_nothing(any_database: Database) -> None:
    found = in_doubt(any_database, 1, msgfid="f1")

    with pytest.raises(UndecidableError, match="showed another id"):
        resolve(found.attempt_id, "accepted", msgfid="f2", database=any_database, **WHY)

    assert making.attempt(any_database, found).state == AttemptState.IN_DOUBT
    resolve(found.attempt_id, "accepted", msgfid="f1", database=any_database, **WHY)


@pytest.mark.parametrize("decision", ["resend", "write_off"])
def test_an_id_goes_with_nothing_but_accepted(any_database: Database, decision: str) -> None:
    found = in_doubt(any_database, 1)

    with pytest.raises(UndecidableError, match="decide `accepted`"):
        resolve(found.attempt_id, decision, msgfid="f9", database=any_database, **WHY)
