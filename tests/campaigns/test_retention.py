"""What campaigns were made of is purged when its time is over; what they came to stays, to the last credit."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select, update

import campaigns
from campaigns import expansion, journal, keys, lookups, readings, retention, schedules, settling, shredding
from campaigns.database import Database
from campaigns.models import campaigns as campaigns_table
from campaigns.models import metadata, report_polls
from campaigns.people import nameless
from campaigns.prices import Prices
from campaigns.settings import DomainSettings, SettingsError, domain_settings, read
from campaigns.states import MessageStatus
from tests.campaigns import making
from tests.campaigns.kept import everything, figures

AWA = making.FIRST + 8_091_011
WRITTEN = "07 08 09 10 11"
SECRET = "a secret of some length"
TEXT = "un secret de medecin"
DAY = 86_400.0


@pytest.fixture(autouse=True)
def _kept_for_some_days(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, days in (("TEXT", "3"), ("REPORTS", "5"), ("NUMBERS", "7")):
        monkeypatch.setenv(f"KEEP_{name}_DAYS", days)
    domain_settings.cache_clear()
    yield
    monkeypatch.undo()
    domain_settings.cache_clear()


@pytest.fixture(params=["hashed", "purged"])
def keyed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether there is a NUMBERS_KEY."""
    if request.param == "hashed":
        monkeypatch.setenv("NUMBERS_KEY", SECRET)
    domain_settings.cache_clear()
    return request.param == "hashed"


def ended(database: Database) -> int:
    """A campaign that has seen everything: delivered, failed, refunded, left out, duplicate rows, and reports."""
    rows = [AWA, AWA + 1, AWA + 2, AWA + 3, AWA + 4, AWA + 5, AWA]
    made = making.funded(database, rows, template=f"{TEXT} pour {{{{ nom }}}}", batch_size=3)
    first, second = making.claimed(database, made), making.claimed(database, made)
    settling.accept(database, first, making.acceptance(first, left_out=[AWA + 2]))
    settling.accept(database, second, making.acceptance(second))
    told = making.report(first, (0, MessageStatus.DELIVERED), (1, MessageStatus.REJECTED))
    body(database, first, "\n".join(told.numbers))
    making.reported(database, told)
    making.all_delivered(database, second)
    assert making.advanced(database, made) == "completed"
    return made


def body(database: Database, claim: Any, raw: str) -> None:
    """Raw reports, applied."""
    poll = journal.note(database, making.ACCOUNT)
    journal.store(database, making.ACCOUNT, poll, raw.encode())
    making.change(database, update(report_polls).where(report_polls.c.id == poll).values(state="applied", reports=2))


def days_pass(database: Database, days: float) -> None:
    making.clock_goes_on(database, days * DAY, *making.every_moment())


def purge(database: Database) -> None:
    while retention.purge_slice(database):
        pass


def test_after_its_days_no_text_is_left_and_every_count_and_credit_is(any_database: Database) -> None:
    made = ended(any_database)
    days_pass(any_database, 4)
    before = figures(any_database, made)
    assert TEXT in everything(any_database)

    purge(any_database)

    assert TEXT not in everything(any_database)
    assert "N11" not in everything(any_database)
    assert figures(any_database, made) == before
    (found,) = [one for one in campaigns.find_person(WRITTEN, database=any_database) if one.entry.batch]
    assert (found.entry.status, found.text) == ("delivered", None)
    assert making.account(any_database, made).purged == "text"


def test_who_got_a_text_that_was_finished_here_is_found_without_it(any_database: Database) -> None:
    made = making.funded(any_database, [AWA], template="Bonjour {{ nom | lower }}")
    making.all_delivered(any_database, making.accepted(any_database, made))
    assert making.advanced(any_database, made) == "completed"
    days_pass(any_database, 4)
    purge(any_database)

    (found,) = campaigns.find_person(WRITTEN, database=any_database)

    assert (found.entry.status, found.text) == ("delivered", None)


