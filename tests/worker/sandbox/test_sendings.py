import re

from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.sendings import Sending


def sending(texts=("a",), count=3, number=1, first=1):
    return Sending(
        kind="send", account="a", msgid="m", at=1435935707.25, number=number, first=first,
        destinations=range(22500000000, 22500000000 + count), texts=texts, credits=[1] * count,
    )  # fmt: skip


@given(st.lists(st.text(), min_size=1, max_size=20))
def test_texts_come_back_as_they_were(texts):
    assert sending(texts=texts, count=len(texts)).texts == texts


def test_one_text_stands_for_all():
    assert sending(texts=["a"], count=3).texts == ["a", "a", "a"]


def test_ids_look_like_the_vendors_and_no_two_are_alike():
    sendings = [sending(number=number, first=number * 3 - 2) for number in range(1, 40)]
    ids = [s.msgfid for s in sendings] + [s.smsfid(position) for s in sendings for position in range(3)]
    assert len(set(ids)) == 39 * 4
    assert all(re.fullmatch(r"[0-9a-f]{14}-\d{8}", id_) for id_ in ids)


def test_an_sms_is_found_by_its_id_and_only_by_its_own():
    one, other = sending(number=1, first=1), sending(number=2, first=4)
    assert [one.position(one.smsfid(position)) for position in range(3)] == [0, 1, 2]
    assert one.position(other.smsfid(0)) is None
    assert one.position(one.msgfid) is None
    assert one.position("bonjour") is None
