"""Files, streams and iterables → numbered rows of text."""

import io
from collections import namedtuple
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from campaigns.cells import AudienceError
from campaigns.sources import open_rows
from tests.data.workbooks import ods, xlsx

Client = namedtuple("Client", ["name", "phone"])


def rows(source: Any) -> list[tuple[int, list[str]]]:
    with ExitStack() as opened:
        return list(open_rows(source, opened).numbered)


class Trickle:
    """A socket: it cannot seek, and gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self.left = data
        self.step = 7

    def read(self, size: int = -1) -> bytes:
        piece, self.left = self.left[: self.step], self.left[self.step :]
        return piece


class TestFiles:
    def test_a_path_is_read_whether_it_is_text_or_a_path(self, tmp_path: Path) -> None:
        path = tmp_path / "clients.csv"
        path.write_bytes(b"nom;tel\nAwa;1\n")
        assert rows(path) == rows(str(path)) == [(1, ["nom", "tel"]), (2, ["Awa", "1"])]

    def test_the_content_tells_the_kind_and_not_the_name(self, tmp_path: Path) -> None:
        path = tmp_path / "clients.csv"
        path.write_bytes(xlsx({"A1": "nom", "B1": "tel"}).getvalue())
        assert rows(path) == [(1, ["nom", "tel"])]

    @pytest.mark.parametrize(
        "source",
        [io.BytesIO(b"nom;tel\nNo\xebl;1\n"), io.StringIO("nom;tel\nNoël;1\n"), Trickle("nom;tel\nNoël;1\n".encode())],
        ids=["binary", "text", "a socket"],
    )
    def test_an_open_file_is_read_from_where_it_stands(self, source: Any) -> None:
        assert rows(source) == [(1, ["nom", "tel"]), (2, ["Noël", "1"])]

    @pytest.mark.parametrize(
        "data", [xlsx({"A1": "tel"}).getvalue(), "tel;né\n".encode("utf-16")], ids=["XLSX", "UTF-16"]
    )
    def test_a_kind_is_told_even_if_the_first_bytes_come_one_by_one(self, data: bytes) -> None:
        source = Trickle(data)
        source.step = 1
        assert rows(source)[0][1][0] == "tel"

    def test_a_file_that_is_not_there_is_an_error_that_names_it(self, tmp_path: Path) -> None:
        with pytest.raises(AudienceError, match=r"clients\.csv cannot be opened \(No such file"):
            rows(tmp_path / "clients.csv")

    def test_a_folder_is_an_error_that_names_it(self, tmp_path: Path) -> None:
        with pytest.raises(AudienceError, match=r"cannot be opened \(Is a directory"):
            rows(tmp_path)

    def test_a_text_file_opened_with_the_wrong_encoding_says_how_to_open_it(self, tmp_path: Path) -> None:
        path = tmp_path / "clients.csv"
        path.write_bytes("nom;tel\nNoël;1\n".encode("cp1252"))
        with path.open(encoding="utf-8") as file, pytest.raises(AudienceError, match="open it in binary"):
            rows(file)

    def test_a_disk_that_fails_in_the_middle_is_an_error_of_the_audience(self) -> None:
        class Failing(Trickle):
            def read(self, size: int = -1) -> bytes:
                if not self.left:
                    raise OSError(5, "Input/output error")
                return super().read(size)

        with pytest.raises(AudienceError, match="Input/output error"):
            rows(Failing(b"nom;tel\nAwa;1\n"))


class TestWorkbooks:
    def test_rows_keep_the_numbers_that_the_spreadsheet_shows(self) -> None:
        sheet = {"B3": "Nom", "C3": "Tél", "B5": "Awa", "C5": 2250708091011, "C6": 708091011.0}
        assert rows(xlsx(sheet)) == [
            (3, ["Nom", "Tél"]),
            (4, ["", ""]),
            (5, ["Awa", "2250708091011"]),
            (6, ["", "708091011"]),
        ]

    def test_the_first_sheet_that_holds_anything_is_read(self) -> None:
        assert rows(xlsx({}, {"A1": "0708091011"}, {"A1": "no"})) == [(1, ["0708091011"])]

    def test_a_workbook_without_anything_has_no_rows(self) -> None:
        assert rows(xlsx({})) == []

    def test_an_open_document_is_read(self) -> None:
        assert rows(ods([["nom", "tel"], ["A & B", "0708091011"]])) == [
            (1, ["nom", "tel"]),
            (2, ["A & B", "0708091011"]),
        ]

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"PK\x03\x04, and then no archive", id="no archive"),
            pytest.param(xlsx({"A1": "tel"}).getvalue()[:700], id="cut short"),
            pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 3_000, id="an old document, but no workbook"),
        ],
    )
    def test_a_workbook_that_cannot_be_read_says_what_to_do(self, data: bytes) -> None:
        with pytest.raises(AudienceError, match="save it anew"):
            rows(io.BytesIO(data))


class TestIterables:
    def test_mappings_have_the_columns_of_the_first(self) -> None:
        with ExitStack() as opened:
            taken = open_rows([{"nom": "Awa", "tel": 2250708091011}, {"tel": None, "autre": 1}], opened)
            assert taken.columns == ("nom", "tel")
            assert list(taken.numbered) == [(1, ["Awa", "2250708091011"]), (2, ["", ""])]

    def test_rows_of_a_query_have_the_columns_of_their_fields(self) -> None:
        with ExitStack() as opened:
            taken = open_rows([Client("Awa", 2250708091011)], opened)
            assert taken.columns == ("name", "phone")
            assert list(taken.numbered) == [(1, ["Awa", "2250708091011"])]

    @pytest.mark.parametrize("source", [["07", "05"], ("07", "05"), iter(["07", "05"]), {"07": 1, "05": 1}.keys()])
    def test_plain_numbers_are_one_column(self, source: Any) -> None:
        with ExitStack() as opened:
            taken = open_rows(source, opened)
            assert taken.columns == ("number",)
            assert list(taken.numbered) == [(1, ["07"]), (2, ["05"])]

    def test_plain_numbers_may_be_missing_or_come_from_a_column_of_floats(self) -> None:
        assert rows([None, 2250708091011.0, 2250708091011]) == [
            (1, [""]),
            (2, ["2250708091011"]),
            (3, ["2250708091011"]),
        ]

    @pytest.mark.parametrize(
        "source",
        [
            [{"tel": "07"}, ("07",)],
            [("07",), "0708091011"],
            ["07", {"tel": "07"}],
        ],
        ids=["a sequence among mappings", "a text among sequences", "a mapping among numbers"],
    )
    def test_a_row_unlike_the_first_is_refused_by_its_number(self, source: Any) -> None:
        with pytest.raises(AudienceError, match="row 2 is a"):
            rows(source)

    def test_a_fault_in_a_cell_names_the_row(self) -> None:
        with pytest.raises(AudienceError, match="row 2: a cell holds bytes"):
            rows([{"tel": "07"}, {"tel": b"07"}])

    @pytest.mark.parametrize("source", [b"0708", {"tel": "07"}, 7, None, [{1.5}], [object]], ids=repr)
    def test_what_is_no_audience_is_a_mistake_of_the_program(self, source: Any) -> None:
        with pytest.raises(TypeError, match=r"an audience is|a row is"):
            rows(source)

    def test_a_generator_is_drawn_from_only_as_far_as_rows_are_asked_for(self) -> None:
        drawn = iter(range(10**9))
        with ExitStack() as opened:
            numbered = open_rows(({"tel": n} for n in drawn), opened).numbered
            assert [next(numbered)[0] for _ in range(3)] == [1, 2, 3]
        assert next(drawn) == 3