def test_after_more_days_no_number_is_left_anywhere_and_every_count_and_credit_is(
    any_database: Database, keyed: bool
) -> None:
    made = ended(any_database)
    days_pass(any_database, 8)
    before = figures(any_database, made)

    purge(any_database)

    left = everything(any_database)
    assert not any(str(AWA + place) in left or str(AWA + place)[-8:] in left for place in range(6))
    assert TEXT not in left
    assert figures(any_database, made) == before
    found = campaigns.find_person(WRITTEN, database=any_database)
    assert [one.entry.status for one in found] == (["delivered", "duplicate"] if keyed else [])
    file = BytesIO()
    campaigns.export(made, file, masked=True, database=any_database)
    assert {line.split(",")[1] for line in file.getvalue().decode().splitlines()[1:]} == {""}
    assert nameless(database=any_database) is not keyed
    assert making.account(any_database, made).purged == "numbers"


def test_without_days_nothing_goes(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(any_database)
    days_pass(any_database, 1_000)
    for name in ("TEXT", "REPORTS", "NUMBERS"):
        monkeypatch.delenv(f"KEEP_{name}_DAYS")
    domain_settings.cache_clear()

    assert not retention.any_overdue(any_database)
    assert not retention.purge_slice(any_database)


def test_what_is_not_old_enough_or_not_ended_stays(any_database: Database) -> None:
    ended(any_database)
    days_pass(any_database, 2)
    making.accepted(any_database, making.funded(any_database, [AWA + 7]))
    days_pass(any_database, 0.5)

    assert not retention.any_overdue(any_database)
    assert not retention.purge_slice(any_database)


def test_nothing_goes_while_a_request_is_in_doubt(any_database: Database) -> None:
    made = making.funded(any_database, [AWA])
    settling.doubt(any_database, making.claimed(any_database, made), "a reset")
    end = {"state": "completed", "completed_at": any_database.clock()}
    making.change(any_database, update(campaigns_table).values(end))
    days_pass(any_database, 100)

    assert not retention.any_overdue(any_database)
    assert not retention.purge_slice(any_database)


def test_it_goes_in_slices_that_may_be_broken_off_and_doubled(
    any_database: Database, keyed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.purging.MESSAGES_AT_ONCE", 2)
    monkeypatch.setattr("campaigns.purging._HEADS_AT_ONCE", 2)
    monkeypatch.setattr("campaigns.purging.CAMPAIGNS_AT_ONCE", 2)
    made = [ended(any_database), ended(any_database), ended(any_database)]
    days_pass(any_database, 8)
    before = [figures(any_database, its) for its in made]

    slices = 0
    while any(making.at_once(*[lambda: retention.purge_slice(any_database)] * 2)):
        slices += 1
        assert [figures(any_database, its) for its in made] == before  # also half-way

    assert slices > 6
    assert not retention.any_overdue(any_database)
    assert str(AWA) not in everything(any_database)
    found = {one.campaign_id for one in campaigns.find_person(WRITTEN, database=any_database)}
    assert found == (set(made) if keyed else set())


def test_what_is_begun_goes_on_without_settings_and_with_another_key_hides_whoever_is_left_from_everybody(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.purging.MESSAGES_AT_ONCE", 2)
    monkeypatch.setenv("NUMBERS_KEY", SECRET)
    domain_settings.cache_clear()
    made = ended(any_database)
    days_pass(any_database, 8)
    assert retention.purge_slice(any_database)  # begins
    assert retention.purge_slice(any_database)  # the first batch
    for name in ("TEXT", "REPORTS", "NUMBERS"):
        monkeypatch.delenv(f"KEEP_{name}_DAYS")
    monkeypatch.setenv("NUMBERS_KEY", "another one of some length")
    domain_settings.cache_clear()

    assert retention.any_overdue(any_database)
    purge(any_database)

    assert not retention.any_overdue(any_database)
    assert {len(find(any_database, AWA + place)) for place in range(6)} == {0}
    monkeypatch.setenv("NUMBERS_KEY", SECRET)
    domain_settings.cache_clear()
    assert [len(find(any_database, AWA + place)) for place in range(6)] == [1, 1, 1, 0, 0, 0]
    assert making.account(any_database, made).messages == 6


def find(database: Database, number: int) -> list[Any]:
    return campaigns.find_person(f"+{number}", database=database)


def test_who_was_texted_twice_is_counted_as_before(any_database: Database, keyed: bool) -> None:
    made = making.funded(any_database, [AWA, AWA + 1, AWA + 2])
    first = making.claimed(any_database, made)
    settling.doubt(any_database, first, "a reset")
    campaigns.resolve(first.attempt_id, "resend", reason="not taken", by="Issa", database=any_database)
    making.fund(any_database)
    making.all_delivered(any_database, making.accepted(any_database, made))
    settling.accept(any_database, first, making.acceptance(first, left_out=[AWA]))
    assert making.advanced(any_database, made) == "completed"
    days_pass(any_database, 8)
    before = making.account(any_database, made)
    assert before.duplicates == 2

    purge(any_database)

    assert replace(making.account(any_database, made), purged=None) == before
    assert str(AWA) not in everything(any_database)


def test_numbers_of_two_campaigns_tell_nobody_that_they_are_the_same_persons(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBERS_KEY", SECRET)
    domain_settings.cache_clear()
    ended(any_database), ended(any_database)
    days_pass(any_database, 8)

    purge(any_database)

    m = metadata.tables["messages"].c
    with any_database.reading() as connection:
        numbers = connection.execute(select(m.msisdn)).scalars().all()
    assert len(numbers) == 12 == len(set(numbers))
    assert max(numbers) < 0


def test_a_late_report_is_applied_where_the_key_tells_whose_it_is_and_waits_nowhere_else(
    any_database: Database, keyed: bool
) -> None:
    made = making.funded(any_database, [AWA, AWA + 1])
    claim = making.accepted(any_database, made)
    making.reported(any_database, making.report(claim, (0, MessageStatus.UNDELIVERED), (1, MessageStatus.DELIVERED)))
    assert making.advanced(any_database, made) == "completed"
    days_pass(any_database, 8)
    purge(any_database)

    applied = making.reported(any_database, making.report(claim, (0, MessageStatus.DELIVERED)))

    assert applied.changed == (1 if keyed else 0)
    assert making.account(any_database, made).by_status.get("undelivered", 0) == (0 if keyed else 1)
    with any_database.reading() as connection:
        assert set(connection.execute(select(report_polls.c.state)).scalars()) == {"applied"}


def test_a_late_answer_to_a_lookup_keeps_no_number(any_database: Database, keyed: bool) -> None:
    made = making.funded(any_database, [AWA, AWA + 1], lookup=True)
    asked = making.accepted(any_database, made)
    answers = making.report(asked, (0, MessageStatus.DELIVERED), (1, MessageStatus.NOT_SENT))
    (batch,) = making.reported(any_database, answers).looked_up
    lookups.clean(any_database, batch, Prices({"": Decimal(1)}, Decimal(1)))
    making.advance(any_database, made)
    making.all_delivered(any_database, making.accepted(any_database, made))
    assert making.advanced(any_database, made) == "completed"
    days_pass(any_database, 8)
    before = making.account(any_database, made)
    purge(any_database)

    making.reported(any_database, making.report(asked, (0, MessageStatus.DELIVERED), (1, MessageStatus.NOT_SENT)))

    assert replace(making.account(any_database, made), purged=None) == before
    left = everything(any_database)
    assert not any(str(AWA + place)[-8:] in left for place in range(2))


def test_a_campaign_without_texts_is_not_sent_again_and_its_key_stays_taken(any_database: Database) -> None:
    made = making.funded(any_database, [AWA], key="rappel")
    making.reported(any_database, making.report(making.accepted(any_database, made), (0, MessageStatus.UNDELIVERED)))
    making.advance(any_database, made)
    days_pass(any_database, 8)
    purge(any_database)

    with pytest.raises(campaigns.StateError, match="its texts were purged"):
        campaigns.retry(made, only=["undelivered"], database=any_database)
    with pytest.raises(campaigns.KeyConflict, match="too little is left to compare"):
        making.submitted(any_database, [AWA], key="rappel")


def test_nobody_is_texted_twice_because_a_retry_has_lost_its_numbers_before_its_campaign(
    any_database: Database, keyed: bool
) -> None:
    first = making.funded(any_database, [AWA, AWA + 1])
    claim = making.accepted(any_database, first)
    making.reported(any_database, making.report(claim, (0, MessageStatus.UNDELIVERED)))
    again = campaigns.retry(first, only=["undelivered"], database=any_database).id
    making.fund(any_database)
    making.all_delivered(any_database, *making.all_accepted(any_database, again))
    assert making.advanced(any_database, again) == "completed"
    days_pass(any_database, 8)
    purge(any_database)

    with pytest.raises(campaigns.StateError, match=f"the numbers of its retry {again} were purged"):
        campaigns.retry(first, only=["undelivered"], database=any_database)

    assert making.account(any_database, first).retries == (again,)


def test_raw_reports_go_and_what_was_counted_of_them_stays(any_database: Database) -> None:
    poll = making.stored(any_database)
    for state, reports in (("applied", 2), ("broken", None), ("parked", 1)):
        each = journal.note(any_database, making.ACCOUNT)
        journal.store(any_database, making.ACCOUNT, each, f"<REPONSE>{state}</REPONSE>".encode())
        values = {"state": state, "reports": reports}
        making.change(any_database, update(report_polls).where(report_polls.c.id == each).values(values))
    days_pass(any_database, 6)

    purge(any_database)

    with any_database.reading() as connection:
        left = connection.execute(select(report_polls).order_by(report_polls.c.id)).all()
    assert [(row.state, row.body is None, row.reports) for row in left] == [
        ("stored", False, None),  # nobody has applied it
        ("applied", True, 2),
        ("lost", True, None),
        ("parked", False, 1),
    ]
    (account,) = readings.readings(any_database)
    assert (account.readings, account.reports, account.lost) == (4, 3, 1)
    assert poll == left[0].id


def test_reports_of_nobody_stay_while_a_request_is_in_doubt_that_they_may_be_of(any_database: Database) -> None:
    made = making.funded(any_database, [AWA])
    claim = making.claimed(any_database, made)
    body(any_database, claim, "of nobody")
    making.change(any_database, update(report_polls).values(unknown=["foreign"]))
    settling.doubt(any_database, claim, "a reset")
    days_pass(any_database, 6)
    purge(any_database)
    with any_database.reading() as connection:
        assert connection.execute(select(report_polls.c.body)).scalar_one() is not None

    settling.accept(any_database, claim, making.acceptance(claim))
    purge(any_database)

    with any_database.reading() as connection:
        assert connection.execute(select(report_polls.c.body)).scalar_one() is None


def test_a_stored_audience_goes_with_the_texts_of_its_last_campaign_and_not_while_a_schedule_names_it(
    any_database: Database,
) -> None:
    rows = [{"tel": f"+{AWA}", "nom": "Awa"}]
    spec = {"template": "Bonjour", "sender": making.SENDER}
    used, named, unused = [campaigns.store_audience(rows, database=any_database) for _ in range(3)]
    made = campaigns.submit({"name": "x", **spec}, used, database=any_database)
    schedules.add(
        {**spec, "audience": {"id": named.id}}, name="lundi", cron="0 9 * * mon", timezone="UTC", database=any_database
    )
    assert expansion.expand_slice(any_database, made.id, domain_settings())
    assert not expansion.expand_slice(any_database, made.id, domain_settings())
    days_pass(any_database, 4)
    purge(any_database)
    assert stored(any_database) == {used.id, named.id}
    assert unused.id not in stored(any_database)

    making.fund(any_database)
    making.all_delivered(any_database, making.accepted(any_database, made.id))
    making.advance(any_database, made.id)
    days_pass(any_database, 4)
    purge(any_database)

    assert stored(any_database) == {named.id}
    with pytest.raises(campaigns.SpecError, match="no complete audience"):
        campaigns.submit({"name": "x", **spec}, used, database=any_database)


def test_an_audience_that_is_named_while_it_is_about_to_be_purged_stays(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    audience = campaigns.store_audience([{"tel": f"+{AWA}"}], database=any_database)
    days_pass(any_database, 4)
    campaigns.submit({"name": "x", "template": "Bonjour", "sender": making.SENDER}, audience, database=any_database)
    look = shredding._overdue_audiences

    def before_it_was_named(*_asked: Any) -> Any:
        monkeypatch.setattr(shredding, "_overdue_audiences", look)
        return select(metadata.tables["audiences"].c.id)

    monkeypatch.setattr(shredding, "_overdue_audiences", before_it_was_named)
    purge(any_database)

    assert stored(any_database) == {audience.id}


def test_an_audience_is_not_purged_while_a_campaign_is_made_of_it(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    audience = campaigns.store_audience([{"tel": f"+{AWA}"}], database=postgresql)
    days_pass(postgresql, 4)
    make = keys.make

    def made_after_a_purge(*asked: Any, **options: Any) -> Any:
        purge(postgresql)
        return make(*asked, **options)

    monkeypatch.setattr(keys, "make", made_after_a_purge)
    spec = {"name": "x", "template": "Bonjour", "sender": making.SENDER}
    assert campaigns.submit(spec, audience, database=postgresql).created

    assert stored(postgresql) == {audience.id}


def stored(database: Database) -> set[int]:
    with database.reading() as connection:
        return set(connection.execute(select(metadata.tables["audience_chunks"].c.audience_id)).scalars())


def test_a_payload_that_cannot_be_read_any_more_goes_as_well(any_database: Database, keyed: bool) -> None:
    made = ended(any_database)
    damaged = update(metadata.tables["batches"]).values(payload=b"damaged")
    making.change(any_database, damaged)
    days_pass(any_database, 8)

    purge(any_database)

    assert str(AWA) not in everything(any_database)
    assert making.account(any_database, made).messages == 6
    assert [one.entry.batch for one in campaigns.find_person(WRITTEN, database=any_database)] == [None] * keyed


def test_a_report_of_a_payload_that_could_not_be_read_and_of_a_reply_that_never_came_gives_nothing_back(
    any_database: Database, keyed: bool
) -> None:
    made = making.funded(any_database, [AWA, AWA + 1, AWA + 2])
    claim = making.accepted(any_database, made)
    making.all_delivered(any_database, claim)
    assert making.advanced(any_database, made) == "completed"
    making.change(any_database, update(metadata.tables["batches"]).values(payload=b"damaged"))
    making.change(any_database, update(metadata.tables["attempts"]).values(receipt=None))
    days_pass(any_database, 8)
    purge(any_database)

    making.reported(any_database, making.report(claim, (0, MessageStatus.REJECTED)))

    assert making.account(any_database, made).by_status == {"delivered": 3}
    campaigns.export(made, BytesIO(), database=any_database)


def test_only_what_makes_sense_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_TEXT_DAYS", "8")
    monkeypatch.delenv("KEEP_REPORTS_DAYS")
    with pytest.raises(SettingsError) as refused:
        read(DomainSettings)
    assert refused.value.faults == ["KEEP_NUMBERS_DAYS: texts hold numbers, too: set KEEP_TEXT_DAYS, to 7 or less"]

    monkeypatch.setenv("KEEP_TEXT_DAYS", "7")
    with pytest.raises(SettingsError, match="raw reports hold numbers, too: set KEEP_REPORTS_DAYS, to 7 or less"):
        read(DomainSettings)

    monkeypatch.setenv("KEEP_REPORTS_DAYS", "0")
    monkeypatch.setenv("NUMBERS_KEY", "too short")
    with pytest.raises(SettingsError) as refused:
        read(DomainSettings)
    assert [fault.partition(":")[0] for fault in refused.value.faults] == ["KEEP_REPORTS_DAYS", "NUMBERS_KEY"]
