"""One object a line → columns and numbered rows."""

import io
import json
from typing import Any

import pytest

from campaigns.audience import open_audience
from campaigns.cells import AudienceError


def read(data: bytes | str) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    source: Any = io.BytesIO(data) if isinstance(data, bytes) else io.StringIO(data)
    with open_audience(source) as audience:
        return audience.columns, list(audience)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_that_begins_with_a_brace_is_read_by_the_object_whatever_its_encoding(encoding: str) -> None:
    data = '\n{"nom": "Noël", "tel": "0708091011"}\r\n\n{"tel": 22505060708, "nom": "Zoé\\u2028"}'.encode(encoding)
    assert read(data) == (("nom", "tel"), [(2, ["Noël", "0708091011"]), (4, ["Zoé\u2028", "22505060708"])])


def test_text_that_is_decoded_already_is_read_too() -> None:
    assert read('\ufeff{"tel": "0708091011"}\n')[1] == [(1, ["0708091011"])]


def test_a_line_separator_of_unicode_inside_a_text_ends_no_line() -> None:
    assert read('{"tel": "0708091011", "nom": "a\u2028b"}\n')[1] == [(1, ["0708091011", "a\u2028b"])]


def test_the_columns_are_the_keys_of_all_the_first_objects() -> None:
    columns, rows = read('{"tel": "0708091011"}\n{"nom": "Awa", "tel": "0708091012"}\n')
    assert columns == ("tel", "nom")
    assert [cells for _, cells in rows] == [["0708091011", ""], ["0708091012", "Awa"]]


def test_a_key_that_comes_late_is_passed_over_and_memory_is_not_asked_for_it() -> None:
    many = '{"tel": "0708091011"}\n' * 1_000 + '{"tel": "0708091012", "late": 1}\n'
    columns, rows = read(many)
    assert columns == ("tel",)
    assert rows[-1] == (1_001, ["0708091012"])


@pytest.mark.parametrize(
    ("value", "cell"),
    [(None, ""), (True, "true"), (15.5, "15.5"), (22507080910.0, "22507080910"), (["a"], ""), ({"a": 1}, ""),
     ("a\0b", "ab")],
)  # fmt: skip
def test_a_value_is_the_text_that_a_person_would_write_and_a_structure_is_a_gap(value: object, cell: str) -> None:
    line = json.dumps({"tel": "0708091011", "x": value})
    assert read(line)[1] == [(1, ["0708091011", cell])]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"tel": "0708091011"}\n{"tel": ', "line 2 is no JSON"),
        ('{"tel": "0708091011"}\n["0708091011"]\n', "line 2 is no JSON object"),
        ('{"tel":\n "0708091011"}\n', "line 1 is no JSON"),
        (' [\n {"tel": "0708091011"}]\n', "one JSON array: save one object a line"),
        ('{"tel": "0708091011", "x": "' + "x" * 200_000 + '"}\n', "line 1: a cell is longer"),
        ('{"tel": "' + "x" * 2_000_000, "line 1 is longer than"),
    ],
    ids=["cut short", "another kind", "over several lines", "an array", "a long cell", "a long line"],
)
def test_what_cannot_be_read_is_named_by_its_line_and_never_by_its_number(data: str, said: str) -> None:
    with pytest.raises(AudienceError, match=said) as refused:
        read(data)
    assert "0708091011" not in str(refused.value)
