"""The page of a report in a real browser: whole without a network, and to be read on a phone as on a desk."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

import campaigns
from campaigns import settling
from campaigns.database import Database
from campaigns.lengths import Length
from campaigns.models import messages
from campaigns.prefixes import Prefix
from campaigns.states import MessageStatus
from tests.campaigns import making
from worker.console.report.page import page as page_of
from worker.language import catalogue, speak

pytestmark = pytest.mark.needs("chromium")

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
HOSTILE = "</title><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">" + "W" * 80
PATIENCE = 90_000  # milliseconds
S = MessageStatus


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS, timeout=PATIENCE
        )
        yield chromium
        chromium.close()


IN_BOTH = pytest.mark.parametrize("tongue", ["en", "fr"], indirect=True)


@pytest.fixture
def tongue(request: pytest.FixtureRequest) -> Iterator[str]:
    """The language that is spoken while the page is made; a test may choose it."""
    yield speak(getattr(request, "param", "en"))
    speak("en")


@pytest.fixture
def file(sqlite: Database, tongue: str, tmp_path: Path) -> Path:
    """The report of a campaign to which everything has happened, and that has not ended."""
    numbers = [*making.numbers(30), *making.numbers(12, first=22670000000), *making.numbers(8, first=2250500000000)]
    campaign = making.funded(sqlite, [*numbers, making.FIRST], batch_size=10, name=HOSTILE)
    for minutes in (5, 40, 90):
        making.all_delivered(sqlite, making.accepted(sqlite, campaign))
        making.clock_goes_on(sqlite, minutes * 60, messages.c.updated_at)
    mixed = making.accepted(sqlite, campaign)
    ends = (S.DELIVERED, S.UNDELIVERED, S.NETWORK_ERROR, S.REJECTED, S.NO_CREDIT, S.UNDELIVERED)
    making.reported(sqlite, making.report(mixed, *enumerate(ends)))
    settling.refuse(sqlite, making.claimed(sqlite, campaign), -9, "-9: Aucuns destinataires valides")
    path = tmp_path / "report.html"
    path.write_bytes(page_of(campaigns.report(campaign, database=sqlite)))
    return path


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the browser says on its console, and what it asks of anybody; the test fails for what is left of it."""
    said: list[str] = []
    yield said
    assert said == []


def opened(browser: Browser, file: Path, complaints: list[str], **window: object) -> Page:
    context = browser.new_context(locale="en-US", offline=True, **window)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url == file.as_uri() else complaints.append(asked.url))
    page.goto(file.as_uri())
    return page


