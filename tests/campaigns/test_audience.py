"""What a producer hands over: its columns, the one with the numbers, and its rows."""

import gc
import io
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from campaigns.audience import MOST_COLUMNS, AudienceError, open_audience
from campaigns.phone import normalizer
from tests.data import make_clients
from tests.data.workbooks import xlsx


def columns(source: Any, **options: Any) -> tuple[str, ...]:
    with open_audience(source, **options) as audience:
        return audience.columns


def rows(source: Any, **options: Any) -> list[tuple[int, list[str]]]:
    with open_audience(source, **options) as audience:
        return list(audience)


def number_column(text: str, **options: Any) -> str:
    with open_audience(io.StringIO(text), **options) as audience:
        return audience.columns[audience.number_column]


class TestTheNumberColumn:
    @pytest.mark.parametrize(
        "name",
        [
            *("telephone", "Téléphone", "TÉLÉPHONE", "Te\u0301le\u0301phone", "Tel", "Tél.", "Tel 1", "Téléphones"),
            *("numero", "Numéro", "N° de téléphone", "Numéro de portable", "Num tel", "mobile", "GSM", "Portable"),
            *("phone", "Phone number", "phone_number", "phoneNumber", "msisdn", "MSISDN", "contact", "Contacts"),
            *("cell", "Cellulaire", "Number", "SMS", "Mobiles"),
        ],
    )
    def test_a_usual_name_in_french_or_english_tells_it(self, name: str) -> None:
        assert number_column(f"Nom;{name};Ville\nAwa;0708091011;Man\n") == name

    def test_a_usual_name_tells_it_even_if_no_row_follows(self) -> None:
        assert number_column("Nom;Téléphone;Ville\n") == "Téléphone"

    def test_a_name_is_trusted_before_a_column_of_codes_that_look_like_numbers(self) -> None:
        assert number_column("Code client;Nom;Téléphone\n10000001;Awa;\n10000002;Yao;\n") == "Téléphone"

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            pytest.param("Téléphone;Portable\n2720304050;0708091011\n", "Portable", id="the mobile of two phones"),
            pytest.param("Tél fixe;Tél\n2720304050;0708091011\n", "Tél", id="not the landline"),
            pytest.param("Opérateur mobile;Tél\nMoov;0108091011\n", "Tél", id="a word about mobiles, no number"),
            pytest.param("Contact;Joindre au\nAwa;0708091011\n", "Joindre au", id="a contact that is a person"),
            pytest.param("Nom;Joindre au\nAwa;07 08 09 10 11\n", "Joindre au", id="the only one that looks like it"),
            pytest.param("Nom;Au;Né le\nAwa;0708091011;2001-12-31\n", "Au", id="a date is no number"),
            pytest.param("Nom;Au;Né le\nAwa;0708091011;31/12/2001\n", "Au", id="a French date is no number"),
            pytest.param("Nom;Au;Solde\nAwa;0708091011;12500000.50\n", "Au", id="an amount is no number"),
            pytest.param("Nom;Au\nAwa;\nYao;?\nKo;22507080910.0\nBa;0708091011\n", "Au", id="holes and garbage in it"),
            pytest.param("Clients\nAwa\n", "Clients", id="the only column"),
        ],
    )
    def test_content_decides_where_names_leave_a_doubt(self, text: str, name: str) -> None:
        assert number_column(text) == name

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("Nom;Ville;Solde\nAwa;Man;500\n", id="none"),
            pytest.param("Nom;Ville;Solde\n", id="none, and no rows"),
            pytest.param("Nom;A;B\nAwa;0708091011;0508091011\n", id="two alike"),
            pytest.param("Nom;Tél 1;Tél 2\nAwa;0708091011;0508091011\n", id="two phones"),
            pytest.param("Nom;Tél 1;Tél 2\nAwa;;\n", id="two empty phones"),
        ],
    )
    def test_it_is_refused_with_the_columns_found_where_it_cannot_be_told(self, text: str) -> None:
        names = ", ".join(text.splitlines()[0].split(";"))
        with pytest.raises(AudienceError, match=f"cannot be told; name it as number_column; the columns are: {names}$"):
            rows(io.StringIO(text))

    @pytest.mark.parametrize("name", ["Téléphones", "Contacts", "SMS"])
    def test_a_plural_tells_it_even_if_no_row_follows(self, name: str) -> None:
        assert number_column(f"Nom;{name};Ville\n") == name

    @pytest.mark.parametrize("asked", ["Tél 2", "tel 2", "TEL  2"])
    def test_it_can_be_named_without_accents_and_capitals(self, asked: str) -> None:
        assert number_column("Nom;Tél 1;Tél 2\nAwa;0708091011;0508091011\n", number_column=asked) == "Tél 2"

    def test_a_name_that_is_not_there_is_refused_with_the_columns_found(self) -> None:
        with pytest.raises(AudienceError, match=r"^there is no column 'GSM'; the columns are: Nom, Tél$"):
            rows(io.StringIO("Nom;Tél\nAwa;0708091011\n"), number_column="GSM")

    @pytest.mark.parametrize("length", [40, 200])
    def test_cells_of_digits_and_blanks_that_are_no_number_are_told_at_once(self, length: int) -> None:
        cell = ("1  " * length)[: length - 1] + "x"
        began = time.process_time()

        with pytest.raises(AudienceError, match="cannot be told"):
            columns(io.StringIO("a,b\n" + f"{cell},{cell}\n" * 20))

        assert time.process_time() - began < 2

    def test_no_number_is_in_the_message_of_an_error(self) -> None:
        with pytest.raises(AudienceError) as caught:
            rows(io.StringIO("Awa;0708091011;0508091011\n"))
        assert str(caught.value).endswith("the columns are: column_1, column_2, column_3")


