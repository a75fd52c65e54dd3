"""Reports in random order are the sandbox's own, each once, and no step of a message is out of its place."""

from collections import defaultdict
from itertools import pairwise

from tests.benchmarks import shuffled
from worker.smseco import parse_reports

REPORTS = [
    (f"sending{place % 7}", f"sms{place}", f"22507{place:08d}", status)
    for place in range(5_000)
    for status in shuffled.WAY
]


def test_every_report_is_handed_out_once_step_after_step() -> None:
    read = []
    for body in shuffled.shuffled(REPORTS, seed=1):
        batch = parse_reports(body)
        assert len(batch) <= shuffled.A_BODY
        read += zip(batch.msgfids, batch.smsfids, batch.destinations, map(str, batch.codes), strict=True)
    assert sorted(read) == sorted(REPORTS)
    steps = defaultdict(list)
    for _, smsfid, _, status in read:
        steps[smsfid].append(status)
    assert all(way == list(shuffled.WAY) for way in steps.values())


def test_the_messages_of_a_step_come_in_random_order() -> None:
    first = parse_reports(shuffled.shuffled(REPORTS, seed=1)[0])
    of_the_first_step = [place for place, code in zip(first.destinations, first.codes, strict=True) if code == 50]
    assert len(of_the_first_step) == 5_000
    neighbours = sum(abs(int(one) - int(other)) <= 7 for one, other in pairwise(of_the_first_step))
    assert neighbours < 100
