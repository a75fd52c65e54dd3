"""What may be said of a failure: errors quote what they are about, and logs, events and Flower show errors."""

import traceback
from collections.abc import Callable

import pytest
from celery.exceptions import Ignore, Reject, Retry
from sqlalchemy import text

from campaigns.database import Database, NotMigratedError
from worker.discretion import StageFailedError, discreet

NUMBER = "2250700000001"


def failure(fail: Callable[[], object]) -> BaseException:
    with pytest.raises(StageFailedError) as raised:
        discreet(fail)()
    shown = "".join(traceback.format_exception(raised.value))
    assert NUMBER not in shown
    assert fail.__name__ in shown  # the place is what mends it
    return raised.value


def test_an_error_of_any_kind_is_its_kind_alone() -> None:
    def look_it_up() -> None:
        int(f"{NUMBER}x")

    assert str(failure(look_it_up)) == "ValueError"


def test_neither_is_its_cause_shown() -> None:
    def chained() -> None:
        raise RuntimeError(NUMBER) from KeyError(NUMBER)

    assert str(failure(chained)) == "RuntimeError"


def test_a_database_s_error_is_its_driver_s_kind(sqlite: Database) -> None:
    def insert() -> None:
        with sqlite.transaction() as connection:
            connection.execute(text("INSERT INTO accounts (name) VALUES (:it), (:it)"), {"it": NUMBER})

    assert str(failure(insert)) == "IntegrityError"


def test_what_is_meant_for_everybody_is_said() -> None:
    def look() -> None:
        raise NotMigratedError("run `campaigns migrate`")

    assert str(failure(look)) == "run `campaigns migrate`"


@pytest.mark.parametrize("signal", [Retry(), Ignore(), Reject(), SystemExit(1)], ids=lambda one: type(one).__name__)
def test_what_celery_is_told_passes(signal: BaseException) -> None:
    def tell() -> None:
        raise signal

    with pytest.raises(type(signal)) as raised:
        discreet(tell)()
    assert raised.value is signal
