"""Segments against a second opinion, cleaning against an XML parser, transliteration against the table it must obey."""

import unicodedata

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from campaigns.text import (
    BASIC,
    EXTENSION,
    MAX_CHARACTERS,
    MAX_SEGMENTS,
    Alphabet,
    Room,
    blockers,
    clean,
    fits_gsm7,
    measure,
    segments,
    too_long,
    transliterate,
)

GSM7, UCS2 = Alphabet.GSM7, Alphabet.UCS2
FRENCH = "".join(chr(code) for code in range(0xC0, 0x100)) + "œŒŸÿ’‘“”«»–—…\u00a0\u202f°€"

# Long runs of few characters, so that pairs fall on the cuts; and anything at all, but for what `clean` removes.
runs = st.lists(st.tuples(st.sampled_from(["a", "é", "€", "[", "ê", "😀", "\n"]), st.integers(1, 170)), max_size=6).map(
    lambda pieces: "".join(character * count for character, count in pieces)
)
gsm7_texts = st.text(st.sampled_from(BASIC + EXTENSION), max_size=500)
any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1b"), max_size=200)
raw_text = st.text(st.characters(codec=None), max_size=60)


def the_oracle_measures(text: str) -> tuple[Alphabet, int]:
    split = smsutil.split(text)
    return GSM7 if split.encoding == "gsm0338" else UCS2, len(split.parts)


@pytest.mark.parametrize(
    ("text", "alphabet", "expected"),
    [
        pytest.param("x" * 70, UCS2, 1, id="as many as fit"),
        pytest.param("x" * 71, UCS2, 2, id="one more"),
        pytest.param("€" * 80, GSM7, 1, id="each is two septets"),
        pytest.param("ê" * 160, GSM7, 1, id="whatever becomes of them, they are as many"),
    ],
)
def test_a_text_can_be_measured_in_an_alphabet_that_it_does_not_need(
    text: str, alphabet: Alphabet, expected: int
) -> None:
    assert segments(text, alphabet) == expected


@given(any_text)
def test_in_the_alphabet_that_it_needs_a_text_costs_what_it_measures(text: str) -> None:
    alphabet, cost = measure(text)
    assert segments(text, alphabet) == cost


class TestMeasure:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param("", (GSM7, 1), id="an empty text is still an SMS"),
            pytest.param("a" * 160, (GSM7, 1), id="160 in one part"),
            pytest.param("a" * 161, (GSM7, 2), id="161 in two of 153"),
            pytest.param("a" * 306, (GSM7, 2), id="306 fill two"),
            pytest.param("a" * 307, (GSM7, 3), id="307 need three"),
            pytest.param("€" * 80, (GSM7, 1), id="an extension character costs two"),
            pytest.param("€" * 81, (GSM7, 2), id="so 81 of them are too many"),
            pytest.param("a" * 152 + "€" + "a" * 152, (GSM7, 3), id="an escape pair is not split at 153"),
            pytest.param("a" * 151 + "€" + "a" * 153, (GSM7, 2), id="nor moved if it fits"),
            pytest.param("ê" * 70, (UCS2, 1), id="70 in one UCS-2 part"),
            pytest.param("ê" * 71, (UCS2, 2), id="71 in two of 67"),
            pytest.param("ê" * 134, (UCS2, 2), id="134 fill two"),
            pytest.param("😀" * 35, (UCS2, 1), id="an emoji is two units"),
            pytest.param("😀" * 36, (UCS2, 2), id="so 36 are too many"),
            pytest.param("ê" * 66 + "😀" + "ê" * 66, (UCS2, 3), id="a surrogate pair is not split at 67"),
            pytest.param("a" * 159 + "ê", (UCS2, 3), id="one accent turns one SMS into three"),
            pytest.param("ç", (UCS2, 1), id="the small cedilla is not in GSM-7"),
            pytest.param("Çàéèùìòñäöüßå", (GSM7, 1), id="but these are"),
        ],
    )
    def test_a_text_costs_what_the_standard_says(self, text: str, expected: tuple[Alphabet, int]) -> None:
        assert measure(text) == expected

    @given(st.one_of(runs, gsm7_texts, any_text).filter(bool))
    def test_a_second_opinion_agrees(self, text: str) -> None:
        assert measure(text) == the_oracle_measures(text)

    def test_an_escape_on_its_own_is_no_gsm7_character(self) -> None:
        # The second opinion takes it for one; a phone would read the next character as another.
        assert measure("a\x1be")[0] is UCS2

    def test_half_a_surrogate_pair_counts_without_failing(self) -> None:
        assert measure("\ud83d" * 71) == (UCS2, 2)


