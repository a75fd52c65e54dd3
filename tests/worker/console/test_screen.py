"""Tables at a terminal: a narrow one has fewer columns of them, and none that is squeezed to letters."""

import io

import pytest
from rich.console import Console

from worker.console import screen

HEADS = [("id", "right"), "name", "state", ("rows", "right"), "submitted on", "account", "why"]
ROW = [
    "412",
    "Rappel de rendez-vous",
    "awaiting credits",
    "1,200,000",
    "2026-11-29 04:10:00 UTC",
    "clinique",
    "it lacks 1,500 credits",
]


@pytest.fixture
def at_width(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> io.StringIO:
    """What is written to a terminal so wide."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, color_system=None, width=request.param)
    monkeypatch.setattr(screen, "out", lambda: console)
    return written


@pytest.mark.parametrize(
    ("at_width", "left_out"),
    [(60, {"account", "submitted on"}), (80, {"account", "submitted on"}), (90, {"account"}), (120, set())],
    indirect=["at_width"],
)
def test_what_a_narrow_terminal_has_no_place_for_is_left_out_and_the_rest_can_be_read(
    at_width: io.StringIO, left_out: set[str]
) -> None:
    screen.out().print(screen.fitting(HEADS, [ROW], spare=(5, 4), folding=(1, 6)))
    written = at_width.getvalue()
    assert max(map(len, written.splitlines())) <= screen.out().width
    for head, cell in zip(HEADS, ROW, strict=True):
        name = head if isinstance(head, str) else head[0]
        assert (name in written.splitlines()[0]) == (name not in left_out)
        if name not in ("name", "why"):
            assert (cell in written) == (name not in left_out), "it is whole, or not there"
        else:
            assert all(word in written for word in cell.split()), "it is folded between words"


def test_a_pipe_has_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    screen.out().print(screen.fitting(HEADS, [ROW], spare=(5, 4), folding=(1, 6)))
    written = capsys.readouterr().out
    assert all(cell in written for cell in ROW)
