"""A person is forgotten: nothing names him any more, wherever he was, and everything that was counted is as it was."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

import campaigns
from campaigns import caps, expansion, journal, lookups, retention, rubbing, settling
from campaigns.caps import Cap
from campaigns.database import Database
from campaigns.forgetting import NotYet, Open
from campaigns.models import batches, report_polls
from campaigns.models import campaigns as campaigns_table
from campaigns.prices import Prices
from campaigns.settings import domain_settings
from campaigns.states import Decision, MessageStatus
from tests.campaigns import making
from tests.campaigns.kept import everything, figures

AWA = making.FIRST + 8_091_011
WRITTEN = "07 08 09 10 11"
OTHERS = [AWA + 1, AWA + 2]


@pytest.fixture
def _hashing(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OPT_OUT_KEY", "a secret of some length")
    domain_settings.cache_clear()
    yield
    monkeypatch.undo()
    domain_settings.cache_clear()


def ended(database: Database, **options: Any) -> int:
    """A campaign that he was in, of which everything is known."""
    made = making.funded(database, [OTHERS[0], AWA, OTHERS[1], AWA], **options)
    claim = making.accepted(database, made)
    told = making.report(claim, (0, MessageStatus.DELIVERED), (1, MessageStatus.REJECTED), (2, MessageStatus.DELIVERED))
    body(database, f"<nb>+{AWA}</nb><nb>0708091011</nb><nb>{AWA + 1}</nb><nb>9{AWA}</nb>")
    making.reported(database, told)
    assert making.advanced(database, made) == "completed"
    return made


def body(database: Database, raw: str, state: str = "applied") -> int:
    """A raw body of reports."""
    poll = journal.note(database, making.ACCOUNT)
    journal.store(database, making.ACCOUNT, poll, raw.encode())
    making.change(database, update(report_polls).where(report_polls.c.id == poll).values(state=state, reports=1))
    return poll


def names_him(database: Database, *, but: str = f"9{AWA}") -> bool:
    left = everything(database).replace(but, "")
    return str(AWA) in left or str(AWA)[-8:] in left or "N11" in left


@pytest.mark.usefixtures("_hashing")
def test_nothing_names_him_any_more_and_all_that_is_counted_is_as_it_was(any_database: Database) -> None:
    made = [ended(any_database), ended(any_database, template="Bonjour {{ nom | lower }}")]
    before = [figures(any_database, its) for its in made]
    assert names_him(any_database)

    done = campaigns.forget(WRITTEN, database=any_database)

    assert not names_him(any_database)
    assert "n11" not in everything(any_database)
    assert [figures(any_database, its) for its in made] == before
    assert campaigns.find_person(WRITTEN, database=any_database) == []
    assert (done.campaigns, done.messages, done.left_out, done.bodies, done.open) == (2, 2, 2, 2, [])
    assert done.whole
    assert done.opted_out
    other = campaigns.find_person(f"+{AWA + 1}", database=any_database)
    assert [one.text for one in other] == ["Bonjour n12", "Bonjour N12"]


@pytest.mark.usefixtures("_hashing")
def test_twice_does_no_more(any_database: Database) -> None:
    made = ended(any_database)
    campaigns.forget(WRITTEN, database=any_database)
    before, kept = figures(any_database, made), everything(any_database)

    done = campaigns.forget(WRITTEN, database=any_database)

    assert (done.campaigns, done.messages, done.left_out, done.rows, done.bodies) == (0, 0, 0, 0, 0)
    assert figures(any_database, made) == before
    assert everything(any_database) == kept


@pytest.mark.usefixtures("_hashing")
def test_what_was_still_to_be_sent_to_him_is_not(any_database: Database) -> None:
    alone = making.funded(any_database, [AWA])
    others = making.funded(any_database, [*OTHERS, AWA])
    waiting = making.submitted(any_database, [*OTHERS, AWA], lookup=True)

    done = campaigns.forget(WRITTEN, database=any_database)

    assert (done.campaigns, done.withdrawn, done.whole) == (3, 3, True)
    assert not names_him(any_database)
    assert making.state(any_database, alone) == "completed"
    assert making.account(any_database, alone).excluded == {"forgotten": 1}
    assert making.batch_states(any_database, waiting) == ["unchecked"]
    for its in (others, waiting):
        making.fund(any_database)
        assert making.claimed(any_database, its).payload.numbers == OTHERS


def test_who_is_in_an_audience_that_is_not_expanded_is_not_texted(any_database: Database) -> None:
    rows = [{"nom": "Issa", "tel": "0708091012"}, {"nom": "N11", "tel": "07-08.09 10 11"}]
    spec = {"name": "x", "template": "Bonjour {{ nom }}", "sender": making.SENDER}
    stored = campaigns.store_audience(rows, database=any_database)
    made = campaigns.submit({**spec, "scheduled_at": "2999-01-01T00:00Z"}, stored, database=any_database)

    done = campaigns.forget(WRITTEN, database=any_database)

    assert (done.rows, done.campaigns, done.whole) == (1, 0, True)
    assert not names_him(any_database)
    assert "07-08" not in everything(any_database)
    making.change(any_database, update(campaigns_table).values(scheduled_at=None))
    while expansion.expand_slice(any_database, made.id, domain_settings()):
        pass
    account = making.account(any_database, made.id)
    assert (account.excluded, account.messages) == ({"invalid": 1}, 1)


def test_a_campaign_that_may_have_read_his_row_just_before_is_named(any_database: Database) -> None:
    stored = campaigns.store_audience([{"tel": f"+{AWA}"}], database=any_database)
    spec = {"name": "x", "template": "Bonjour", "sender": making.SENDER}
    made = campaigns.submit(spec, stored, database=any_database)

    done = campaigns.forget(WRITTEN, database=any_database)

    assert done.open == [Open(made.id, NotYet.EXPANDING)]


def test_a_text_of_his_alone_that_is_being_expanded_goes_once_it_is(any_database: Database) -> None:
    stored = campaigns.store_audience([{"tel": f"+{AWA}"}], database=any_database)
    spec = {"name": "x", "template": "Awa, votre analyse est prête", "sender": making.SENDER}
    made = campaigns.submit(spec, stored, database=any_database)
    assert expansion.expand_slice(any_database, made.id, domain_settings())

    assert campaigns.forget(WRITTEN, database=any_database).open == [Open(made.id, NotYet.EXPANDING)]

    assert not expansion.expand_slice(any_database, made.id, domain_settings())
    making.fund(any_database)
    assert making.advanced(any_database, made.id) == "completed"
    assert campaigns.forget(WRITTEN, database=any_database).whole
    assert "analyse" not in everything(any_database)
    assert not names_him(any_database)


def test_whoever_was_put_aside_for_a_cap_is_found_among_all_who_were(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.forgetting._PAGE", 1)
    cap = Cap(1, making.noon())
    first = making.funded(any_database, [OTHERS[0], AWA, OTHERS[1]])
    claim = making.claimed(any_database, first, cap=cap)
    settling.accept(any_database, claim, making.acceptance(claim))
    making.all_delivered(any_database, claim)
    spec = {"template": "Bonjour {{ nom }}", "batch_size": 2}
    capped = making.funded(any_database, [OTHERS[0], AWA + 3, AWA, AWA + 4, OTHERS[1], AWA + 5], **spec)
    for batch_id in batch_ids(any_database, capped):
        caps.leave_out(any_database, batch_id, cap)
    making.all_delivered(any_database, *making.all_accepted(any_database, capped))
    making.advance(any_database)
    aside = len(batch_ids(any_database, capped)) - 3
    assert aside == 3

    assert campaigns.forget(WRITTEN, database=any_database).whole

    assert not names_him(any_database)
    assert str(OTHERS[1]) in everything(any_database)
    assert making.account(any_database, capped).excluded == {"capped": 3}


def batch_ids(database: Database, campaign_id: int) -> list[int]:
    b = batches.c
    with database.reading() as connection:
        found = select(b.id).where(b.campaign_id == campaign_id).order_by(b.id)
        return list(connection.execute(found).scalars())


def test_whose_batch_cannot_be_read_any_more_is_forgotten_as_well(any_database: Database) -> None:
    made = ended(any_database)
    making.change(any_database, update(batches).values(payload=b"damaged"))

    assert campaigns.forget(WRITTEN, database=any_database).whole

    assert not names_him(any_database)
    assert making.account(any_database, made).messages == 3
    assert campaigns.find_person(WRITTEN, database=any_database) == []
    assert campaigns.find_person(f"+{OTHERS[0]}", database=any_database) == []


def test_what_cannot_be_forgotten_yet_is_named_and_is_the_next_time(any_database: Database) -> None:
    in_the_air, in_doubt, unreported = (making.funded(any_database, [AWA, *OTHERS]) for _ in range(3))
    flying, doubtful = making.claimed(any_database, in_the_air), making.claimed(any_database, in_doubt)
    settling.doubt(any_database, doubtful, "a reset")
    sent = making.accepted(any_database, unreported)
    parked = body(any_database, str(AWA), "parked")

    done = campaigns.forget(WRITTEN, database=any_database)

    assert done.open == [
        Open(unreported, NotYet.UNREPORTED),
        Open(in_doubt, NotYet.IN_DOUBT),
        Open(in_the_air, NotYet.IN_THE_AIR),
    ]
    assert (done.campaigns, done.bodies_waiting, done.whole) == (0, 1, False)

    settling.accept(any_database, flying, making.acceptance(flying))
    settling.accept(any_database, doubtful, making.acceptance(doubtful))
    making.all_delivered(any_database, flying, doubtful, sent)
    making.advance(any_database)
    making.change(any_database, update(report_polls).where(report_polls.c.id == parked).values(state="applied"))

    assert campaigns.forget(WRITTEN, database=any_database).whole
    assert not names_him(any_database)


def test_who_was_in_a_request_that_was_decided_upon_is_forgotten_once_no_report_can_tell(
    any_database: Database,
) -> None:
    made = making.funded(any_database, [AWA, *OTHERS])
    claim = making.claimed(any_database, made)
    settling.doubt(any_database, claim, "a reset")
    campaigns.resolve(claim.attempt_id, Decision.WRITE_OFF, reason="too late", by="Awa's aunt", database=any_database)
    making.advance(any_database)

    assert campaigns.forget(WRITTEN, database=any_database).open == [Open(made, NotYet.IN_DOUBT)]

    making.clock_goes_on(any_database, 8 * 86_400.0, *making.every_moment())
    assert campaigns.forget(WRITTEN, database=any_database).whole
    assert not names_him(any_database)
    assert making.account(any_database, made).by_status == {"written_off": 3}


def test_who_was_found_dead_or_moved_from_batch_to_batch_leaves_no_trace(any_database: Database) -> None:
    looked_up = making.funded(any_database, [AWA, *OTHERS], lookup=True)
    asked = making.accepted(any_database, looked_up)
    answers = making.report(asked, *[(place, MessageStatus.NOT_SENT) for place in range(3)])
    (batch,) = making.reported(any_database, answers).looked_up
    lookups.clean(any_database, batch, Prices({"": 1}, 1))  # type: ignore[dict-item, arg-type]
    sent_again = making.funded(any_database, [AWA, *OTHERS])
    claim = making.claimed(any_database, sent_again)
    settling.doubt(any_database, claim, "a reset")
    campaigns.resolve(claim.attempt_id, Decision.RESEND, reason="not taken", by="Issa", database=any_database)
    making.fund(any_database)
    campaigns.opt_out(OTHERS[0], database=any_database)
    making.all_delivered(any_database, *making.all_accepted(any_database, sent_again))
    making.advance(any_database)
    making.clock_goes_on(any_database, 8 * 86_400.0, *making.every_moment())
    before = [figures(any_database, its) for its in (looked_up, sent_again)]

    assert campaigns.forget(WRITTEN, database=any_database).whole

    assert not names_him(any_database)
    assert [figures(any_database, its) for its in (looked_up, sent_again)] == before


def test_a_text_that_was_his_alone_goes_with_him(any_database: Database) -> None:
    made = making.funded(any_database, [AWA], template="Awa, votre analyse est prête", key="awa")
    making.all_delivered(any_database, making.accepted(any_database, made))
    making.advance(any_database)

    campaigns.forget(WRITTEN, database=any_database)

    assert "analyse" not in everything(any_database)
    with pytest.raises(campaigns.KeyConflict):
        making.submitted(any_database, [AWA], template="Awa, votre analyse est prête", key="awa")


def test_nobody_who_was_forgotten_is_in_a_retry(any_database: Database) -> None:
    made = making.funded(any_database, [AWA, *OTHERS])
    claim = making.accepted(any_database, made)
    failed = [(place, MessageStatus.UNDELIVERED) for place in range(3)]
    making.reported(any_database, making.report(claim, *failed))
    making.advance(any_database)
    campaigns.forget(WRITTEN, database=any_database)

    again = campaigns.retry(made, only=["undelivered"], database=any_database)

    assert making.account(any_database, again.id).messages == 2


def test_a_report_that_comes_after_all_changes_nothing_and_waits_nowhere(any_database: Database) -> None:
    made = making.funded(any_database, [AWA, *OTHERS])
    claim = making.accepted(any_database, made)
    failed = [(place, MessageStatus.UNDELIVERED) for place in range(3)]
    making.reported(any_database, making.report(claim, *failed))
    making.advance(any_database)
    campaigns.forget(WRITTEN, database=any_database)

    making.reported(any_database, making.report(claim, (0, MessageStatus.DELIVERED), (1, MessageStatus.DELIVERED)))

    assert making.account(any_database, made).by_status == {"undelivered": 2, "delivered": 1}
    with any_database.reading() as connection:
        assert set(connection.execute(select(report_polls.c.state)).scalars()) == {"applied"}


@pytest.mark.parametrize("look", [rubbing.out_of_audiences, rubbing.out_of_bodies])
def test_people_who_are_forgotten_at_once_do_not_bring_each_other_back(
    any_database: Database, look: Callable[[Database, int], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaigns.store_audience([{"tel": f"+{AWA}"}, {"tel": f"+{OTHERS[0]}"}], database=any_database)
    body(any_database, f"<nb>{AWA}</nb><nb>{OTHERS[0]}</nb>")
    read = rubbing._read

    def then_another_is_forgotten(*asked: Any) -> Any:
        page = read(*asked)
        monkeypatch.setattr(rubbing, "_read", read)
        campaigns.forget(f"+{OTHERS[0]}", database=any_database)
        return page

    monkeypatch.setattr(rubbing, "_read", then_another_is_forgotten)
    look(any_database, AWA)

    assert str(OTHERS[0]) not in everything(any_database)
    campaigns.forget(WRITTEN, database=any_database)
    assert not names_him(any_database)


def test_a_report_that_names_others_stays_as_it_came(any_database: Database) -> None:
    poll = body(any_database, f"<nb>{AWA}</nb><nb>33708091011</nb><nb>9{AWA}</nb><nb>{AWA}0</nb><nb>708091011</nb>")

    campaigns.forget(WRITTEN, database=any_database)

    noughts = "0" * 13
    assert journal.body(any_database, poll).decode() == (
        f"<nb>{noughts}</nb><nb>33708091011</nb><nb>9{AWA}</nb><nb>{AWA}0</nb><nb>000000000</nb>"
    )


def test_without_a_secret_he_stays_on_the_list_or_off_it_and_both_can_be_chosen(any_database: Database) -> None:
    assert not campaigns.forget(WRITTEN, database=any_database).opted_out
    assert campaigns.opted_out(WRITTEN, database=any_database) == []

    assert campaigns.forget(WRITTEN, opt_out=True, database=any_database).opted_out
    assert campaigns.forget(WRITTEN, database=any_database).opted_out

    assert not campaigns.forget(WRITTEN, opt_out=False, database=any_database).opted_out
    assert campaigns.opted_out(WRITTEN, database=any_database) == []


def test_with_a_secret_what_was_kept_plainly_on_a_list_is_hashed(
    any_database: Database, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    campaigns.opt_out(WRITTEN, account="shop", database=any_database)
    request.getfixturevalue("_hashing")

    campaigns.forget(WRITTEN, database=any_database)

    found = campaigns.opted_out(WRITTEN, database=any_database)
    assert {entry.account for entry in found} == {None, "shop"}
    assert not names_him(any_database)


def test_while_batches_are_claimed_he_is_either_in_the_air_or_gone(any_database: Database) -> None:
    made = making.funded(any_database, [*making.numbers(40), AWA, *OTHERS], batch_size=4)

    claims, done = making.at_once(
        lambda: making.all_accepted(any_database, made), lambda: campaigns.forget(WRITTEN, database=any_database)
    )

    texted = [number for claim in claims for number in claim.payload.numbers]
    assert (AWA in texted) is bool(done.open)
    assert len(texted) == len(set(texted)) == 43 - done.withdrawn
    account = making.account(any_database, made)
    assert account.excluded == ({} if done.open else {"forgotten": 1})
    assert (str(AWA) in everything(any_database)) is bool(done.open)


def test_what_is_no_number_is_refused(sqlite: Database) -> None:
    with pytest.raises(campaigns.NoNumberError):
        campaigns.forget("Awa", database=sqlite)


def test_campaigns_that_another_key_has_hashed_are_told_of(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ended(any_database)
    making.clock_goes_on(any_database, 2 * 86_400.0, *making.every_moment())
    for name in ("KEEP_TEXT_DAYS", "KEEP_REPORTS_DAYS", "KEEP_NUMBERS_DAYS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("NUMBERS_KEY", "a secret of some length")
    domain_settings.cache_clear()
    while retention.purge_slice(any_database):
        pass
    monkeypatch.setenv("NUMBERS_KEY", "another one of some length")
    domain_settings.cache_clear()
    assert not campaigns.forget(WRITTEN, database=any_database).whole

    monkeypatch.setenv("NUMBERS_KEY", "a secret of some length")
    domain_settings.cache_clear()
    done = campaigns.forget(WRITTEN, database=any_database)

    assert (done.messages, done.left_out, done.whole) == (1, 1, True)
    assert campaigns.find_person(WRITTEN, database=any_database) == []
    assert making.account(any_database, made).messages == 3
    monkeypatch.undo()
    domain_settings.cache_clear()
