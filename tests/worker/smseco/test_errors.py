"""Errors travel between processes, and are written to logs."""

import pickle

import pytest

from worker.smseco.codes import REFUSALS, REPORT_CODES, refusal
from worker.smseco.errors import BadReply, GatewayError, InDoubt, NotSent, Unreachable

ERRORS = [
    NotSent("timed out"),
    InDoubt("timed out", "m-1"),
    Unreachable("timed out", begun=False, partial=b"x"),
    BadReply("HTML", partial=b"x"),
    *[refusal(code) for code in REFUSALS],
]


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_an_error_survives_a_journey_between_processes(error):
    arrived = pickle.loads(pickle.dumps(error))
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_one_clause_catches_them_all(error):
    assert isinstance(error, GatewayError)


def test_every_documented_refusal_is_known_but_the_one_that_says_nothing():
    assert sorted(REFUSALS) == list(range(-14, 0))
    assert refusal(-15) is None


def test_the_ten_report_statuses_are_as_the_vendor_bills_them():
    billed = {code for code, status in REPORT_CODES.items() if status.billed}
    assert billed == {65, 55, 61, 56, 59, 60}
    assert set(REPORT_CODES) - billed == {50, 62, 54, 49}
    assert {code for code, status in REPORT_CODES.items() if not status.final} == {50, 65, 55, 61}