class TestColumns:
    def test_names_are_stripped_filled_in_and_made_different(self) -> None:
        text = " Nom ;Nom;;Nom_2;\u00a0Tél\u00a0;\nAwa;B;C;D;0708091011;\n"
        assert columns(io.StringIO(text)) == ("Nom", "Nom_2", "column_3", "Nom_2_2", "Tél", "column_6")

    def test_a_line_break_in_a_name_becomes_a_blank(self) -> None:
        assert columns(io.StringIO('Nom;"Numéro de\ntéléphone"\nAwa;0708091011\n')) == ("Nom", "Numéro de téléphone")

    def test_a_first_row_with_a_number_in_it_is_a_recipient_and_no_header(self) -> None:
        text = "Awa;0708091011;Man\nYao;0508091011;Daloa\n"
        assert columns(io.StringIO(text)) == ("column_1", "number", "column_3")
        assert rows(io.StringIO(text))[0] == (1, ["Awa", "0708091011", "Man"])

    @pytest.mark.parametrize("asked", ["number", "column_3"])
    def test_columns_without_a_header_can_be_asked_for_by_the_names_they_get(self, asked: str) -> None:
        text = "Awa;x;0708091011\n"
        assert columns(io.StringIO(text), number_column=asked) == ("column_1", "column_2", "number")

    def test_a_header_may_hold_digits_if_it_is_asked_for_by_name(self) -> None:
        assert rows(io.StringIO("20240131;Nom\n0708091011;Awa\n"), number_column="20240131") == [
            (2, ["0708091011", "Awa"])
        ]

    def test_a_table_that_lost_its_line_ends_is_refused(self) -> None:
        with pytest.raises(AudienceError, match="1,001 columns"):
            rows(io.StringIO("Nom;" * MOST_COLUMNS))

    @pytest.mark.parametrize(
        "source",
        [
            io.BytesIO(b""),
            io.StringIO(""),
            io.StringIO("\n\n  \n"),
            io.BytesIO(b"\xef\xbb\xbf"),
            [],
            iter([]),
            xlsx({}),
        ],
        ids=["file", "text", "blank lines", "only a mark", "list", "generator", "workbook"],
    )
    def test_an_audience_of_nobody_is_one_column_without_rows(self, source: Any) -> None:
        with open_audience(source) as audience:
            assert (audience.columns, audience.number_column, list(audience)) == (("number",), 0, [])