@IN_BOTH
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out_sideways(
    browser: Browser, file: Path, complaints: list[str], width: int, scheme: str
) -> None:
    page = opened(browser, file, complaints, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    smallest = (
        "Math.min(...[...document.querySelectorAll('svg text')].map(text => text.getBoundingClientRect().height))"
    )
    assert page.evaluate(smallest) >= 10  # pixels
    letters_apart = (
        "[...document.querySelectorAll('th')].filter(th => th.scrollWidth > th.clientWidth + 1 || th.clientWidth < 45)"
    )
    assert page.evaluate(f"{letters_apart}.map(th => th.textContent)") == []
    page.context.close()


@IN_BOTH
@pytest.mark.usefixtures("tongue")
def test_the_figures_of_a_million_stay_in_their_tables_on_a_phone(
    browser: Browser, sqlite: Database, complaints: list[str], tmp_path: Path
) -> None:
    found = campaigns.report(making.submitted(sqlite, making.numbers(1)), database=sqlite)
    prefix = Prefix("225", "07", "Telecel Faso", 12_345_678, 10_000_000, 1_234_567)
    path = tmp_path / "report.html"
    length = Length("gsm7", 10, 12_345_678, Decimal("123456780.25"))
    path.write_bytes(page_of(replace(found, prefixes=(prefix, prefix), lengths=(length, length))))
    page = opened(browser, path, complaints, viewport={"width": 360, "height": 800})
    inside = (
        "table => table.getBoundingClientRect().right <= table.closest('section').getBoundingClientRect().right - 8"
    )
    assert page.evaluate(f"[...document.querySelectorAll('table')].every({inside})")
    page.context.close()


@IN_BOTH
def test_the_words_of_no_chart_run_into_each_other(browser: Browser, file: Path, complaints: list[str]) -> None:
    page = opened(browser, file, complaints, viewport={"width": 360, "height": 800})
    clashes = page.evaluate(
        """[...document.querySelectorAll('svg')].flatMap(svg => {
            const boxes = [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect());
            return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b =>
                a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom));
        }).length"""
    )
    assert clashes == 0
    page.context.close()


def test_headings_lead_through_it_and_each_chart_has_its_table(
    browser: Browser, file: Path, complaints: list[str]
) -> None:
    page = opened(browser, file, complaints)
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(page.get_by_role("heading", level=2)).to_have_text([
        "The account", "Deliveries over time", "Time to delivery", "By operator and prefix", "Segments and credits",
        "What failed, and why",
    ])  # fmt: skip
    for name in ("The account", "Deliveries over time", "Time to delivery", "By operator and prefix"):
        part = page.get_by_role("region", name=name)
        expect(part.get_by_role("img")).to_have_accessible_name(part.locator("figcaption").inner_text())
        expect(part.get_by_role("table")).to_have_count(1)
    part = page.get_by_role("region", name="Segments and credits")
    expect(part.get_by_role("img")).to_have_accessible_name(part.locator("figcaption").inner_text())
    expect(part.get_by_role("table")).to_have_count(2)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.context.close()


@pytest.mark.parametrize("tongue", ["fr"], indirect=True)
def test_in_french_all_of_it_is_french_and_so_are_its_figures(
    browser: Browser, file: Path, complaints: list[str]
) -> None:
    page = opened(browser, file, complaints)
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.get_by_role("heading", level=2)).to_have_text([
        "Le bilan", "Livraisons dans le temps", "Délai de livraison", "Par opérateur et préfixe",
        "Segments et crédits", "Ce qui a échoué, et pourquoi",
    ])  # fmt: skip
    for name in ("Le bilan", "Livraisons dans le temps", "Délai de livraison", "Par opérateur et préfixe"):
        part = page.get_by_role("region", name=name)
        expect(part.get_by_role("img")).to_have_accessible_name(part.locator("figcaption").inner_text())
    account = page.get_by_role("region", name="Le bilan")
    for words in ("Lignes lues 51", "moins doublon une ligne précédente a le même numéro −1", "Livrés 31 60,8 %"):
        expect(account.get_by_role("row", name=words)).to_be_visible()
    expect(page.get_by_role("row", name="-9 Aucuns destinataires valides de messages")).to_be_visible()
    shown = page.locator("body").text_content() or ""
    assert [
        english for english in catalogue() if " " in english.strip() and "{" not in english and english in shown
    ] == []
    page.context.close()


def test_what_a_stranger_wrote_shows_as_text_and_the_figures_are_the_accounts(
    browser: Browser, file: Path, complaints: list[str]
) -> None:
    page = opened(browser, file, complaints)
    assert page.title().startswith("</title><script>")
    expect(page.get_by_role("note")).to_contain_text("This campaign is still going on.")
    account = page.get_by_role("region", name="The account")
    for words in (
        "Rows read 51",
        "less duplicate an earlier row has the same number −1",
        "Messages 50",
        "Delivered 31",
    ):
        expect(account.get_by_role("row", name=words)).to_be_visible()
    lengths = page.get_by_role("region", name="Segments and credits")
    expect(lengths.get_by_role("row", name="GSM-7, 1 segment 50 segments in all 50 100.0% 40")).to_be_visible()
    failures = page.get_by_role("region", name="What failed, and why")
    expect(failures.get_by_role("row", name="-9 no valid recipient Aucuns destinataires valides")).to_be_visible()
    page.context.close()


def test_on_paper_it_is_black_on_white(browser: Browser, file: Path, complaints: list[str]) -> None:
    page = opened(browser, file, complaints, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    colours = page.evaluate("(it => [it.color, it.backgroundColor])(getComputedStyle(document.body))")
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    page.context.close()
