"""A preview says what the campaign will be: the same as what submitting it makes, and nothing is made by it."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import campaigns
from campaigns.balances import Balance, note_balance
from campaigns.database import Database
from campaigns.models import metadata
from campaigns.preview import Preview
from campaigns.settings import domain_settings
from campaigns.slices import ROWS_AT_A_TIME
from campaigns.spec import SpecError
from campaigns.submission import StoredAudience, store_audience, submit
from tests.campaigns.producing import SPEC, counts, people

TEXT = {"template": "Bonjour {{ nom }}"}
ROWS = [
    {"tel": "07 08 09 10 11", "nom": "Awa"},
    {"tel": "none", "nom": "Issa"},
    {"tel": "+225 07 08 09 10 11", "nom": "Awa"},
    {"tel": "05 05 06 07 08", "nom": "Loïc 🙂"},
    {"tel": "05 05 06 07 09", "nom": " "},
    {"tel": "12", "nom": "Ali"},
]


@pytest.fixture(autouse=True)
def _settings(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CREDIT_PRICES", '{"": 1, "22505": 2.5}')
    domain_settings.cache_clear()
    yield
    domain_settings.cache_clear()


def previewed(database: Database, rows: Any, **options: Any) -> Preview:
    texts = options.pop("texts", 3)
    return campaigns.preview({**TEXT, **options}, rows, texts=texts, database=database)


def test_every_row_is_a_message_or_excluded_with_the_first_of_each_reason(sqlite: Database) -> None:
    found = previewed(sqlite, ROWS)
    assert (found.rows, found.messages) == (6, 2)
    told = {reason: (its.count, its.row, its.number, its.why) for reason, its in found.excluded.items()}
    assert told == {
        "invalid": (2, 2, "none", None),
        "duplicate": (1, 3, "+225 07 08 09 10 11", None),
        "unrenderable": (1, 5, "05 05 06 07 09", "nom is missing or blank"),
    }


def test_who_has_opted_out_of_the_account_is_left_out(sqlite: Database) -> None:
    campaigns.opt_out("0708091011", account="default", database=sqlite)
    found = previewed(sqlite, ROWS)
    assert {reason: its.count for reason, its in found.excluded.items()} == {
        "invalid": 2,
        "opted_out": 2,
        "unrenderable": 1,
    }


def test_a_duplicate_is_told_however_far_behind_it_comes(sqlite: Database) -> None:
    rows = [*people(2 * ROWS_AT_A_TIME), *people(1)]
    found = previewed(sqlite, rows)
    assert found.messages == 2 * ROWS_AT_A_TIME
    assert (found.excluded["duplicate"].count, found.excluded["duplicate"].row) == (1, len(rows))


def test_the_first_texts_are_those_of_the_first_rows_as_phones_would_show_them(sqlite: Database) -> None:
    found = previewed(sqlite, ROWS, template="{{ nom }} : {b}", texts=2)
    shown = [(its.row, its.number, its.text, str(its.alphabet), its.segments) for its in found.texts]
    assert shown == [
        (1, 2250708091011, "Awa : {b}", "gsm7", 1),
        (4, 2250505060708, "Loïc 🙂 : {b}", "ucs2", 1),
    ]


def test_characters_that_cost_money_are_counted_by_the_texts_that_hold_them(sqlite: Database) -> None:
    rows = [{"tel": f"070809101{at}", "nom": nom} for at, nom in enumerate(["Awa", "’’ê", "Zoé", "🙂"])]
    assert previewed(sqlite, rows).forcing == {"’": 1, "ê": 1, "🙂": 1}
    everywhere = previewed(sqlite, rows, template="Fête de {{ nom }}")
    assert everywhere.forcing == {"ê": 4, "’": 1, "🙂": 1}
    assert everywhere.alphabets == {"ucs2": 4}
    assert previewed(sqlite, rows, template="Fête {{ nom | upper }}").forcing == {"ê": 4, "’": 1, "Ê": 1, "🙂": 1}


def test_what_transliteration_saves_is_what_it_saves(sqlite: Database) -> None:
    rows = [*people(20), {"tel": "0505060708", "nom": "Noël"}, {"tel": "0505060709", "nom": "🙂"}]
    options = {"template": "Fête " + "x" * 80 + " {{ nom }}"}
    dear, cheap = previewed(sqlite, rows, **options), previewed(sqlite, rows, **options, transliterate=True)
    assert dear.saving is not None
    assert dear.saving.texts == 21
    assert dear.saving.segments == dear.total_segments - cheap.total_segments == 21
    assert dear.saving.credits == dear.credits - cheap.credits == Decimal("22.5")
    assert cheap.saving is None


def test_credits_are_told_beside_the_balance_that_is_known(sqlite: Database) -> None:
    unknown = previewed(sqlite, ROWS, lookup=True)
    assert (unknown.credits, unknown.lookup_credits) == (Decimal("3.5"), Decimal(2))
    assert (unknown.balance, unknown.free, unknown.shortfall) == (None, None, None)
    note_balance(sqlite, "default", Balance(Decimal(4), None, None, datetime(2026, 11, 28, tzinfo=UTC)))
    known = previewed(sqlite, ROWS, lookup=True)
    assert (known.balance, known.free, known.shortfall) == (Decimal(4), Decimal(4), Decimal("1.5"))
    assert known.balance_asked_at == datetime(2026, 11, 28, tzinfo=UTC)


def test_without_a_database_only_the_balance_is_not_known(empty_sqlite_url: str) -> None:
    for url in (empty_sqlite_url, "postgresql://127.0.0.1:9/none"):
        database = Database(url)
        found = previewed(database, ROWS)
        assert (found.messages, found.balance) == (2, None)
        database.close()


def test_nothing_is_stored(sqlite: Database) -> None:
    previewed(sqlite, people(ROWS_AT_A_TIME + 1))
    assert counts(sqlite) == {}


def test_a_field_may_stand_for_a_column_that_is_called_otherwise(sqlite: Database) -> None:
    rows = [{"Tel": "0708091011", "Nom du client": "Awa"}]
    columns = {"nom": "Nom du client"}
    assert [its.text for its in previewed(sqlite, rows, columns=columns).texts] == ["Bonjour Awa"]
    assert submit({**SPEC, "columns": columns}, rows, database=sqlite).state == "funding"
    assert counts(sqlite)["messages"] == 1


def test_a_stored_audience_is_read_as_any_other(sqlite: Database) -> None:
    rows = [*people(2_500), *ROWS]
    plain = previewed(sqlite, rows)
    assert previewed(sqlite, store_audience(rows, database=sqlite)) == plain
    with pytest.raises(SpecError, match="no complete audience has the id 9"):
        previewed(sqlite, StoredAudience(9))


def test_every_fault_is_said_as_a_submission_would_say_it(sqlite: Database) -> None:
    with pytest.raises(SpecError, match=r"there is no column for \{\{ prenom \}\}"):
        previewed(sqlite, ROWS, template="{{ prenom }}")
    with pytest.raises(SpecError) as refused:
        previewed(sqlite, ROWS, template="{{ nom", rate=0)
    assert [fault.partition(":")[0] for fault in refused.value.faults] == ["template", "rate"]


def test_an_empty_audience_is_no_error(sqlite: Database) -> None:
    found = previewed(sqlite, io.StringIO("nom;tel\n"))
    assert (found.rows, found.messages, found.credits, found.texts) == (0, 0, 0, ())


def test_its_text_for_a_log_holds_no_number_and_no_text_of_anyone(sqlite: Database) -> None:
    said = repr(previewed(sqlite, ROWS))
    for secret in ("0708091011", "07 08 09", "05 05 06 07 09", "Bonjour Awa"):
        assert secret not in said


cells = st.sampled_from(["Awa", "Noël", "ê" * 70, "x" * 200, "🙂", "", "{b}", "y" * 2_000])
tels = st.sampled_from(["0708091011", "07 08 09 10 11", "0505060708", "none", "", "+22670000000", "0101010101"])


@settings(max_examples=30)
@given(st.lists(st.tuples(tels, cells), min_size=1, max_size=12), st.booleans())
def test_it_is_what_the_campaign_becomes(rows: list[tuple[str, str]], transliterate: bool) -> None:
    audience = [{"tel": tel, "nom": nom} for tel, nom in rows]
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/campaigns.db")
        database.make()
        metadata.create_all(database.engine)
        found = previewed(database, audience, transliterate=transliterate)
        made = submit({**SPEC, "transliterate": transliterate}, audience, database=database)
        account = campaigns.progress(made.id, database=database)
        database.close()
    assert (found.rows, found.messages) == (account.recipients, account.messages)
    assert {reason: its.count for reason, its in found.excluded.items()} == account.excluded
    assert found.credits == account.credits_estimated
    assert found.total_segments == account.segments


def test_it_says_from_when_on_messages_may_leave_by_the_clocks_of_their_countries(sqlite: Database) -> None:
    clock = sqlite.clock()
    rows = [{"tel": number} for number in ("+2250708091011", "+2250708091012", "+2348012345678", "+12125550123")]
    hours = f"{clock - timedelta(hours=1):%H:%M}-{clock + timedelta(minutes=30):%H:%M}"  # in Lagos it is an hour later

    found = previewed(sqlite, rows, template="Bonjour", window=hours, window_zone="recipient").begins

    assert [(its.place, its.messages) for its in found] == [("CI", 2), ("NG", 1), ("US", 1)]
    abidjan, lagos, never = found
    assert abidjan.when is None
    assert abidjan.opens_at is not None
    assert abidjan.opens_at >= clock
    assert lagos.opens_at == (clock + timedelta(hours=22)).replace(second=0, microsecond=0)
    assert lagos.when == f"{clock + timedelta(hours=23):%a %Y-%m-%d %H:%M} Africa/Lagos"
    assert (never.opens_at, never.when) == (None, None)


def test_one_that_is_to_begin_later_says_when_its_window_opens_after_that(sqlite: Database) -> None:
    time = (sqlite.clock() + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
    options: dict[str, Any] = {"scheduled_at": time, "window": "13:00-14:00", "window_zone": "UTC"}

    (found,) = previewed(sqlite, ROWS, **options).begins

    assert (found.place, found.messages, found.opens_at) == ("UTC", 2, time + timedelta(hours=1))
    assert previewed(sqlite, ROWS).begins == ()
