"""`campaigns report`: a page by itself, with the account on it and nobody's number."""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import campaigns
from campaigns.database import Database
from campaigns.lengths import Length
from campaigns.prefixes import Prefix
from campaigns.progress import AS_ITS_BATCH
from campaigns.states import Exclusion, MessageStatus
from tests.campaigns import making
from tests.worker.command_line import submitted
from tests.worker.terminal import run
from worker.console.report.page import REASONS, page
from worker.language import speak


@pytest.fixture
def english_again() -> Iterator[None]:
    yield
    speak("en")


HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


@pytest.mark.usefixtures("bare")
def test_it_writes_a_page_and_says_where_it_is(clients: str, tmp_path: Path) -> None:
    campaign, file = submitted(clients), tmp_path / "rappel.html"

    result = run("report", str(campaign), "-o", str(file))

    assert (result.exit_code, result.stdout) == (0, f"{file}\n")
    shown = file.read_text(encoding="utf-8")
    assert shown.startswith('<!doctype html>\n<html lang="en">')
    assert "This campaign is still going on." in shown
    assert not re.search(r"0707080910|0505060708|Bonjour|Awa", shown)
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.usefixtures("bare")
def test_without_a_name_the_file_is_called_by_the_campaign_and_is_not_overwritten(clients: str, tmp_path: Path) -> None:
    campaign = submitted(clients)

    assert run("report", str(campaign)).stdout == f"{tmp_path / f'campaign-{campaign}.html'}\n"

    again = run("report", str(campaign))
    assert again.exit_code == 1
    assert "is there already: choose another name" in again.stderr
    assert run("report", str(campaign), "--replace").exit_code == 0


@pytest.mark.usefixtures("bare")
def test_no_campaign_is_no_traceback_and_no_file(tmp_path: Path) -> None:
    result = run("report", "9")
    assert (result.exit_code, result.stdout, list(tmp_path.glob("*.html"))) == (1, "", [])
    assert "no campaign has the id 9" in result.stderr


@pytest.mark.usefixtures("bare", "english_again")
def test_a_page_is_in_the_language_that_is_asked_for_whatever_the_server_speaks(clients: str, tmp_path: Path) -> None:
    campaign, file = submitted(clients), tmp_path / "rappel.html"

    result = run("report", str(campaign), "-o", str(file), "--language", "fr")

    assert (result.exit_code, result.stdout) == (0, f"{file}\n")
    shown = file.read_text(encoding="utf-8")
    assert shown.startswith('<!doctype html>\n<html lang="fr">')
    assert "Cette campagne est encore en cours." in shown
    assert run("report", str(campaign), "-o", str(file), "--language", "de").exit_code == 2


@pytest.mark.usefixtures("english_again")
def test_figures_and_shares_are_written_as_the_french_do(sqlite: Database) -> None:
    found = campaigns.report(making.submitted(sqlite, making.numbers(1)), database=sqlite)
    speak("fr")

    shown = page(replace(found, prefixes=(Prefix("225", "07", None, 1_234_567, 617_283, 0),))).decode()

    assert (
        "<title>+225 07\N{NO-BREAK SPACE}: 1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567</title>" in shown
    )
    assert "<small>50,0\N{NARROW NO-BREAK SPACE}%</small>" in shown


@pytest.mark.usefixtures("english_again")
def test_a_code_of_the_gateway_is_told_once_where_its_words_are_in_the_reader_s_language(sqlite: Database) -> None:
    campaign = making.funded(sqlite, making.numbers(2))
    campaigns.settling.refuse(sqlite, making.claimed(sqlite, campaign), -9, "-9: Aucuns destinataires valides")
    found = campaigns.report(campaign, database=sqlite)
    assert '<td>no valid recipient<small lang="fr">Aucuns destinataires valides</small>' in page(found).decode()

    speak("fr")

    assert "<td>Aucuns destinataires valides<small>de messages</small>" in page(found).decode()


def test_what_a_stranger_wrote_is_escaped_wherever_it_stands(sqlite: Database) -> None:
    campaign = making.funded(sqlite, making.numbers(2), name=HOSTILE[:100])
    claim = making.claimed(sqlite, campaign)
    campaigns.settling.refuse(sqlite, claim, -99, HOSTILE)
    found = campaigns.report(campaign, database=sqlite)

    shown = page(replace(found, account=replace(found.account, reason=HOSTILE, account=HOSTILE, waits_for=HOSTILE)))

    assert shown.count(b"&lt;script&gt;alert(1)") >= 5
    assert b"<script" not in shown
    assert b"<img" not in shown


def test_an_ended_campaign_is_not_said_to_be_going_on(sqlite: Database) -> None:
    campaign = making.funded(sqlite, making.numbers(2))
    making.all_delivered(sqlite, making.accepted(sqlite, campaign))
    making.advance(sqlite)

    shown = page(campaigns.report(campaign, database=sqlite)).decode()

    assert "still going on" not in shown
    assert "the account adds up" in shown


def test_an_empty_campaign_has_a_page(sqlite: Database) -> None:
    made = campaigns.submit({"name": "x", "template": "Bonjour"}, [], database=sqlite)
    assert "There are no messages yet." in page(campaigns.report(made.id, database=sqlite)).decode()


def test_rare_prefixes_are_told_together(sqlite: Database) -> None:
    found = campaigns.report(making.submitted(sqlite, making.numbers(1)), database=sqlite)
    many = tuple(Prefix("225", f"{digits:02}", None, 2, 1, 0) for digits in range(25))

    shown = page(replace(found, prefixes=many)).decode()

    assert "+225 19" in shown
    assert "+225 20" not in shown
    assert '5 other prefixes</th><td class="number">10</td>' in shown


def test_how_long_texts_were_is_told_with_what_they_cost_and_what_is_of_none_of_them(sqlite: Database) -> None:
    found = campaigns.report(making.submitted(sqlite, making.numbers(3)), database=sqlite)
    told = (Length("gsm7", 1, 2, Decimal(2)), Length("ucs2", 3, 1, Decimal("4.5")))
    account = replace(found.account, credits_posted=Decimal("9.5"))

    shown = page(replace(found, account=account, lengths=told)).decode()

    for line in (
        'GSM-7, 1 segment<small>2 segments in all</small></th><td class="number">2<small>66.7%</small></td>',
        'UCS-2, 3 segments<small>3 segments in all</small></th><td class="number">1<small>33.3%</small></td>',
        '<small>33.3%</small></td><td class="number">4.5</td>',
    ):
        assert line in shown
    assert "3 credits more were posted for lookups" in shown
    assert "more were posted" not in page(replace(found, lengths=told)).decode()


def test_every_reason_to_be_lost_is_explained() -> None:
    words = {status.name.lower() for status in MessageStatus if status.rank >= MessageStatus.REFUSED.rank}
    assert {*Exclusion, *AS_ITS_BATCH.values(), *words} - {"delivered"} <= set(REASONS)


def test_a_window_is_told_with_whose_clocks_it_goes_by(sqlite: Database) -> None:
    def shown(**window: str) -> str:
        made = making.funded(sqlite, making.numbers(1), **window)
        return page(campaigns.report(made, database=sqlite)).decode()

    assert "Sending window" not in shown()
    one = shown(window="8h-20h", window_zone="Africa/Abidjan")
    assert "<dd>mon-sun 08:00-20:00<br><small>by the clocks of Africa/Abidjan</small></dd>" in one
    assert "by the clocks of each number&#39;s country" in shown(window="8h-20h", window_zone="recipient")
