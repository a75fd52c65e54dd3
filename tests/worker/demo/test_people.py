"""Recipients of a demo of any size."""

import math
from itertools import islice

from campaigns.phone import normalizer
from worker.demo.people import LIMIT, PEOPLE_AT_MOST, PREFIXES, SPREAD, people


def test_nobody_has_another_one_s_number() -> None:
    numbers = [number for _, number, _ in rows(100_000)]
    assert len(set(numbers)) == 100_000


def test_numbers_repeat_only_after_every_one_was_given() -> None:
    assert math.gcd(SPREAD, LIMIT) == 1
    assert LIMIT * len(PREFIXES) == PEOPLE_AT_MOST


def test_each_number_is_a_mobile_as_the_gateway_wants_it() -> None:
    normalize = normalizer("BF")
    assert [number for _, number, _ in rows(3_000) if normalize(number) != int(number)] == []


def test_a_header_names_the_columns() -> None:
    assert next(people(1)) == ("Nom", "Téléphone", "Solde")


def test_they_are_the_same_each_time_and_made_one_by_one() -> None:
    assert list(islice(people(PEOPLE_AT_MOST), 21)) == list(people(20))


def rows(count: int) -> list[tuple[str, str, str]]:
    return list(people(count))[1:]
