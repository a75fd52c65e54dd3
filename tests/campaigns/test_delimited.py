"""Bytes, or text, as files and sockets give them → numbered rows."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.cells import AudienceError
from campaigns.decoding import BLOCK, LONGEST_LINE
from campaigns.delimited import read_rows


def rows(text: bytes | str) -> list[list[str]]:
    return [cells for _, cells in read_rows(iter([text]))]


def in_blocks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[i : i + size] for i in range(0, len(data), size))


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
    def test_french_is_read_in_each_encoding_that_spreadsheets_save(self, encoding: str) -> None:
        text = "Prénom;Ville\nFrançoise;N’Zi\n"
        marked = f"\ufeff{text}" if encoding in {"utf-16-le", "utf-16-be"} else text
        assert rows(marked.encode(encoding)) == [["Prénom", "Ville"], ["Françoise", "N’Zi"]]

    def test_lines_of_two_encodings_in_one_file_are_both_read(self) -> None:
        assert rows("Aïcha;é\n".encode() + "Noël;’\n".encode("cp1252")) == [["Aïcha", "é"], ["Noël", "’"]]

    def test_a_byte_that_means_nothing_costs_one_character(self) -> None:
        assert rows(b"Awa\x81\xe9;1\n") == [["Awa\ufffdé", "1"]]

    def test_text_that_was_decoded_already_is_taken_without_its_mark(self) -> None:
        assert rows("\ufeffnom;tel\nNoël;1\n") == [["nom", "tel"], ["Noël", "1"]]

    def test_a_nul_here_and_there_is_dropped(self) -> None:
        assert rows(b"nom;tel\n" + b"Awa;123\n" * 50 + b"K\0o;1\n")[-1] == ["Ko", "1"]

    @pytest.mark.parametrize("data", [b"%PDF-1.7\0\0\0\0", "nom;tel\n".encode("utf-16-le")], ids=["PDF", "no mark"])
    def test_what_is_no_text_is_refused_with_advice(self, data: bytes) -> None:
        with pytest.raises(AudienceError, match="save it as CSV"):
            rows(data)

    def test_utf_16_cut_in_the_middle_of_a_character_is_refused(self) -> None:
        with pytest.raises(AudienceError, match="not the text that it claims to be"):
            rows("nom;tel\nAwa;1\n".encode("utf-16")[:-1])


class TestDelimiters:
    @pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"], ids=["semicolon", "comma", "tab", "bar"])
    def test_each_usual_delimiter_is_found(self, delimiter: str) -> None:
        assert rows(f"nom{delimiter}tel\nAwa{delimiter}1\n") == [["nom", "tel"], ["Awa", "1"]]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param("Nom;Solde\nAwa;15,50\nYao;8,25\n", [["Nom", "Solde"], ["Awa", "15,50"]], id="decimals"),
            pytest.param("Awa;0708;15,50\nYao;0509;8,25\n", [["Awa", "0708", "15,50"]], id="decimals, no header"),
            pytest.param("nom,note\nAwa,a;b\nYao,c\n", [["nom", "note"], ["Awa", "a;b"]], id="a stray semicolon"),
            pytest.param('nom,note\n"Koné; Awa; Yao",c\n', [["nom", "note"], ["Koné; Awa; Yao", "c"]], id="in quotes"),
            pytest.param("Bonjour, numéros\n0708\n0509\n", [["Bonjour, numéros"], ["0708"]], id="one column"),
            pytest.param("0708\n0509\n", [["0708"], ["0509"]], id="one column, no header"),
            pytest.param(
                "a;b\nA;1,5\n7,5\n8,5\n", [["a", "b"], ["A", "1,5"], ["7,5"]], id="a header knows no decimals"
            ),
            pytest.param("Solde|a\n1;5|b\n2;5|c\n", [["Solde", "a"], ["1;5", "b"]], id="a stray one in each row"),
            pytest.param("sep=|\nnom|a;b\nAwa|c;d\n", [["nom", "a;b"], ["Awa", "c;d"]], id="named by a first line"),
        ],
    )
    def test_the_delimiter_is_the_one_that_makes_columns(self, text: str, expected: list[list[str]]) -> None:
        assert rows(text)[: len(expected)] == expected


class TestRows:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["Unix", "Windows", "old Mac"])
    def test_each_kind_of_line_end_ends_a_row(self, end: str) -> None:
        assert rows(end.join(["nom;tel", "Awa;1", "Yao;2"])) == [["nom", "tel"], ["Awa", "1"], ["Yao", "2"]]

    def test_rows_are_counted_as_a_spreadsheet_shows_them(self) -> None:
        text = 'nom;tel\n"Rue 12\nAbidjan";1\n\nYao;2\n'
        assert list(read_rows(iter([text]))) == [
            (1, ["nom", "tel"]),
            (2, ["Rue 12\nAbidjan", "1"]),
            (3, []),
            (4, ["Yao", "2"]),
        ]

    def test_a_quote_that_is_never_closed_is_refused_with_its_row_instead_of_swallowing_the_rest(self) -> None:
        with pytest.raises(AudienceError, match=r"row 3: a quote \(\"\) is opened and never closed"):
            rows('nom;tel\nAwa;1\n"Yao;2\nKofi;3\n')

    def test_a_quote_inside_a_word_is_just_a_character(self) -> None:
        assert rows('Le "Marché";1\n') == [['Le "Marché"', "1"]]

    def test_ten_megabytes_in_one_cell_are_refused_with_the_row(self) -> None:
        data = b"tel;nom\n1;Awa\n2;" + b"x" * 10_000_000 + b"\n"
        with pytest.raises(AudienceError, match=r"^row 3 is longer than 1,048,576 characters$"):
            list(read_rows(in_blocks(data, BLOCK)))

    def test_a_cell_too_long_for_the_csv_module_is_refused_with_the_row(self) -> None:
        with pytest.raises(AudienceError, match=f"^row 3: a cell is longer than {csv.field_size_limit():,}"):
            rows(b"tel;nom\n1;Awa\n2;" + b"x" * 200_000 + b"\n")

    def test_ten_megabytes_of_quoted_lines_are_refused_too(self) -> None:
        with pytest.raises(AudienceError, match="row 2: a cell is longer"):
            list(read_rows(in_blocks(b'tel;nom\n1;"' + b"x\n" * 5_000_000, BLOCK)))

    def test_no_more_is_read_than_the_rows_that_are_drawn_need(self) -> None:
        drawn = 0

        def endless() -> Iterator[bytes]:
            nonlocal drawn
            while True:
                drawn += 1
                yield b"Awa;0708091011\n" * 100

        stream = read_rows(endless())
        for _ in range(1_000):
            next(stream)
        assert drawn <= 11

    def test_a_line_is_never_held_beyond_the_limit(self) -> None:
        drawn = 0

        def endless() -> Iterator[bytes]:
            nonlocal drawn
            while True:
                drawn += 1
                yield b"7" * BLOCK

        with pytest.raises(AudienceError, match="row 1 is longer"):
            next(read_rows(endless()))
        assert drawn == LONGEST_LINE // BLOCK + 1


@given(
    table=st.lists(
        st.lists(st.text(alphabet='aé’;,"\r\n \tz0', max_size=6), min_size=2, max_size=2), min_size=1, max_size=12
    ),
    size=st.integers(1, 40),
)
def test_however_the_blocks_are_cut_the_rows_are_those_of_the_whole(table: list[list[str]], size: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL).writerows([["nom", "tel"], *table])
    data = text.getvalue().encode()
    assert list(read_rows(in_blocks(data, size))) == list(read_rows(iter([data])))
    assert [cells for _, cells in read_rows(iter([data]))] == [["nom", "tel"], *table]
