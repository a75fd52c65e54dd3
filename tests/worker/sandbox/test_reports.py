from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.reports import Reports

NO_LIMIT = 10_000


def read(reports: Reports, **options: object) -> list[tuple[int, int, int]]:
    """(sending, position, status) of each report that a read hands out."""
    return list(_flat(reports.read(limit=NO_LIMIT, **options)))


def _flat(groups: Iterator[tuple[int, list]]) -> Iterator[tuple[int, int, int]]:
    for number, dues in groups:
        for due in dues:
            yield number, due.position, due.status


def test_a_report_is_handed_out_when_it_is_due_and_only_once():
    reports = Reports()
    reports.schedule(7, start=100, ends=bytes([56, 59]), delays=[10, 20])
    reports.advance(109)
    assert read(reports) == []
    reports.advance(110)
    assert read(reports) == [(7, 0, 56)]
    reports.advance(500)
    assert read(reports) == [(7, 1, 59)]
    assert read(reports) == []


def test_a_silent_message_is_never_reported():
    reports = Reports()
    reports.schedule(0, start=0, ends=bytes([0]), delays=[0])
    reports.advance(10_000)
    assert read(reports) == []


def test_steps_come_in_their_order_and_the_end_comes_last():
    reports = Reports()
    reports.schedule(0, start=0, ends=bytes([56, 62, 0]), delays=[100, 100, 100], steps=True)
    reports.advance(100)
    seen = read(reports)
    assert [status for _, position, status in seen if position == 0] == [50, 65, 55, 61, 56]
    assert [status for _, position, status in seen if position == 1] == [50, 62]
    assert [status for _, position, status in seen if position == 2] == [50, 65, 55]


def test_a_later_status_of_an_sms_that_was_consulted_is_a_new_one():
    reports = Reports()
    reports.schedule(0, start=0, ends=bytes([56]), delays=[100], steps=True)
    reports.advance(0)
    assert read(reports) == [(0, 0, 50)]
    reports.advance(100)
    assert read(reports) == [(0, 0, 65), (0, 0, 55), (0, 0, 61), (0, 0, 56)]


def test_in_the_harsher_reading_an_sms_once_consulted_is_never_reported_again():
    reports = Reports()
    reports.schedule(0, start=0, ends=bytes([56, 56]), delays=[100, 100], steps=True)
    reports.advance(0)
    assert reports.read_of(0, limit=NO_LIMIT, position=0, once_per_sms=True)
    reports.advance(100, once_per_sms=True)
    assert {position for _, position, _ in read(reports, once_per_sms=True)} == {1}


def test_in_the_harsher_reading_what_waited_for_room_is_lost_with_the_rest():
    reports = Reports()
    reports.schedule(0, start=0, ends=bytes([56, 56]), delays=[0, 0], steps=True)
    reports.advance(0, once_per_sms=True)
    assert len(reports.read_of(0, limit=1, once_per_sms=True)) == 1
    assert {position for _, position, _ in read(reports, once_per_sms=True)} == {1}


@given(
    st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=3), min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from([None, 0, 1, 2, 3]), st.sampled_from([None, 0, 1]), st.booleans()), max_size=12),
)
def test_a_reading_that_hands_out_nothing_changes_nothing(sendings, questions):
    live, again = Reports(), Reports()
    for reports in (live, again):
        for number, delays in enumerate(sendings):
            reports.schedule(number, start=0, ends=bytes([56] * len(delays)), delays=delays, steps=True)

    def asked(reports, number, position, once):
        if number is None:
            return list(_flat(reports.read(limit=3, once_per_sms=once)))
        return reports.read_of(number, limit=3, position=position, once_per_sms=once)

    for tick, question in enumerate(questions):
        for reports in (live, again):
            reports.advance(tick * 4, once_per_sms=question[2])
        said = asked(live, *question)
        assert said == [] or asked(again, *question) == said
    for reports in (live, again):
        reports.advance(1_000)
    assert read(live) == read(again)


def test_what_a_reply_has_no_room_for_waits_for_the_next():
    reports = Reports()
    for number in range(3):
        reports.schedule(number, start=0, ends=bytes([56] * 4), delays=[0] * 4)
    reports.advance(0)
    sizes = []
    while taken := list(_flat(reports.read(limit=5))):
        sizes.append(len(taken))
    assert sizes == [5, 5, 2]
    assert reports.handed_out == 12


def test_ends_that_are_not_billed_are_told_once_when_they_happen():
    reports = Reports()
    reports.schedule(3, start=0, ends=bytes([56, 62, 54, 49, 59]), delays=[5] * 5, steps=True)
    assert reports.advance(4) == []
    assert reports.advance(5) == [(3, 1), (3, 2), (3, 3)]
    assert reports.advance(6) == []


def test_what_has_become_of_an_sms_is_known_read_or_not():
    reports = Reports()
    reports.schedule(7, start=100, ends=bytes([56, 0]), delays=[20, 20])
    reports.advance(500)
    read(reports)
    assert reports.status_at(119, 7, 0) is None
    assert reports.status_at(120, 7, 0) == (0, 56, 120)
    assert reports.status_at(500, 7, 0) == (0, 56, 120)
    assert reports.status_at(500, 7, 1) is None


def test_on_the_way_the_last_step_is_what_has_become_of_an_sms():
    reports = Reports()
    reports.schedule(7, start=100, ends=bytes([56, 0]), delays=[40, 0], steps=True)
    assert [reports.status_at(tick, 7, 0) for tick in (99, 100, 115, 139, 140)] == [
        None, (0, 50, 100), (0, 65, 110), (0, 61, 130), (0, 56, 140),
    ]  # fmt: skip
    assert reports.status_at(100, 7, 1) == (1, 55, 100)


@given(st.sampled_from([56, 59, 62, 0]), st.integers(0, 300), st.booleans(), st.integers(0, 400))
def test_what_has_become_of_an_sms_is_the_last_report_that_is_due(end, delay, steps, tick):
    reports = Reports()
    reports.schedule(3, start=50, ends=bytes([end]), delays=[delay], steps=steps)
    reports.advance(tick)
    due = reports.read_of(3, limit=NO_LIMIT)
    assert reports.status_at(tick, 3, 0) == (due[-1] if due else None)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.lists(st.integers(0, 50), min_size=1, max_size=5)), max_size=8),
    st.lists(st.one_of(st.none(), st.integers(0, 8)), max_size=12),
)
def test_however_they_are_asked_for_every_report_is_handed_out_exactly_once(sendings, questions):
    reports = Reports()
    for number, (start, delays) in enumerate(sendings):
        reports.schedule(number, start=start, ends=bytes([56] * len(delays)), delays=delays)
    seen = []
    for tick, asked in enumerate(questions):
        reports.advance(tick * 5)
        if asked is None:
            seen += [(number, position) for number, position, _ in _flat(reports.read(limit=2))]
        else:
            seen += [(asked, due.position) for due in reports.read_of(asked, limit=2, position=tick % 3)]
    reports.advance(1_000)
    seen += [(number, position) for number, position, _ in read(reports)]
    assert sorted(seen) == [(number, p) for number, (_, delays) in enumerate(sendings) for p in range(len(delays))]
