import pytest

from worker.sandbox.archive import Archive


@pytest.fixture
def archive():
    filled = Archive()
    for account, msgid, count in [("a", "x", 3), ("b", "x", 1), ("a", "y", 2)]:
        filled.add(
            kind="send", account=account, msgid=msgid, at=1435935707.0, destinations=range(count), texts=["t"],
            credits=[1] * count,
        )  # fmt: skip
    return filled


def test_running_numbers_go_on_from_sending_to_sending(archive):
    assert [sending.first for sending in archive.sendings] == [1, 4, 5]


@pytest.mark.parametrize(
    ("since", "expected"), [(0, [0, 1, 2]), (2, [0, 1, 2]), (3, [1, 2]), (4, [2]), (5, [2]), (6, [2])]
)
def test_sendings_since_a_running_number_start_with_the_one_that_holds_the_next(archive, since, expected):
    assert archive.since(since) == [archive[index] for index in expected]


@pytest.mark.parametrize(
    ("count", "before", "expected"),
    [(2, 0, [2, 1]), (9, 0, [2, 1, 0]), (1, 5, [1]), (9, 4, [0]), (9, 1, []), (9, 99, [2, 1, 0])],
)
def test_the_newest_sendings_come_first_and_older_ones_are_asked_for_by_running_number(
    archive, count, before, expected
):
    assert list(archive.newest(count, before=before)) == expected


def test_a_sending_is_found_by_each_of_its_ids(archive):
    def asked(account, msgfid="", smsfid="", understood=True):
        return archive.asked_for(account, msgfid=msgfid, smsfid=smsfid, msgid_understood=understood)

    assert asked("a", msgfid=archive[2].msgfid) == [2]
    assert asked("a", smsfid=archive[0].smsfid(2)) == [0]
    assert asked("a", msgfid="x") == [0]
    assert asked("a", msgfid="x", understood=False) == []
    assert asked("a", msgfid=archive[1].msgfid) == []
