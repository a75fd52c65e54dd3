"""Whatever a command says was looked up in the catalogue, but for what is data: in a language of other letters, no word
is left in English ones. One that is has to be wrapped, `_("…")`, and translated: `make messages` names it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from rich.console import Console

from campaigns import database, settling
from campaigns.claims import Claim
from campaigns.glance import Lookout
from tests.campaigns import making
from tests.campaigns.gateways import Count, later
from tests.messages.pretended import pretended, wide
from tests.worker.terminal import run
from worker.cli import main
from worker.console import watching
from worker.console.group import Group

EXAMPLES = rf"({wide('Examples')}|{wide('Example')}):\n(.+\n)+"
DATA = [
    EXAMPLES,  # commands, and what is typed with them
    r"\bcampaigns( [a-z]+)+( '?[\w=@/.:+*-]+'?| --[a-z-]+| -\w)*",  # a command that is named
    r"(?<![\w])--?[a-zA-Z][\w-]*",  # an option
    r"\[[^][\n]*\|[^][]*\]",  # words to choose from
    r"\{\{?[^{}]*\}?\}",  # a field of a template
    r"https?://\S+|sqlite\S*|redis\S*|/\S+|\S+\.(csv|html|py|mo)\b",  # where something is
    r"[\d-]+ [\d:]+ UTC|\b[A-Z][a-z]+/[A-Z]\w+",  # when, and whose clocks
    r"'[^'\n]*'",  # quoted: as it was typed
    rf"(?<={wide('default')}: )[\w-]+",  # what an option is without a word
    r"\b[A-Za-z]*_\w*|\bcampaigns\.\w+|\b\w+Error\b",  # a name of the program's: a setting, a task, an exception
]
NAMES = {
    "ACCOUNTS", "AUDIENCE", "Awa", "Bonjour", "GSM", "Koffi", "Rappel", "SQLite", "Soldes", "Test", "UTC", "accepted",
    "add", "awa", "balance", "campaigns", "catch", "cron", "csv", "default", "demo", "id", "import", "list", "lundi",
    "main", "mon", "nom", "of", "parquet", "remove", "resend", "run", "shop", "skip", "tel", "up", "write", "xlsx",
}  # fmt: skip
"""Data of these tests, and names of commands and of their words."""

OPERATORS = {"MTN", "Moov", "Orange"}

WORD = re.compile(r"[A-Za-zÀ-ÿ]{2,}")


@pytest.fixture
def other(bare: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    with pretended(tmp_path / "locale", monkeypatch):
        yield


def names(command: click.Command, *above: str) -> Iterator[tuple[str, ...]]:
    """Every command, as it is called."""
    yield above
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            its = command.get_command(context, name)
            assert its is not None
            yield from names(its, *above, name)


EVERY_COMMAND = list(names(main))


def words_left(said: str) -> set[str]:
    """What is neither looked up nor data."""
    return (
        set(WORD.findall(re.sub("|".join(DATA), " ", said, flags=re.MULTILINE)))
        - NAMES
        - {name for above in EVERY_COMMAND for name in above}
    )


def said(*words: str, stdin: str | None = None) -> str:
    """What a command says in all; it must say something, and not break."""
    result = run(*words, stdin=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.output
    return result.output


@pytest.mark.parametrize("above", EVERY_COMMAND, ids=" ".join)
@pytest.mark.usefixtures("other")
def test_the_help_of_every_command(above: tuple[str, ...]) -> None:
    assert words_left(said(*above, "--help")) == set()


def test_every_command_is_asked_for_its_help() -> None:
    assert {("submit",), ("optout", "import"), ("schedule", "add"), ("gateway", "reports")} <= set(EVERY_COMMAND)
    assert isinstance(main, Group)


SUBMIT = ("submit", "clients.csv", "--name", "Rappel", "--template", "Bonjour {{ nom }}")
SCHEDULED = ("--cron", "0 9 * * mon", "--timezone", "Africa/Abidjan", "--template", "Bonjour", "--file", "clients.csv")
LIVE = [
    ("migrate",),
    ("list",),
    ("list", "--state", "completed"),
    ("preview", *SUBMIT[1:2], *SUBMIT[4:], "--lookup"),
    (*SUBMIT, "--key", "k"),
    (*SUBMIT, "--key", "k"),
    ("submit", "clients.csv", "--name", "Soldes", "--template", "Bonsoir", "--key", "k"),
    ("submit", "clients.csv", "--name", "Soldes", "--template", "{{ x", "--rate", "-1"),
    ("submit", "clients.csv", "--name", "Soldes", "--template", "{{ prenom }}"),
    ("submit", "nowhere.csv", "--name", "Soldes", "--template", "Bonjour"),
    ("submit", "clients.csv", "--name", "Soldes", "--template", "Bonjour", "--at", "tomorrow"),
    ("submit", "clients.csv", "--name", "Soldes", "--template", "Bonjour", "--at", "2030-01-01 09:00"),
    ("submit", "clients.csv", "--name", "Soldes", "--template", "Bonjour", "--test", "0102030405"),
    ("submit", "clients.csv", "--name", "Soldes"),
    ("list",),
    ("list", "-n", "1"),
    ("show", "1"),
    ("show", "--key", "k"),
    ("show", "99"),
    ("show",),
    ("pause", "1"),
    ("show", "1"),
    ("resume", "1"),
    ("resume", "1"),
    ("find", "0707080910"),
    ("find", "0707080999"),
    ("find", "12"),
    ("export", "1", "-o", "out.csv"),
    ("export", "1", "-o", "out.csv"),
    ("report", "1", "-o", "out.html"),
    ("cancel", "1"),
    ("pause", "1"),
    ("show", "1"),
    ("show", "1", "--watch"),
    ("retry", "1", "--only", "voided"),
    ("retry", "1", "--only", "voided"),
    ("retry", "1", "--only", "delivered"),
    ("optout", "list"),
    ("optout", "add", "0505060708"),
    ("optout", "add", "12"),
    ("optout", "list"),
    ("optout", "import", "clients.csv"),
    ("optout", "remove", "0505060708"),
    ("schedule", "list"),
    ("schedule", "add", "lundi", *SCHEDULED),
    ("schedule", "add", "lundi", *SCHEDULED[:-2], "--audience-id", "99"),
    ("schedule", "list"),
    ("schedule", "show", "lundi"),
    ("schedule", "pause", "lundi"),
    ("schedule", "show", "lundi"),
    ("schedule", "resume", "lundi"),
    ("schedule", "run", "lundi"),
    ("schedule", "list"),
    ("schedule", "remove", "lundi"),
    ("schedule", "show", "lundi"),
    ("submit", "clients.csv", "--name", "Soldes", "--template", "Bonsoir", "--window", "some day"),
    (*SUBMIT, "--window", "mon-sun 00:00-24:00"),
    ("forget", "0707080910"),
    ("forget", "0707080910", "--yes"),
    ("find", "0707080910"),
    ("doubts",),
    ("resolve", "99", "resend", "--reason", "why", "--by", "awa"),
    ("credits",),
    ("credits", "--account", "shop"),
    ("reports",),
    ("reports", "--retry", "99"),
    ("balance",),
    ("gateway", "balance", "--account", "shop"),
    ("gateway", "send", "--url", "http://127.0.0.1:9", "--login", "demo", "--from", "S", "--text", "x", "12"),
    ("doctor",),
    ("sandbox", "--account", "toto"),
    ("sandbox", "--mix", "delivered"),
    ("sandbox", "--fault", "thunder=1"),
    ("sandbox", "--fault", "slow_body=5%"),
    ("sandbox", "--fault", "slow_body"),
    ("sandbox", "--delay-min", "5"),
    ("sandbox", "--country", "CI", "--latency", "-1", "--credits", "-1"),
    ("sandbox", "--host", "192.0.2.1"),
    ("lst",),
    ("list", "--stat"),
    ("pause",),
    ("pause", "0"),
    ("list", "-n", "0"),
    ("submit", "clients.csv", "--template", "x"),
]
"""A life of a campaign and what goes wrong on its way, command after command; each is looked at."""


IDENTIFIERS = {
    "retry 1 --only delivered": {"capped", "delivered", "refused", "rejected", "undelivered", "voided"},
    " ".join(("schedule", "add", "lundi", *SCHEDULED[:-2], "--audience-id", "99")): {"spec"},
    "submit clients.csv --name Soldes --template Bonsoir --window some day": {"fri", "sat", "sun", "thu", "tue", "wed"},
    "sandbox --fault thunder=1": {"latency", "refuse", "reset", "slow"},
    "schedule show lundi": {"audience", "name", "template"},
}
"""Words that are typed or stored so, and are shown so."""


@pytest.mark.usefixtures("other")
def test_what_each_command_says(clients: str) -> None:
    assert Path(clients).name == "clients.csv"
    assert left_by(LIVE) == {}


def left_by(life: list[tuple[str, ...]]) -> dict[str, set[str]]:
    """What is left of each command's output, of those that leave anything."""
    found = [(" ".join(words), words_left(said(*words))) for words in life]
    return {command: left for command, left in found if left - IDENTIFIERS.get(command, set())}


