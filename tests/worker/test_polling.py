"""Reports are asked for by all and by id, and every body is kept that may hold one."""

import pytest

import campaigns
from campaigns import readings, turns
from campaigns.database import Database
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.worker.reporting import NOTHING, Gateway, body_of, polls, resources_with
from worker import polling, tracking
from worker.resources import UnknownAccountError
from worker.smseco.errors import NeedsPerson, Unreachable

HANGS = Unreachable("no answer in time")
REFUSED_CONNECTION = Unreachable("connection refused", begun=False)


@pytest.fixture
def database(sqlite: Database) -> Database:
    return sqlite


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
    reading = polling.take_in(resources, making.ACCOUNT)

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


def silent_sendings(database: Database, count: int) -> list[str]:
    """The ids of so many sendings that nobody reported on."""
    campaign = making.funded(database, making.numbers(count), batch_size=1)
    made = [f"f{claim.attempt_id}" for claim in making.all_accepted(database, campaign)]
    making.clock_goes_on(database, 901)
    return made


@pytest.mark.parametrize("error", [HANGS, REFUSED_CONNECTION, NeedsPerson(-4, "Echec")], ids=lambda one: str(one))
def test_a_reading_that_fails_is_the_last_of_its_slice(database: Database, error: Exception) -> None:
    silent_sendings(database, 3)
    gateway = Gateway(all=error)

    tracking.poll_slice(resources_with(database, gateway), making.ACCOUNT)

    assert gateway.asked == [None]


def test_whoever_is_silent_is_asked_for_though_the_answer_for_all_cannot_be_read(database: Database) -> None:
    """A program that cannot hand all of them out at once may still hand out those of one sending."""
    made = silent_sendings(database, 2)
    gateway = Gateway(all=b"<html>Allowed memory size exhausted</html>")

    tracking.poll_slice(resources_with(database, gateway), making.ACCOUNT)

    assert gateway.asked == [None, *made]


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
    monkeypatch.setattr(polling, "ASKING_SECONDS", 0.0)
    gateway = Gateway()

    tracking.poll_slice(resources_with(database, gateway), making.ACCOUNT)

    assert gateway.asked == [None]


def test_a_gateway_whose_reports_can_be_had_is_no_longer_away(database: Database) -> None:
    campaign = making.funded(database, making.numbers(1))
    tracking.poll_slice(resources_with(database, Gateway(all=REFUSED_CONNECTION)), making.ACCOUNT)
    making.stays_away(database)
    while_away = turns.candidates(database, making.ACCOUNT, 1)

    tracking.poll_slice(resources_with(database, Gateway()), making.ACCOUNT)

    assert while_away == []
    assert turns.candidates(database, making.ACCOUNT, 1) == [campaign]


def test_a_gateway_that_leaves_sends_in_doubt_is_not_well_because_it_hands_out_reports(database: Database) -> None:
    making.funded(database, making.numbers(1))
    making.away(database, making.ACCOUNT, "HTTP 503", doubtful=True)

    tracking.poll_slice(resources_with(database, Gateway()), making.ACCOUNT)

    assert turns.candidates(database, making.ACCOUNT, 1) == []


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
        polling.take_in(resources, "other")

    assert polls(database) == []
