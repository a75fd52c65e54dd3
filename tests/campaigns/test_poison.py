"""A campaign that cannot be expanded or sent from is paused with its reason, and no other; resuming tries again."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

import campaigns
from campaigns import bells, poison, tries
from campaigns.database import Database
from campaigns.models import bells as table
from campaigns.moments import later
from campaigns.states import CampaignState
from tests.campaigns import making

REASON = "its audience could not be expanded, three times: KeyError; resume tries again"


def to_expand(database: Database) -> int:
    """A campaign whose audience waits to be expanded."""
    spec = {"name": "Rappel", "template": "Bonjour {{ nom }}", "sender": making.SENDER, "batch_size": 1}
    rows = [{"numero": f"+{msisdn}", "nom": "Awa"} for msisdn in making.numbers(3)]
    return campaigns.submit(spec, rows, database=database).id


def rings(database: Database, campaign: int) -> int | None:
    """The serial of the task that is sent, if one is."""
    sent: list[int] = []
    bells.ring(database, bells.expand(campaign), lambda _bell, serial, _after: sent.append(serial))
    return sent[0] if sent else None


def fail(database: Database, campaign: int, times: int = 3) -> None:
    for _ in range(times):
        serial = rings(database, campaign)
        assert serial is not None
        mine = bells.answer(database, bells.expand(campaign), serial, seconds=30)
        assert mine is not None
        bells.fail(database, bells.expand(campaign), mine, "KeyError")


def waits_for(database: Database, campaign: int) -> str:
    return str(campaigns.progress(campaign, database=database).waits_for)


def test_an_audience_that_fails_three_times_pauses_its_campaign_and_no_other(any_database: Database) -> None:
    bad, good = to_expand(any_database), to_expand(any_database)
    fail(any_database, bad, times=2)
    before = poison.halt_expansions(any_database)
    fail(any_database, bad, times=1)
    fail(any_database, good, times=1)

    assert (before, poison.halt_expansions(any_database), poison.halt_expansions(any_database)) == (0, 1, 0)
    assert waits_for(any_database, bad) == f"a person to resume it: {REASON}"
    assert waits_for(any_database, good) == "None"
    assert rings(any_database, bad) is None
    assert rings(any_database, good) is not None


def test_resuming_has_it_tried_three_times_more(any_database: Database) -> None:
    rung: list[str] = []
    bad = to_expand(any_database)
    for times in (1, 2):
        fail(any_database, bad)
        poison.halt_expansions(any_database)
        campaigns.resume(bad, ring=lambda bell, *_: rung.append(bell.key), database=any_database)
        assert rung.count(f"expand:{bad}") == times
        making.change(any_database, update(table).values(until=later(-1)))
        assert poison.halt_expansions(any_database) == 0


def test_a_pause_by_a_person_keeps_its_own_reason(any_database: Database) -> None:
    bad = to_expand(any_database)
    campaigns.pause(bad, reason="not today", database=any_database)
    fail(any_database, bad)
    assert poison.halt_expansions(any_database) == 0
    assert "not today" in waits_for(any_database, bad)


def test_what_is_cancelled_is_in_no_trouble(any_database: Database) -> None:
    bad = to_expand(any_database)
    fail(any_database, bad)
    campaigns.cancel(bad, database=any_database)
    assert making.troubles(any_database) == []
    assert poison.halt_expansions(any_database) == 0
    assert making.state(any_database, bad) == CampaignState.CANCELLED


def test_a_resume_that_comes_first_is_not_undone(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = to_expand(any_database)
    fail(any_database, bad)
    halt: Callable[[Database, int], bool] = poison._halt_expansion

    def resumed_meanwhile(database: Database, campaign: int) -> bool:
        with database.transaction() as connection:
            poison.forgive(connection, campaign)
        return halt(database, campaign)

    monkeypatch.setattr(poison, "_halt_expansion", resumed_meanwhile)
    assert poison.halt_expansions(any_database) == 0
    assert waits_for(any_database, bad) == "None"


def test_batches_that_cannot_be_seen_to_pause_their_campaign_the_third_time(any_database: Database) -> None:
    bad = making.funded(any_database, making.numbers(1))

    told = [poison.not_sent_from(any_database, bad, "KeyError in send") for _ in range(3)]

    reason = "its batches could not be seen to, three times: KeyError in send; resume tries again"
    assert told == [None, None, reason]
    assert waits_for(any_database, bad) == f"a person to resume it: {reason}"
    campaigns.resume(bad, database=any_database)
    assert poison.not_sent_from(any_database, bad, "KeyError in send") is None


def test_three_batches_that_could_not_be_seen_to_in_as_many_days_pause_nothing(any_database: Database) -> None:
    mostly_good = making.funded(any_database, making.numbers(1))
    for _ in range(2 * tries.MOST_TRIES):
        assert poison.not_sent_from(any_database, mostly_good, "KeyError in send") is None
        making.clock_goes_on(any_database, 86_400, table.c.until)


def test_a_job_that_never_ends_is_counted_and_one_that_ends_is_not(any_database: Database) -> None:
    assert [poison.begin(any_database, "submit:a1") for _ in range(4)] == [1, 2, 3, 4]
    assert [key for key, _, _ in making.troubles(any_database)] == ["submit:a1"]
    poison.end(any_database, "submit:a1")
    assert poison.begin(any_database, "submit:a1") == 1