def in_doubt() -> Claim:
    """A request in doubt, and credits of each kind."""
    where = database.default()
    gateway = Count(where)
    gateway.read()
    campaign = making.funded(where, making.numbers(9), batch_size=3)
    gateway.accept(making.claimed(where, campaign))
    lost = making.claimed(where, campaign)
    gateway.lose(lost)
    settling.doubt(where, lost, "timed out")
    waits = making.submitted(where, making.numbers(4), name="Soldes")
    making.fund(where, 7)
    later(where)
    gateway.read()
    assert waits
    return lost


@pytest.mark.usefixtures("other")
def test_what_is_said_of_doubts_and_of_credits() -> None:
    doubt = str(in_doubt().attempt_id)
    life = [
        ("credits",),
        ("doctor",),
        ("doubts",),
        ("resolve", doubt, "resend", "--reason", "why", "--by", "awa"),
        ("resolve", doubt, "resend", "--reason", "why", "--by", "awa", "--yes"),
        ("resolve", doubt, "write-off", "--reason", "why", "--by", "awa"),
        ("show", "1"),
        ("list",),
    ]
    assert left_by(life) == {}


@pytest.mark.usefixtures("other")
def test_the_page_of_a_report(tmp_path: Path) -> None:
    in_doubt()
    run("report", "1", "-o", str(tmp_path / "out.html"))
    page = (tmp_path / "out.html").read_text(encoding="utf-8").partition("<body>")[2]
    assert words_left(re.sub(r"<[^>]*>", " ", page)) - OPERATORS == set()


@pytest.mark.usefixtures("other")
def test_what_is_seen_of_a_campaign_that_is_watched() -> None:
    in_doubt()
    assert said("list")  # which chooses the language
    screen = Console(width=100, record=True)
    for campaign in (1, 2):
        screen.print(watching.drawn(Lookout(campaign, database=database.default()).look()))
    assert words_left(screen.export_text()) == set()


@pytest.mark.usefixtures("other")
def test_json_and_the_exit_status_are_the_same_in_every_language(clients: str) -> None:
    assert run("submit", clients, "--name", "Rappel", "--template", "Bonjour", "--json").stdout.isascii()
    assert run("show", "1", "--json").stdout.isascii()
    assert run("show", "99").exit_code == 1
    assert run("show").exit_code == 2


def test_a_word_that_was_not_looked_up_is_found() -> None:
    assert words_left(f"campaign {wide('of')} 3 rows was taken, by campaigns show 1") == {
        "campaign",
        "rows",
        "was",
        "taken",
        "by",
    }