class TestTooLong:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param("a" * MAX_CHARACTERS, False, id="ten full parts"),
            pytest.param("a" * (MAX_CHARACTERS + 1), True, id="one character more"),
            pytest.param("ê" * 670, False, id="ten full UCS-2 parts"),
            pytest.param("ê" * 671, True, id="one more"),
            pytest.param("😀" * 330, False, id="the most emoji that fit"),
            pytest.param("😀" * 331, True, id="one emoji more"),
        ],
    )
    def test_the_limit_is_ten_segments(self, text: str, *, expected: bool) -> None:
        assert too_long(text) is expected

    @given(st.sampled_from(["a", "€", "ê", "😀"]), st.integers(300, 1600), any_text)
    def test_the_short_cut_agrees_with_measuring(self, character: str, count: int, rest: str) -> None:
        text = character * count + rest
        assert too_long(text) is (measure(text)[1] > MAX_SEGMENTS)


class TestBlockers:
    def test_each_is_named_once_in_order(self) -> None:
        assert blockers("Fête à l’hôtel, la fête") == ("ê", "’", "ô")

    @given(any_text)
    def test_there_are_none_exactly_if_the_text_fits(self, text: str) -> None:
        assert (not blockers(text)) is fits_gsm7(text) is (measure(text)[0] is GSM7)


class TestClean:
    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            pytest.param("un\r\ndeux\rtrois", "un\ndeux\ntrois", id="line breaks become one kind"),
            pytest.param("un\x0bdeux\u2028trois", "un\ndeux\ntrois", id="those of word processors too"),
            pytest.param("a\tb", "a b", id="a tab is a blank"),
            pytest.param("a\x00b\x1bc\x7fd\x9fe", "abcde", id="controls go"),
            pytest.param("a\ud83db", "ab", id="half a surrogate pair goes"),
            pytest.param("a\ufffe\uffff\ufdd0\U0001ffffb", "ab", id="noncharacters go"),
            pytest.param("\ufeff\u200bAwa\xad", "Awa", id="invisible blanks go"),
            pytest.param("\u202egnp.exe\u200e", "gnp.exe", id="direction marks go"),
            pytest.param("👩\u200d🚀", "👩\u200d🚀", id="an emoji keeps its joiner"),
            pytest.param("❤\ufe0f", "❤\ufe0f", id="and its variation"),
            pytest.param("re\u0301gle\u0301", "réglé", id="a letter and its accent become one"),
            pytest.param("12\u202f500 F", "12\u202f500 F", id="a narrow blank stays: transliteration is a choice"),
        ],
    )
    def test_what_cannot_be_shown_goes(self, raw: str, expected: str) -> None:
        assert clean(raw) == expected

    @given(raw_text)
    def test_what_is_left_travels_through_xml_unchanged(self, raw: str) -> None:
        element = etree.Element("msg")
        element.text = clean(raw)
        assert (etree.fromstring(etree.tostring(element, encoding="utf-8")).text or "") == clean(raw)

    @given(raw_text)
    def test_a_clean_text_is_not_changed_again(self, raw: str) -> None:
        assert clean(clean(raw)) == clean(raw)

    @given(raw_text)
    def test_no_control_is_left_but_the_line_break(self, raw: str) -> None:
        assert {letter for letter in clean(raw) if unicodedata.category(letter) in ("Cc", "Cs")} <= {"\n"}

    @given(st.text(st.sampled_from((BASIC + EXTENSION).replace("\r", "").replace("\f", ""))))
    def test_a_text_in_gsm7_is_never_touched(self, text: str) -> None:
        assert clean(text) == text


