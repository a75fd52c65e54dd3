import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.segments import BASIC, EXTENSION, segments, shown

gsm_texts = st.text(alphabet=BASIC + EXTENSION, max_size=700)


@pytest.mark.parametrize(
    ("text", "unicode", "expected"),
    [
        pytest.param("", False, 1, id="an empty text still takes one"),
        pytest.param("a" * 160, False, 1, id="160 septets"),
        pytest.param("a" * 161, False, 2, id="161 septets"),
        pytest.param("a" * 306, False, 2, id="twice 153"),
        pytest.param("a" * 307, False, 3, id="one more than twice 153"),
        pytest.param("€" * 80, False, 1, id="an escape pair counts two"),
        pytest.param("€" * 81, False, 2, id="81 escape pairs"),
        pytest.param("a" * 152 + "€" + "a" * 152, False, 3, id="an escape pair is not split at 153"),
        pytest.param("é" * 160, False, 1, id="é is in GSM-7"),
        pytest.param("a" * 70, True, 1, id="70 units of UCS-2"),
        pytest.param("a" * 71, True, 2, id="71 units of UCS-2"),
        pytest.param("ê" * 134, True, 2, id="twice 67"),
        pytest.param("😀" * 35, True, 1, id="an emoji counts two units"),
        pytest.param("a" * 66 + "😀" + "a" * 66, True, 3, id="a surrogate pair is not split at 67"),
        pytest.param(("a" + "😀" * 33) * 2, True, 2, id="twice 67 units with surrogate pairs"),
    ],
)
def test_segments_are_counted_as_phones_count_them(text, unicode, expected):
    assert segments(text, unicode=unicode) == expected


@given(gsm_texts)
def test_gsm_segments_agree_with_a_reference_calculator(text):
    assert segments(text, unicode=False) == max(1, len(smsutil.split(text).parts))


def test_without_unicode_a_character_that_gsm_lacks_arrives_as_a_question_mark():
    assert shown("fête à 5 € 😀", unicode=False) == "f?te à 5 € ?"
    assert shown("fête à 5 € 😀", unicode=True) == "fête à 5 € 😀"
