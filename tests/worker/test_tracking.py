"""Reports are asked for, kept, and made something of; one bad body or account does not stop the others."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

import campaigns
from campaigns import accounts, batches, journal, readings, reports, turns, unapplied
from campaigns.claims import Claim
from campaigns.database import Database, DatabaseAway
from campaigns.models import attempts, report_polls
from campaigns.prices import Prices
from campaigns.reports import Applied, Reports
from campaigns.states import UNBILLED, MessageStatus
from tests.campaigns import making
from worker import keeping, sweeping, tracking
from worker.resources import UnknownAccountError
from worker.smseco.codes import REPORT_CODES
from worker.smseco.errors import NeedsPerson, Unreachable
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
def database(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.close()


class Gateway:
    """Hands out what it was given, under the id that was asked for, once; an error is raised."""

    def __init__(self, **bodies: bytes | Exception) -> None:
        self.bodies = bodies
        self.asked: list[str | None] = []

    def fetch_reports(self, msgfid: str | None = None, smsfid: str | None = None) -> bytes:
        self.asked.append(msgfid)
        body = self.bodies.pop(msgfid or "all", NOTHING)
        if isinstance(body, Exception):
            raise body
        return body


NOTHING = b"<REPONSE><statut>-15</statut><texte>x</texte></REPONSE>"


def resources_with(database: Database, gateway: Gateway, **options: Any) -> Any:
    settings = SimpleNamespace(
        **{
            "poll_min_age": 0,
            "spool_dir": Path(str(database.url.database)).parent / "spool",
            "silent_after": 900,
            "report_deadline": 3_600.0,
            "prices": Prices({"": Decimal(1)}),
            "lanes": 1,
            "accounts": {making.ACCOUNT: SimpleNamespace(exclusive=False)},
            **options,
        }
    )
    ring = lambda *_: None  # noqa: E731
    return SimpleNamespace(database=database, settings=settings, gateway=lambda _account: gateway, ring=ring)


def body_of(msgfid: str, numbers: Iterable[int], *, code: int = 56) -> bytes:
    reports_ = "".join(
        f"<dlr><smsfid>s{number}</smsfid><destination>{number}</destination><date>2026-01-01 00:00:00</date>"
        f"<statut>{code}</statut><libelle>x</libelle><texte>x</texte></dlr>"
        for number in numbers
    )
    messages = f"<message><msgfid>{msgfid}</msgfid><dlrs>{reports_}</dlrs></message>"
    return f"<REPONSE><statut>0</statut><texte>ok</texte><messages>{messages}</messages></REPONSE>".encode()


def in_doubt(database: Database, count: int) -> Claim:
    found = making.claimed(database, making.funded(database, making.numbers(count)))
    batches.doubt(database, found, "timed out")
    making.clock_goes_on(database, 1, attempts.c.started_at)
    return found


def polls(database: Database) -> list[tuple[Any, ...]]:
    with database.reading() as connection:
        found = select(report_polls.c.state, report_polls.c.reports).order_by(report_polls.c.id)
        return [tuple(poll) for poll in connection.execute(found)]


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        pytest.param(NOTHING, [], id="no status available"),
        pytest.param(b"<REPONSE><statut>0</statut><messages/></REPONSE>", [], id="no messages"),
        pytest.param(b"<html><body>502</body></html>", [("applied", 0)], id="an HTML page"),
        pytest.param(b"<REPONSE><statut>0</statut><mess", [("applied", 0)], id="cut short before the first report"),
        pytest.param(b'{"statut":-15,"messages":[]}', [], id="no status available, in JSON"),
        pytest.param(b'{"statut":0,"messages":[{"msgf', [("applied", 0)], id="JSON cut short before the first report"),
        pytest.param(
            b"<REPONSE><statut>0</statut><messages><message><msgfid>m</msgfid><dlrs/></message></messages></REPONSE>",
            [],
            id="a sending without reports",
        ),
        pytest.param(
            b"<REPONSE><statut>0</statut><messages><report><smsfid>s</smsfid><etat>56</etat></report></messages>"
            b"</REPONSE>",
            [("applied", 0)],
            id="a report that is called otherwise",
        ),
        pytest.param(
            b'{"statut":-4,"messages":[{"destination" : 22507,"etat":56}]}',
            [("applied", 0)],
            id="a refusal that names an SMS",
        ),
        pytest.param(
            b'{"messages":[{"msgfid":"m","dlrs":[{"smsfid":"s","destination":1,"statur":56}]}]}',
            [("applied", 1)],
            id="a report in JSON",
        ),
    ],
)
def test_a_body_is_forgotten_only_if_it_certainly_holds_no_report(
    database: Database, body: bytes, kept: list[tuple[str, int]]
) -> None:
    tracking.poll_slice(resources_with(database, Gateway(all=body)), making.ACCOUNT)
    assert polls(database) == kept


def test_a_refusal_ends_the_asking_and_is_given_to_whoever_asked_by_hand(database: Database) -> None:
    making.accepted(database, making.funded(database, making.numbers(2)), "ours")
    making.clock_goes_on(database, 901)
    no = b"<REPONSE><statut>-12</statut><texte>x</texte></REPONSE>"
    gateway = Gateway(all=no)
    resources = resources_with(database, gateway)

    tracking.poll_slice(resources, making.ACCOUNT)
    assert gateway.asked == [None]  # and not for the silent one
    gateway.bodies["all"] = no
    reading = tracking.take_in(resources, making.ACCOUNT)

    assert (type(reading.error), reading.poll_id) == (NeedsPerson, None)
    assert polls(database) == []


def test_with_a_least_age_sendings_are_asked_for_by_their_ids_alone_and_answers_count_at_once(
    database: Database,
) -> None:
    found = making.accepted(database, making.funded(database, making.numbers(2)), "ours")
    gateway = Gateway(all=body_of("other", [1]), ours=body_of("ours", making.numbers(2)))
    resources = resources_with(database, gateway, poll_min_age=60)

    tracking.poll_slice(resources, making.ACCOUNT)
    assert gateway.asked == []
    making.clock_goes_on(database, 61)
    tracking.poll_slice(resources, making.ACCOUNT)

    assert gateway.asked == ["ours"]
    assert making.statuses(database, found.campaign_id) == [MessageStatus.DELIVERED] * 2


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


def test_an_account_whose_reports_are_refused_says_so_until_they_are_not(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    campaign = making.funded(database, making.numbers(1))
    refusal = b"<REPONSE><accountid/><statut>-4</statut><texte>Echec</texte></REPONSE>"

    def waits_for() -> str | None:
        return campaigns.progress(campaign, database=database).waits_for

    tracking.poll_slice(resources_with(database, Gateway(all=refusal)), making.ACCOUNT)
    refused = waits_for()
    claimable = turns.candidates(database, making.ACCOUNT, 1)
    tracking.poll_slice(resources_with(database, Gateway()), making.ACCOUNT)

    assert refused is not None
    assert "refuses to hand out delivery reports" in refused
    assert claimable == [campaign]
    assert "refused to hand out reports" in caplog.text
    assert waits_for() is None


def test_an_unknown_code_is_logged_once(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        tracking.poll_slice(resources_with(database, Gateway(all=body_of("x", [1], code=7_777))), making.ACCOUNT)

    assert caplog.text.count("7777") == 1


def test_the_answers_of_a_lookup_that_is_adopted_clean_its_batch_at_once(database: Database) -> None:
    campaign = making.funded(database, making.numbers(3), lookup=True)
    batches.doubt(database, making.claimed(database, campaign), "timed out")
    making.clock_goes_on(database, 1, attempts.c.started_at)

    tracking.poll_slice(resources_with(database, Gateway(all=body_of("f9", making.numbers(3)))), making.ACCOUNT)

    assert making.batch_states(database, campaign) == ["pending"]
    assert making.state(database, campaign) == "sending"


def silent_sendings(database: Database, count: int) -> list[str]:
    """The ids of so many sendings that nobody reported on."""
    campaign = making.funded(database, making.numbers(count), batch_size=1)
    made = [f"f{claim.attempt_id}" for claim in making.all_accepted(database, campaign)]
    making.clock_goes_on(database, 901)
    return made


HANGS = Unreachable("no answer in time")
REFUSED_CONNECTION = Unreachable("connection refused", begun=False)


@pytest.mark.parametrize("error", [HANGS, REFUSED_CONNECTION, NeedsPerson(-4, "Echec")], ids=lambda one: str(one))
def test_a_reading_that_fails_is_the_last_of_its_slice(database: Database, error: Exception) -> None:
    silent_sendings(database, 3)
    gateway = Gateway(all=error)

    tracking.poll_slice(resources_with(database, gateway), making.ACCOUNT)

    assert gateway.asked == [None]


def test_whoever_was_not_asked_for_after_a_failure_is_asked_for_next(database: Database) -> None:
    made = silent_sendings(database, 3)
    gateway = Gateway(**{made[0]: HANGS})

    tracking.poll_slice(resources_with(database, gateway), making.ACCOUNT)
    at_first = list(gateway.asked)
    tracking.poll_slice(resources_with(database, gateway), making.ACCOUNT)

    assert at_first == [None, made[0]]
    assert gateway.asked[2:] == [None, made[1], made[2]]


def test_a_slice_that_lasts_begins_no_further_request(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    silent_sendings(database, 3)
    monkeypatch.setattr(tracking, "ASKING_SECONDS", 0.0)
    gateway = Gateway()

    tracking.poll_slice(resources_with(database, gateway), making.ACCOUNT)

    assert gateway.asked == [None]


def test_a_gateway_whose_reports_can_be_had_is_no_longer_away(database: Database) -> None:
    campaign = making.funded(database, making.numbers(1))
    tracking.poll_slice(resources_with(database, Gateway(all=REFUSED_CONNECTION)), making.ACCOUNT)
    while_away = turns.candidates(database, making.ACCOUNT, 1)

    tracking.poll_slice(resources_with(database, Gateway()), making.ACCOUNT)

    assert while_away == []
    assert turns.candidates(database, making.ACCOUNT, 1) == [campaign]


def test_a_gateway_that_leaves_sends_in_doubt_is_not_well_because_it_hands_out_reports(database: Database) -> None:
    making.funded(database, making.numbers(1))
    accounts.away(database, making.ACCOUNT, "HTTP 503", doubtful=True)

    tracking.poll_slice(resources_with(database, Gateway()), making.ACCOUNT)

    assert turns.candidates(database, making.ACCOUNT, 1) == []


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


def test_an_answer_that_broke_off_is_kept_and_is_a_gap_all_the_same(database: Database) -> None:
    making.accepted(database, making.funded(database, making.numbers(2)), "ours")
    part = body_of("ours", making.numbers(2))[:-60]

    tracking.poll_slice(resources_with(database, Gateway(all=Unreachable("reset", partial=part))), making.ACCOUNT)

    [its] = readings.readings(database)
    assert (its.readings, its.lost, its.cut, its.latest_gaps[0].cut) == (1, 0, 1, True)


@pytest.mark.parametrize(
    ("error", "gaps"),
    [
        pytest.param(HANGS, 1, id="no answer to a request that left"),
        pytest.param(REFUSED_CONNECTION, 0, id="it never left"),
        pytest.param(NeedsPerson(-4, "Echec"), 0, id="a refusal"),
    ],
)
def test_a_gap_is_a_request_that_left_and_brought_nothing(database: Database, error: Exception, gaps: int) -> None:
    tracking.poll_slice(resources_with(database, Gateway(all=error)), making.ACCOUNT)
    assert sum(its.gaps for its in readings.readings(database)) == gaps


def test_an_account_that_this_worker_does_not_have_leaves_no_gap(database: Database) -> None:
    def unknown(_account: str) -> Gateway:
        raise UnknownAccountError("other", [making.ACCOUNT])

    resources = resources_with(database, Gateway())
    resources.gateway = unknown
    with pytest.raises(UnknownAccountError):
        tracking.take_in(resources, "other")

    assert polls(database) == []