class TestTransliterate:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param("Fête à l’œuvre… ça coûte 10 €", "Fete à l'oeuvre... ca coute 10 €", id="French"),
            pytest.param("« Noël – n° 12 »", '" Noel - no 12 "', id="typography"),
            pytest.param("12\u202f500\u00a0F\u2003\u3000!", "12 500 F  !", id="narrow and no-break blanks"),
            pytest.param("ÇÉÈÀ{}[]~|^\\€ñäöüß", "ÇÉEA{}[]~|^\\€ñäöüß", id="É is in, È and À are not"),
            pytest.param("Łódź, İzmir, Þór", "Lodz, Izmir, Thor", id="other Latin letters"),
            pytest.param("Ɔ̃ni ɲɛ", "Oni ne", id="West African letters, with a mark of their own"),
            pytest.param("re\u0301gle\u0301", "réglé", id="an accent on its own joins its letter first"),
            pytest.param("㎏ ﬁn ½ ™", "kg fin 1/2 TM", id="compatibility forms"),
            pytest.param("ﺍ 한 ｶ ™", "ﺍ 한 ｶ TM", id="but not those of other scripts"),
            pytest.param("10² et 1½", "10² et 1½", id="unless that would be read as another number"),
            pytest.param("Fête 🎉", "Fete 🎉", id="an emoji stays"),
            pytest.param("❤️ привет مرحبا", "❤️ привет مرحبا", id="so do other scripts"),
        ],
    )
    def test_a_text_is_made_to_fit(self, text: str, expected: str) -> None:
        assert transliterate(text) == expected

    @given(gsm7_texts)
    def test_what_fits_is_never_touched(self, text: str) -> None:
        assert transliterate(text) == text

    @given(st.text(st.sampled_from(FRENCH + BASIC), max_size=100))
    def test_all_of_french_fits_afterwards(self, text: str) -> None:
        assert fits_gsm7(transliterate(text))

    @given(st.text(st.sampled_from(BASIC + EXTENSION), max_size=20), any_text)
    def test_each_character_that_fits_survives_among_others(self, fitting: str, rest: str) -> None:
        assert transliterate(fitting + "🎉" + rest).startswith(fitting)

    @given(any_text)
    def test_a_second_time_changes_nothing(self, text: str) -> None:
        assert transliterate(transliterate(text)) == transliterate(text)

    @given(any_text)
    def test_a_clean_text_stays_clean(self, text: str) -> None:
        assert clean(transliterate(clean(text))) == transliterate(clean(text))


@pytest.mark.parametrize(
    "fixed",
    ["", "Bonjour \n", "é" * 160, "€", "[" * 79, "[" * 80, "x" * 159 + "€", "ê", "ê" * 69, "ê" * 70, "😀", "😀" * 34],
    ids=lambda fixed: ascii(fixed)[:20],
)
def test_what_a_text_costs_is_told_by_its_length_or_not_at_all(fixed: str) -> None:
    room, sizes = Room.of(fixed), range(1_700)
    told = sorted(set(sizes).difference(room.too_full(sizes)))
    texts = [fixed + "x" * size for size in told]
    assert [(room.alphabet, count) for count in room.segments(told)] == list(map(measure, texts))
    assert [room.segments([size])[0] for size in told] == room.segments(told)
    assert not any(map(too_long, texts))


@pytest.mark.parametrize(("fixed", "most"), [("", 1_530), ("€", 158), ("ê", 669), ("😀", 68)], ids=ascii)
def test_the_length_tells_the_cost_as_far_as_it_can(fixed: str, most: int) -> None:
    assert Room.of(fixed).too_full([most, most + 1]) == [1]


def test_a_pair_between_two_segments_makes_a_text_longer_than_it_is_counted() -> None:
    assert measure("x" * 152 + "€" + "x" * 152)[1] == 3
    assert Room.of("€").too_full([304]) == [0]
