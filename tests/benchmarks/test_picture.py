"""The pictures of a run show each figure at its place."""

import json
import re
from pathlib import Path

from lxml import etree

from tests.benchmarks.picture import chart, pictures

SAMPLE = Path(__file__).with_name("results") / "sample.json"


def test_a_picture_is_well_formed_and_names_each_line_and_each_size() -> None:
    svg = chart("MiB", "two cores", {"worker": [(1_000, 100.0), (10_000, 110.0)], "beat": [(1_000, 90), (10_000, 90)]})
    texts = [element.text for element in etree.fromstring(svg.encode()).iter("{*}text")]
    assert {"MiB", "worker", "beat", "1,000", "10,000", "recipients; two cores"} <= set(texts)


def test_ten_times_the_recipients_are_as_far_to_the_right_each_time_and_more_is_higher() -> None:
    svg = chart("a", "b", {"product": [(100, 0.0), (1_000, 50.0), (10_000, 100.0)]})
    dots = [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)]
    (x1, y1), (x2, y2), (x3, y3) = dots
    assert x2 - x1 == x3 - x2 > 0
    assert y1 - y2 == y2 - y3 > 0


def test_the_sample_of_a_run_can_be_drawn() -> None:
    drawn = pictures(json.loads(SAMPLE.read_text(encoding="utf-8")))
    assert sorted(drawn) == ["memory.svg", "throughput.svg"]
