"""Lists of recipients, packed into one value and back."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.payload import Payload, ReceiptLines, encode, pack, unpack

PAYLOAD = Payload([2, 5, 9], [2250708091011, 22670000000, 2250501020304], [1, 2, 1], [["Awa"], ["Élodie {x}"], [""]])


leaves = st.none() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.text(st.characters(max_codepoint=0x100))
packable = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4), max_leaves=20)


@given(packable)
def test_what_is_packed_comes_back(value: object) -> None:
    assert unpack(pack(value)) == value


@given(packable | st.lists(st.text(st.characters(min_codepoint=0xD7FE, max_codepoint=0xE001))))
def test_digests_compare_with_those_made_by_the_standard_library(value: object) -> None:
    """Audiences that an earlier version took in are still told to be the same."""
    by_the_library = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert encode(value) == by_the_library.encode(errors="surrogatepass")


@given(st.lists(st.text(st.characters(min_codepoint=0xD7FE, max_codepoint=0xE001))))
def test_halves_of_surrogate_pairs_come_back(texts: list[str]) -> None:
    assert unpack(pack(texts)) == texts


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\0", "\u2028", "😀"], ids=ascii)
def test_no_text_is_too_odd_to_be_packed(text: str) -> None:
    assert unpack(pack([text])) == [text]


def test_what_is_compared_does_not_depend_on_how_it_is_compressed() -> None:
    assert encode([[1, ["é", "a"]]]) == '[[1,["é","a"]]]'.encode()


def test_a_payload_comes_back_column_by_column() -> None:
    back = Payload.unpack(PAYLOAD.pack())
    assert (back.rows, back.numbers, back.segments, back.values) == (
        PAYLOAD.rows,
        PAYLOAD.numbers,
        PAYLOAD.segments,
        PAYLOAD.values,
    )
    assert len(back) == 3


@pytest.mark.parametrize(
    ("without", "rows"),
    [(set(), [2, 5, 9]), ({22670000000}, [2, 9]), ({1}, [2, 5, 9]), (set(PAYLOAD.numbers), [])],
    ids=["nobody", "one", "a stranger", "all"],
)
def test_messages_are_taken_out_and_the_others_stay_in_order(without: set[int], rows: list[int]) -> None:
    left = PAYLOAD.without(without)
    places = [PAYLOAD.rows.index(row) for row in rows]
    assert left.rows == rows
    assert left.numbers == [PAYLOAD.numbers[place] for place in places]
    assert left.segments == [PAYLOAD.segments[place] for place in places]
    assert left.values == [PAYLOAD.values[place] for place in places]


def test_messages_are_told_apart_by_what_their_numbers_are() -> None:
    parts = PAYLOAD.apart(lambda number: "odd" if number % 2 else "even")

    found = [(row, number) for part in parts for row, number in zip(part.rows, part.numbers, strict=True)]
    assert sorted(found) == sorted(zip(PAYLOAD.rows, PAYLOAD.numbers, strict=True))
    assert all(len({number % 2 for number in part.numbers}) == 1 for part in parts)
    assert len(parts) == len({number % 2 for number in PAYLOAD.numbers})
    assert PAYLOAD.apart(lambda _number: "alike") == [PAYLOAD]


def test_a_payload_shows_no_number_and_no_name() -> None:
    assert "2250708091011" not in repr(PAYLOAD)
    assert "Awa" not in repr(PAYLOAD)


@pytest.mark.parametrize(
    ("smsfids", "prices"),
    [
        ([], []),
        (["a"], ["1"]),
        (["a", None, "c"], ["2", "2", "2"]),
        (["a", None, "c"], ["1", "0", "2.5000"]),
        ([None, None], ["0", "0"]),
    ],
    ids=["none", "one", "one price", "several prices", "nobody named"],
)
def test_a_receipt_comes_back_to_the_cent(smsfids: list[str | None], prices: list[str]) -> None:
    back = ReceiptLines.unpack(ReceiptLines(smsfids, [Decimal(price) for price in prices]).pack())
    assert list(back.smsfids) == smsfids
    assert list(back.credits) == [Decimal(price) for price in prices]
    assert all(isinstance(price, Decimal) for price in back.credits)


def test_one_price_for_all_takes_no_room() -> None:
    ids = [f"id{number}" for number in range(500)]
    assert len(ReceiptLines(ids, [Decimal("1.5")] * 500).pack()) <= len(pack([ids, ["1.5"]]))
