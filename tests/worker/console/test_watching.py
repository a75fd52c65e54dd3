"""What is seen of a campaign while it is watched, on a terminal and in a pipe."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from rich.console import Console
from sqlalchemy.engine import make_url

from campaigns.glance import Credits, Glance
from campaigns.outages import DatabaseAway
from campaigns.pace import Stage
from tests.worker.command_line import submitted
from tests.worker.terminal import at_a_terminal, run
from worker.console import watching
from worker.console.watching import drawn, pace, watch
from worker.language import speak

MOMENT = datetime(2026, 1, 5, 9, tzinfo=UTC)
EXPANDED = Stage("expansion", 1_000_005, 1_000_005, 0)
SENDING = Glance(
    moment=MOMENT,
    id=12,
    name="Rappel",
    state="sending",
    paused=False,
    finished=False,
    waits_for=None,
    stages=(EXPANDED, Stage("sending", 400_000, 1_000_000, 1_000), Stage("delivery", 100_000, 1_000_000, 900)),
    credits=Credits(Decimal(1_000_000), Decimal(600_000), Decimal("399990.5"), Decimal(10)),
    by_status={"pending": 600_000, "in_flight": 300_000, "delivered": 99_000, "undelivered": 1_000},
    counted_at=MOMENT,
)
PAUSED = replace(SENDING, paused=True, waits_for="a person to resume it: [red]login refused")
DONE = replace(
    SENDING,
    state="completed",
    finished=True,
    stages=(EXPANDED, Stage("sending", 1_000_000, 1_000_000, 0), Stage("delivery", 1_000_000, 1_000_000, 0)),
)

BAR = {ord(piece): None for piece in "━╸╺"}


def screen(seen: Glance, *, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    console.print(drawn(seen))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.translate(BAR).rstrip() for line in text.splitlines()]


def said(console: Console) -> str:
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_each_stage_has_a_bar_how_far_it_is_how_fast_and_how_long_still() -> None:
    lines = [" ".join(line.split()) for line in screen(SENDING)]
    assert lines == [
        "Campaign 12 Rappel: sending",
        "Expansion 1,000,005/1,000,005",
        "Sending 400,000/1,000,000 1,000/s 10 min left",
        "Delivery 100,000/1,000,000 900/s 17 min left",
        "credits: 1,000,000 estimated, 600,000 held, 399,990.5 posted, 10 refunded",
        "messages: 300,000 in flight, 99,000 delivered, 1,000 undelivered",
    ]


def test_what_it_waits_for_is_said_and_no_end_is_foretold() -> None:
    lines = screen(PAUSED)
    assert lines[-1] == "waits for: a person to resume it: [red]login refused"
    assert not any("left" in line for line in lines)
    assert lines[0] == "Campaign 12 Rappel: sending, paused"


def test_sixty_columns_are_enough_for_a_million() -> None:
    narrow = screen(replace(PAUSED, stages=(*DONE.stages, *SENDING.stages), waits_for=None), width=60)
    assert max(map(len, narrow)) <= 60
    assert not any("…" in line for line in narrow)
    assert sum(line.startswith(("Expansion ", "Sending ", "Delivery ")) for line in narrow) == 6


@pytest.fixture
def french() -> Iterator[None]:
    """French is spoken."""
    speak("fr")
    yield
    speak("C")


@pytest.mark.usefixtures("french")
def test_sixty_columns_are_enough_in_french_too() -> None:
    waiting = replace(PAUSED, stages=SENDING.stages, waits_for="the gateway to come back: it is gone")
    moving = screen(SENDING, width=60)
    assert not any("…" in line or "\N{REPLACEMENT CHARACTER}" in line for line in [*moving, *screen(waiting, width=60)])
    assert [line.split()[0] for line in moving[1:4]] == ["Préparation", "Envoi", "Livraison"]
    assert re.match(r"Campagne 12 Rappel\u00a0: ", moving[0])
    assert moving[2].endswith("encore 10 min")


@pytest.mark.usefixtures("french")
def test_a_line_in_french_has_a_blank_before_each_colon() -> None:
    console = Console(file=io.StringIO(), width=300)
    watching._lines(console)(SENDING)
    assert "; Livraison\u00a0: 900/s, encore " in said(console).replace("\u202f;", ";")
    assert not re.search(r"\w: ", said(console))


def test_what_nobody_knows_yet_is_a_dash() -> None:
    stages = (Stage("expansion", 300, 1_000, 200), Stage("sending", 0, None, 0))
    lines = screen(replace(SENDING, state="expanding", stages=stages))
    assert "200/s" in lines[1]
    assert lines[2].split()[-1] == "-"


def test_counts_that_are_old_say_so() -> None:
    counted = "messages: 300,000 in flight, 99,000 delivered, 1,000 undelivered"
    assert screen(replace(SENDING, moment=MOMENT + timedelta(seconds=2)))[-1] == counted
    assert screen(replace(SENDING, moment=MOMENT + timedelta(seconds=17)))[-1] == f"{counted} (17 s ago)"


def test_a_name_cannot_rewrite_the_terminal() -> None:
    assert screen(replace(SENDING, name="\x1b[2J[bold]Solde"))[0] == "Campaign 12 �[2J[bold]Solde: sending"


@pytest.mark.parametrize(
    ("rate", "words"), [(1_234.5, "1,234"), (12.3, "12"), (9.95, "9.9"), (1.0, "1"), (0.25, "0.25"), (0.0333, "0.033")]
)
def test_a_rate_is_as_exact_as_it_can_be_told_apart(rate: float, words: str) -> None:
    assert pace(rate) == words


def test_a_pipe_gets_a_line_only_where_something_changed() -> None:
    console = Console(file=io.StringIO(), width=300, markup=False)
    moments = iter([0.0, 0.0, 1.0, 2.5, 500.0, 501.0])
    show = watching._lines(console, lambda: next(moments))
    further = replace(SENDING, stages=(EXPANDED, Stage("sending", 500_000, 1_000_000, 900), SENDING.stages[2]))
    slower = replace(further, stages=(EXPANDED, replace(further.stages[1], rate=10), SENDING.stages[2]))
    for seen in (SENDING, further, further, slower, DONE):
        show(seen)
    lines = said(console).replace("1,000,005 of 1,000,005", "9").splitlines()
    assert [line.replace(" of 1,000,000", "").replace(" left", "") for line in lines] == [
        "sending: expanded 9, sent 400,000, settled 100,000 (Sending: 1,000/s, 10 min; Delivery: 900/s, 17 min)",
        "sending: expanded 9, sent 500,000, settled 100,000 (Sending: 900/s, 9 min; Delivery: 900/s, 17 min)",
        "completed: expanded 9, sent 1,000,000, settled 1,000,000",
    ]


def test_where_nothing_is_known_yet_the_line_is_the_state() -> None:
    console = Console(file=io.StringIO())
    watching._lines(console)(replace(SENDING, state="receiving", stages=(Stage("expansion", 0, None, 0),)))
    assert said(console) == "receiving\n"


def test_the_longer_it_takes_the_fewer_lines_a_pipe_gets() -> None:
    console = Console(file=io.StringIO(), width=300)
    moments = iter([0.0, *map(float, range(3_600))])
    show = watching._lines(console, lambda: next(moments))
    for done in range(3_600):
        show(replace(SENDING, stages=(Stage("sending", done, 3_600, 1),)))
    assert 60 < len(said(console).splitlines()) < 200


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_watching_shows_each_stage_until_the_end(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    monkeypatch.setattr(watching, "LOOK_EVERY", 0)
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200, markup=False)
    looks = iter([SENDING, PAUSED, PAUSED, DONE])
    assert watch(lambda: next(looks), console=console) is DONE
    if terminal:
        for words in ("Expansion", "sending, paused", "Delivery", "1,000,000/1,000,000", "completed"):
            assert words in said(console)
    else:
        states = [line.partition(": expanded")[0] for line in said(console).splitlines()]
        assert states == [
            "sending",
            "sending, paused, waits for a person to resume it: [red]login refused",
            "completed",
        ]


AWAY = DatabaseAway(make_url("postgresql:///x"), OSError("gone"))


def looks(*found: Glance | DatabaseAway) -> Callable[[], Glance]:
    """A look that gives these, one after the other."""
    left = iter(found)

    def look() -> Glance:
        its = next(left)
        if isinstance(its, DatabaseAway):
            raise its
        return its

    return look


def test_a_database_that_is_restarted_meanwhile_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_EVERY", 0)
    console = Console(file=io.StringIO(), width=300, markup=False)
    assert watch(looks(SENDING, AWAY, AWAY, SENDING, DONE), console=console) is DONE
    assert [line.partition(": ")[0] for line in said(console).splitlines()] == [
        "sending", "sending, waits for the database to come back", "sending", "completed",
    ]  # fmt: skip


def test_a_database_that_is_not_there_or_stays_away_ends_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_EVERY", 0)
    monkeypatch.setattr(watching, "LOOK_SHARE", 0)
    console = Console(file=io.StringIO())
    with pytest.raises(DatabaseAway):
        watch(looks(AWAY), console=console)
    minutes = count(step=60)
    with pytest.raises(DatabaseAway):
        watch(looks(SENDING, *[AWAY] * 99), console=console, clock=lambda: float(next(minutes)))


@pytest.mark.usefixtures("bare")
def test_ctrl_c_at_a_terminal_leaves_it_clean_and_the_campaign_goes_on(
    clients: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    submitted(clients)
    status, seen = at_a_terminal("show", "1", "--watch", answers={"posted": "\x03"})
    assert status == 130
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")  # the cursor is shown again
    assert "campaign 1 goes on; to see it again: campaigns show 1 --watch" in seen
    assert "Traceback" not in seen
    assert run("show", "1").exit_code == 0


@pytest.mark.usefixtures("bare")
def test_no_colour_is_shown_to_whoever_wants_none(clients: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    submitted(clients)
    run("cancel", "1")
    status, seen = at_a_terminal("show", "1", "--watch", answers={})
    assert status == 1
    assert "cancelled" in seen
    assert "\x1b[3" not in seen
    assert "\x1b[9" not in seen
