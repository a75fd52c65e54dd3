"""What parked reports prove of the doubts that stand; each body is read once for it."""

import pytest

from campaigns import journal, unapplied
from campaigns.database import Database
from campaigns.models import attempts, report_polls
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.worker.reporting import Gateway, body_of, in_doubt, polls, resources_with
from worker import tracking


@pytest.fixture
def database(sqlite: Database) -> Database:
    return sqlite


def test_a_sending_that_was_seen_before_the_attempt_began_is_never_adopted(database: Database) -> None:
    tracking.poll_slice(
        resources_with(database, Gateway(all=body_of("foreign", making.numbers(20), code=55))), "default"
    )
    found = in_doubt(database, 20)
    making.clock_goes_on(database, 60, report_polls.c.stored_at)

    tracking.poll_slice(resources_with(database, Gateway(all=body_of("foreign", making.numbers(20)))), making.ACCOUNT)

    assert making.batch_states(database, found.campaign_id) == ["in_doubt"]


def test_a_sending_that_was_seen_after_the_attempt_began_is_adopted_and_its_reports_count(database: Database) -> None:
    found = in_doubt(database, 20)

    tracking.poll_slice(resources_with(database, Gateway(all=body_of("f9", making.numbers(20)))), making.ACCOUNT)

    assert making.batch_states(database, found.campaign_id) == ["accepted"]
    assert making.statuses(database, found.campaign_id) == [MessageStatus.DELIVERED] * 20


def test_a_parked_body_is_read_once_while_a_doubt_stands_and_again_when_there_is_another(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    for module, name in ((journal, "body"), (unapplied, "begin")):
        really = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *named, really=really: read.append(named[1]) or really(*named))
    in_doubt(database, 20)
    resources = resources_with(database, Gateway(all=body_of("foreign", [1, 2, 3])))
    tracking.poll_slice(resources, making.ACCOUNT)
    at_first = len(read)

    tracking.poll_slice(resources, making.ACCOUNT)
    tracking.poll_slice(resources, making.ACCOUNT)
    later = len(read)
    in_doubt(database, 10)
    tracking.poll_slice(resources, making.ACCOUNT)

    assert (at_first, later, len(read)) == (2, 2, 3)  # once to apply it, once for each set of doubts


def test_the_whole_journal_is_read_once_for_reports_that_do_not_prove_a_doubt_yet(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, sought = journal.first_seen, []
    monkeypatch.setattr(journal, "first_seen", lambda *asked: sought.append(asked[2]) or really(*asked))
    found = in_doubt(database, 20)
    resources = resources_with(database, Gateway(all=body_of("f9", making.numbers(1))))

    for _ in range(3):
        tracking.poll_slice(resources, making.ACCOUNT)
    assert sought == [["f9"]]

    tracking.poll_slice(resources_with(database, Gateway(all=body_of("f9", making.numbers(20)))), making.ACCOUNT)
    assert making.batch_states(database, found.campaign_id) == ["accepted"]


def test_a_short_deadline_for_the_silent_does_not_take_a_doubt_s_evidence_for_other_programs(
    database: Database,
) -> None:
    found = in_doubt(database, 20)
    soon = {"report_deadline": 30.0}
    tracking.poll_slice(resources_with(database, Gateway(all=body_of("f9", making.numbers(1))), **soon), making.ACCOUNT)
    making.clock_goes_on(database, 31, report_polls.c.stored_at, report_polls.c.asked_at, attempts.c.started_at)
    tracking.poll_slice(resources_with(database, Gateway(), **soon), making.ACCOUNT)
    assert polls(database) == [("parked", 1)]

    rest = Gateway(all=body_of("f9", making.numbers(20)[1:]))
    tracking.poll_slice(resources_with(database, rest, **soon), making.ACCOUNT)

    assert making.batch_states(database, found.campaign_id) == ["accepted"]
    assert set(making.statuses(database, found.campaign_id)) == {MessageStatus.DELIVERED}


def test_a_sending_that_also_went_to_others_proves_nothing_whichever_body_says_so(database: Database) -> None:
    found = in_doubt(database, 20)
    bodies = [body_of("foreign", making.numbers(20)), body_of("foreign", [22501_99999999], code=55)]
    for first, second in (bodies, bodies[::-1]):
        for body in (second, first):
            journal.store(database, making.ACCOUNT, journal.note(database, making.ACCOUNT), body)
        tracking.poll_slice(resources_with(database, Gateway()), making.ACCOUNT)

    assert making.batch_states(database, found.campaign_id) == ["in_doubt"]


@pytest.mark.parametrize(
    ("msgfids", "state"),
    [
        pytest.param(["f9"], "accepted", id="one sending"),
        pytest.param(["f9", "other"], "in_doubt", id="and another: it was ignored what was asked for"),
    ],
)
def test_an_answer_by_our_id_proves_a_small_batch_if_it_names_nothing_else(
    database: Database, msgfids: list[str], state: str
) -> None:
    found = in_doubt(database, 1)
    answer, *others = [body_of(msgfid, making.numbers(1)) for msgfid in msgfids]
    for other in others:
        answer = answer.replace(b"</messages>", other.partition(b"<messages>")[2].partition(b"</REPONSE>")[0])

    tracking.poll_slice(resources_with(database, Gateway(**{found.msgid: answer})), making.ACCOUNT)

    assert making.batch_states(database, found.campaign_id) == [state]
