"""Who wants no texts is on a list, by number or by its hash, until they are taken off it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

import campaigns
from campaigns import unwanted
from campaigns.database import Database
from campaigns.models import opt_out_lists, opt_outs
from campaigns.optouts import AT_ONCE, listing
from campaigns.settings import domain_settings
from campaigns.unwanted import OptOutKeyError
from tests.campaigns import making

AWA, KOFFI, YAO = making.numbers(3)
SECRET = "a secret of some length"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """OPT_OUT_KEY is set."""
    set_secret(monkeypatch, SECRET)
    yield
    monkeypatch.undo()
    domain_settings.cache_clear()


def set_secret(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("OPT_OUT_KEY", secret)
    domain_settings.cache_clear()


def unwanted_of(database: Database, *numbers: int, account: str = "default") -> set[int]:
    with database.transaction() as connection:
        return unwanted.among(connection, account, numbers)


def kept(database: Database) -> list[int]:
    with database.reading() as connection:
        return list(connection.execute(select(opt_outs.c.key)).scalars())


def changes(database: Database, account: str = "default") -> int:
    with database.reading() as connection:
        return unwanted.seen(connection, account)


def test_who_opts_out_of_all_is_unwanted_by_each_account(any_database: Database) -> None:
    added = campaigns.opt_out(f"+{AWA}", AWA, "07 00 00 00 01", source="hotline", database=any_database)

    assert added == 2
    assert unwanted_of(any_database, AWA, KOFFI, YAO, account="shop") == {AWA, KOFFI}
    [entry] = campaigns.opted_out(AWA, database=any_database)
    assert (entry.number, entry.account, entry.source) == (AWA, None, "hotline")
    assert abs((entry.at - any_database.clock()).total_seconds()) < 60


def test_who_opts_out_of_one_account_may_be_texted_by_others(any_database: Database) -> None:
    campaigns.opt_out(AWA, account="shop", database=any_database)

    assert unwanted_of(any_database, AWA, account="shop") == {AWA}
    assert unwanted_of(any_database, AWA) == set()
    assert (changes(any_database, "shop"), changes(any_database)) == (1, 0)


def test_who_is_on_the_list_stays_as_he_was_and_changes_nothing(any_database: Database) -> None:
    campaigns.opt_out(AWA, source="form", database=any_database)

    assert campaigns.opt_out(AWA, source="again", database=any_database) == 0
    assert campaigns.opted_out(AWA, database=any_database)[0].source == "form"
    assert changes(any_database) == 1


def test_what_is_no_number_changes_nothing_and_is_not_quoted(any_database: Database) -> None:
    with pytest.raises(campaigns.NoNumberError, match="number 2 of 2 is no mobile number") as refused:
        campaigns.opt_out(AWA, "not a number 0700", database=any_database)

    assert "0700" not in str(refused.value)
    assert kept(any_database) == []


def test_who_opts_in_again_is_off_all_lists_or_off_one(any_database: Database) -> None:
    for account in (None, "shop", "clinic"):
        campaigns.opt_out(AWA, KOFFI, account=account, database=any_database)

    assert campaigns.opt_in(AWA, account="shop", database=any_database) == 1
    assert {entry.account for entry in campaigns.opted_out(AWA, database=any_database)} == {None, "clinic"}
    assert campaigns.opt_in(AWA, database=any_database) == 2
    assert campaigns.opted_out(AWA, database=any_database) == []
    assert len(campaigns.opted_out(KOFFI, database=any_database)) == 3


def test_a_list_of_more_than_a_page_is_listed_whole_and_each_once(any_database: Database) -> None:
    many = making.numbers(AT_ONCE + 3)
    rows = [{"tel": f"+{number}"} for number in many]
    campaigns.import_opt_outs(rows, number_column="tel", account="shop", database=any_database)
    campaigns.opt_out(AWA, database=any_database)

    assert [entry.number for entry in listing("shop", database=any_database)] == many
    assert sum(1 for _ in listing(database=any_database)) == AT_ONCE + 4


@pytest.mark.usefixtures("secret")
def test_with_a_secret_no_number_is_kept_and_each_is_known_again(any_database: Database) -> None:
    campaigns.opt_out(AWA, KOFFI, database=any_database)

    assert all(key < 0 for key in kept(any_database))
    assert unwanted_of(any_database, AWA, YAO) == {AWA}
    assert [entry.number for entry in listing(database=any_database)] == [None, None]
    assert campaigns.opted_out(AWA, database=any_database)[0].number == AWA
    assert campaigns.opt_in(AWA, database=any_database) == 1
    assert unwanted_of(any_database, AWA, KOFFI) == {KOFFI}


def test_what_was_kept_before_there_was_a_secret_counts_until_it_is_hashed(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaigns.opt_out(AWA, KOFFI, source="form", database=any_database)
    [before, _] = listing(database=any_database)
    set_secret(monkeypatch, SECRET)
    still = unwanted_of(any_database, AWA, KOFFI)

    again = campaigns.opt_out(AWA, database=any_database)

    assert (still, again) == ({AWA, KOFFI}, 0)
    assert unwanted_of(any_database, AWA, KOFFI) == {AWA, KOFFI}
    assert len([key for key in kept(any_database) if key < 0]) == 1
    [hashed] = campaigns.opted_out(AWA, database=any_database)
    assert (hashed.source, hashed.at) == ("form", before.at)
    monkeypatch.undo()
    domain_settings.cache_clear()


@pytest.mark.parametrize("other", ["another secret, quite as long", None], ids=["another", "none"])
def test_with_another_secret_nobody_is_taken_for_wanted(
    any_database: Database, monkeypatch: pytest.MonkeyPatch, other: str | None
) -> None:
    set_secret(monkeypatch, SECRET)
    campaigns.opt_out(AWA, account="shop", database=any_database)
    if other is None:
        monkeypatch.delenv("OPT_OUT_KEY")
        domain_settings.cache_clear()
    else:
        set_secret(monkeypatch, other)

    for ask in (campaigns.opt_out, campaigns.opt_in, campaigns.opted_out):
        with pytest.raises(OptOutKeyError, match="another OPT_OUT_KEY"):
            ask(KOFFI, **({} if ask is campaigns.opted_out else {"account": "shop"}), database=any_database)
    with pytest.raises(OptOutKeyError):
        unwanted_of(any_database, KOFFI, account="shop")
    assert unwanted_of(any_database, AWA, account="clinic") == set()
    monkeypatch.undo()
    domain_settings.cache_clear()


def test_additions_at_once_are_each_counted(postgresql: Database) -> None:
    with postgresql.transaction() as first:
        first.execute(opt_out_lists.insert().values(account="*", changes=1))

    added = making.at_once(*[lambda n=n: campaigns.opt_out(n, database=postgresql) for n in making.numbers(8)])

    assert (sum(added), changes(postgresql)) == (8, 9)


def test_an_opt_out_shows_no_number(any_database: Database) -> None:
    campaigns.opt_out(AWA, database=any_database)

    assert str(AWA) not in repr(campaigns.opted_out(AWA, database=any_database))
