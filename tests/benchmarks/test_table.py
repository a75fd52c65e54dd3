"""Whoever reads the figures is told what they are worth."""

from rich.console import Console

from tests.benchmarks.figures import Figure, Part
from tests.benchmarks.table import Ran, all_holds, figures, remarks

GOOD = Part(figures=[Figure(name="rows/s", measured=90_000, at_least=80_000, digits=0)], checks={"it adds up": True})
DOUBTFUL = Part(
    figures=[Figure(name="ratio", measured=0.9, at_least=0.85, doubt="the script was slow")],
    checks={"it adds up": False},
)
PARTS = {
    "good": Ran(GOOD, seconds=1, others=0.01),
    "doubtful": Ran(DOUBTFUL, seconds=1, others=0.4),
    "broken": Ran(None, seconds=1, others=0.0, broke="RuntimeError: nothing moved"),
}


def test_each_figure_stands_beside_its_goal_and_what_broke_is_named() -> None:
    console = Console(width=140, record=True, quiet=False)
    with console.capture() as shown:
        console.print(figures(PARTS, title="100 recipients"))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.get().splitlines() if "│" in line]
    assert rows == [
        ["good", "rows/s", "≥ 80,000", "90,000", "met"],
        ["doubtful", "ratio", "≥ 0.85", "0.90", "does not count"],
        ["broken", "RuntimeError: nothing moved", "", "", "broke"],
    ]


def test_what_does_not_hold_or_does_not_count_is_said_and_who_else_was_at_work() -> None:
    assert remarks(PARTS) == [
        "doubtful: NOT TRUE: it adds up",
        "doubtful: ratio: the script was slow",
        "doubtful: other processes had 40% of the machine: its rates are their doing, too.",
    ]


def test_sizes_that_no_goal_is_about_are_said_to_be_so() -> None:
    assert "not the sizes" in remarks({}, is_full=False)[0]


def test_a_run_is_good_if_every_part_was_measured_and_adds_up_whatever_its_figures() -> None:
    assert all_holds({"good": PARTS["good"]})
    assert not all_holds({"doubtful": PARTS["doubtful"]})
    assert not all_holds({"broken": PARTS["broken"]})
