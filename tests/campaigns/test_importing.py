"""A file of people who want no texts is put on the list."""

import pytest

import campaigns
from campaigns import importing
from campaigns.database import Database
from campaigns.optouts import listing
from tests.campaigns import making


def test_a_file_is_taken_in_and_what_is_no_number_is_told_by_its_row(any_database: Database) -> None:
    rows = [{"nom": "A", "tel": f"+{making.FIRST}"}, {"nom": "B", "tel": "?"}, {"nom": "C", "tel": f"+{making.FIRST}"}]

    done = campaigns.import_opt_outs(rows, number_column="tel", source="stops.csv", database=any_database)
    again = campaigns.import_opt_outs(rows, number_column="tel", database=any_database)

    assert done == campaigns.Imported(rows=3, added=1, known=1, invalid=1, first_invalid=(2,))
    assert (again.added, again.known) == (0, 2)


def test_a_file_of_many_transactions_is_counted_whole(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "AT_ONCE", 2)
    rows = [{"tel": f"+{number}"} for number in [*making.numbers(5), making.FIRST]]
    done = campaigns.import_opt_outs(rows, number_column="tel", database=any_database)
    assert (done.rows, done.added, done.known) == (6, 5, 1)
    assert sum(1 for _ in listing(database=any_database)) == 5