class TestRows:
    def test_rows_have_as_many_cells_as_there_are_columns(self) -> None:
        text = "Nom;Tél;Ville\nAwa;0708091011\nYao;0508091011;Man;x;y\n"
        assert rows(io.StringIO(text)) == [(2, ["Awa", "0708091011", ""]), (3, ["Yao", "0508091011", "Man"])]

    def test_blank_rows_of_a_file_are_passed_over_and_counted(self) -> None:
        text = "\nNom;Tél\n\n;;;\n  ; \nAwa;0708091011\nYao;\n"
        assert rows(io.StringIO(text)) == [(6, ["Awa", "0708091011"]), (7, ["Yao", ""])]

    def test_a_blank_item_of_an_iterable_is_a_recipient_without_a_number(self) -> None:
        assert rows(["0708091011", "", None]) == [(1, ["0708091011"]), (2, [""]), (3, [""])]

    def test_sequences_may_begin_with_a_header(self) -> None:
        assert rows([("Nom", "Tél"), ("Awa", 2250708091011)]) == [(2, ["Awa", "2250708091011"])]

    def test_sequences_without_a_header_count_from_one(self) -> None:
        assert rows([("Awa", "0708091011"), ["Yao", None]]) == [(1, ["Awa", "0708091011"]), (2, ["Yao", ""])]

    def test_the_rows_that_were_looked_at_first_are_not_lost(self) -> None:
        assert [number for number, _ in rows([f"07{n:08d}" for n in range(100)])] == list(range(1, 101))

    def test_a_generator_is_drawn_from_only_as_far_as_rows_are_asked_for(self) -> None:
        drawn = iter(range(10**9))
        with open_audience(f"07{n:08d}" for n in drawn) as audience:
            assert next(iter(audience)) == (1, ["0700000000"])
        assert next(drawn) < 100


class TestClosing:
    def test_a_file_that_was_opened_here_is_closed_here(self, tmp_path: Path) -> None:
        path = tmp_path / "clients.csv"
        path.write_text("tel\n" + "0708091011\n" * 100_000)
        with open_audience(path) as audience:
            pass
        with pytest.raises(ValueError, match="closed file"):
            list(audience)

    def test_a_file_that_is_refused_is_closed_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "clients.csv"
        path.write_text("Nom;Ville\n")
        with pytest.raises(AudienceError):
            open_audience(path)
        gc.collect()  # warns of files left open, and warnings are errors

    def test_a_file_that_came_open_stays_open(self) -> None:
        file = io.BytesIO(b"tel\n0708091011\n")
        with open_audience(file):
            pass
        assert not file.closed


class TestTheShippedList:
    def test_it_is_what_its_generator_makes(self) -> None:
        assert make_clients.FILE.read_bytes() == make_clients.make()

    def test_it_holds_what_its_generator_states(self) -> None:
        read = normalizer("CI")
        seen: set[int] = set()
        found: Counter[str] = Counter()
        for _, (name, _, raw, *_) in rows(make_clients.FILE):
            msisdn = read(raw)
            kind = "valid" if name else "nameless"
            kind = "invalid" if msisdn is None else "duplicate" if msisdn in seen else kind
            found[kind] += 1
            seen.add(msisdn or 0)
        assert found == {
            "valid": make_clients.VALID,
            "invalid": make_clients.INVALID_COUNT,
            "duplicate": make_clients.DUPLICATES,
            "nameless": make_clients.NAMELESS,
        }
        assert found.total() == make_clients.ROWS >= 5_000

    def test_its_columns_are_told_and_its_odd_names_are_read(self) -> None:
        with open_audience(make_clients.FILE) as audience:
            assert audience.columns == make_clients.HEADER
            assert audience.columns[audience.number_column] == "Téléphone"
            names = {cells[0] for _, cells in audience}
        assert names > {*make_clients.ODD_NAMES, ""}
