"""An account's row: a lock, and the memory of a gateway that is away."""

from campaigns import accounts, models, turns
from campaigns.database import Database
from campaigns.states import BatchState
from tests.campaigns import making


def test_each_failure_in_a_row_doubles_the_wait_up_to_a_minute(any_database: Database) -> None:
    waits = []
    for _ in range(9):
        waits.append(accounts.away(any_database, making.ACCOUNT, "connection refused"))
        making.clock_goes_on(any_database, waits[-1], models.accounts.c.away_until)

    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


def test_nothing_is_claimed_while_the_gateway_is_away_and_again_when_it_is_back(any_database: Database) -> None:
    campaign = making.funded(any_database, making.numbers(1))
    making.away(any_database, making.ACCOUNT, "connection refused")
    while_away = turns.candidates(any_database, making.ACCOUNT, 9)

    accounts.back(any_database, making.ACCOUNT)

    assert while_away == []
    assert turns.candidates(any_database, making.ACCOUNT, 9) == [campaign]


def test_another_account_goes_on_while_one_is_away(any_database: Database) -> None:
    accounts.away(any_database, "other", "connection refused")
    campaign = making.funded(any_database, making.numbers(1))

    assert turns.candidates(any_database, making.ACCOUNT, 9) == [campaign]


def test_an_answer_makes_the_next_wait_short_again(any_database: Database) -> None:
    accounts.away(any_database, making.ACCOUNT, "connection refused")
    making.clock_goes_on(any_database, 1, models.accounts.c.away_until)
    assert accounts.away(any_database, making.ACCOUNT, "connection refused") == 2.0

    accounts.back(any_database, making.ACCOUNT)

    assert accounts.away(any_database, making.ACCOUNT, "connection refused") == 1.0


def test_lanes_that_fail_together_are_one_outage(any_database: Database) -> None:
    def fail() -> float:
        return accounts.away(any_database, "new", "connection refused")

    assert all(0 < wait <= 1 for wait in making.at_once(fail, fail, fail, fail))
    making.clock_goes_on(any_database, 1, models.accounts.c.away_until)
    assert fail() == 2.0


def test_a_doubt_that_comes_late_in_an_outage_is_remembered(any_database: Database) -> None:
    making.away(any_database, making.ACCOUNT, "connection refused")
    accounts.away(any_database, making.ACCOUNT, "HTTP 503", doubtful=True)
    campaign = making.funded(any_database, making.numbers(1))

    accounts.back(any_database, making.ACCOUNT, proven=False)
    still_away = turns.candidates(any_database, making.ACCOUNT, 9)
    accounts.back(any_database, making.ACCOUNT)

    assert still_away == []
    assert turns.candidates(any_database, making.ACCOUNT, 9) == [campaign]


def test_an_answer_of_an_account_that_never_failed_writes_nothing(any_database: Database) -> None:
    accounts.back(any_database, "unheard")

    campaign = making.funded(any_database, making.numbers(1))
    assert making.batch_states(any_database, campaign) == [BatchState.PENDING]


def unserved(database: Database, *names: str) -> list[bool]:
    with database.reading() as connection:
        return [accounts.unserved(connection, name) for name in names]


def test_whoever_has_an_account_says_so_now_and_then(any_database: Database) -> None:
    said = [accounts.serve(any_database, [making.ACCOUNT, "other"]) for _ in range(2)]
    making.clock_goes_on(any_database, accounts.SERVED_SECONDS / 2, models.accounts.c.served_at)
    said.append(accounts.serve(any_database, [making.ACCOUNT]))
    both = unserved(any_database, making.ACCOUNT, "other")
    making.clock_goes_on(any_database, accounts.SERVED_SECONDS / 2 + 1, models.accounts.c.served_at)

    assert said == [2, 0, 1]
    assert both == [False, False]
    assert unserved(any_database, making.ACCOUNT, "other", "new") == [False, True, True]


def test_whoever_has_an_account_says_whether_nobody_else_sends_through_it(any_database: Database) -> None:
    def alone() -> list[str]:
        with any_database.reading() as connection:
            return accounts.exclusive(connection)

    accounts.serve(any_database, [making.ACCOUNT, "other", "third"], exclusive=["other", "third"])
    assert alone() == ["other", "third"]
    making.clock_goes_on(any_database, accounts.SERVED_SECONDS / 2, models.accounts.c.served_at)
    accounts.serve(any_database, [making.ACCOUNT, "other"], exclusive=[making.ACCOUNT])
    assert alone() == [making.ACCOUNT, "third"], (
        "once its settings say another thing; of those of others nothing is said"
    )


def test_where_no_worker_is_at_work_none_is_missed(any_database: Database) -> None:
    assert unserved(any_database, "new") == [False]
