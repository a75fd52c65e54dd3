"""The sandbox's page in a real browser, which must find nothing to complain of and ask nothing of anybody else."""

import shutil
import urllib.request
from collections.abc import Callable, Iterator
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import RunningSandbox, running

pytestmark = pytest.mark.needs("chromium")

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
PATIENCE = 90_000  # milliseconds
HOSTILE = (
    "</textarea></td></table><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS, timeout=PATIENCE
        )
        yield chromium
        chromium.close()


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    options = SandboxOptions(senders=("CLINIQUE",), mix={"delivered": 1}, delays=(0, 0), credits=1_000)
    with running(options) as started:
        yield started


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the browser says on its console, and what it asks of others; the test fails for what is left of it."""
    said: list[str] = []
    yield said
    assert said == []


@pytest.fixture
def open_page(browser: Browser, sandbox: RunningSandbox, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens the sandbox's page in a window of its own."""
    contexts = []

    def opened(*, query: str = "", **window: object) -> Page:
        context = browser.new_context(locale="en-US", **window)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(sandbox.url) else complaints.append(asked.url))
        page.goto(f"{sandbox.url}/base/_sandbox/{query}")
        return page

    yield opened
    for context in contexts:
        context.close()


def send(sandbox: RunningSandbox, text: str, recipients: dict[str, str], *, msgid: str = "15") -> None:
    """A mail merge by XML: the `nom` of each number."""
    sms = "".join(
        f"<sms><numero>{number}</numero><datas><nom>{escape(nom)}</nom></datas></sms>"
        for number, nom in recipients.items()
    )
    document = (
        "<SMS><compte><login>demo</login><password>demo</password></compte>"
        f"<message><msgid>{msgid}</msgid><expediteur>CLINIQUE</expediteur><unicode>1</unicode>"
        f"<msg>{escape(text)}</msg></message><destinataires>{sms}</destinataires></SMS>"
    )
    body = urlencode({"XML": document}).encode()
    with urllib.request.urlopen(f"{sandbox.url}/api/xml/sendsms/", body, timeout=60) as reply:
        assert f"<statut>{len(recipients)}</statut>" in reply.read().decode()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_sending_opens_to_its_merged_texts_and_their_statuses(
    sandbox: RunningSandbox, open_page: Callable[..., Page]
) -> None:
    send(sandbox, "Bonjour {nom} !", {"05442710": "Awa Koné", "0709999959": "Yao"})
    page = open_page()
    expect(page.locator(".sms")).to_be_hidden()
    glimpse = page.locator("summary")
    expect(glimpse).to_contain_text("22505442710 56 Accusé de Réception Bonjour Awa Koné ! and 1 more")
    expect(page.locator("#sendings .kind")).to_have_text("merge")
    glimpse.click()
    rows = page.get_by_role("table", name="SMS 1 to 2 of 2").get_by_role("row")
    expect(rows).to_contain_text(
        ["Text on the phone", "22505442710 Bonjour Awa Koné ! 56 Accusé", "2250709999959 Bonjour Yao ! 59 Non Délivré"]
    )


def test_an_sms_is_found_by_its_id(sandbox: RunningSandbox, open_page: Callable[..., Page]) -> None:
    send(sandbox, "Bonjour {nom}", {"05442710": "Awa", "05442711": "Yao"}, msgid="first")
    send(sandbox, "Bonsoir {nom}", {"05442710": "Awa"}, msgid="second")
    page = open_page()
    field = page.get_by_label("msgid, msgfid or smsfid")
    field.fill(sandbox.ledger()[1]["smsfid"])
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#sendings td.text")).to_have_text("Bonjour Yao")
    field.fill("second")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#sendings td.text")).to_have_text("Bonsoir Awa")


def test_what_a_stranger_wrote_shows_as_text(sandbox: RunningSandbox, open_page: Callable[..., Page]) -> None:
    send(sandbox, "{nom}\nà lundi", {"05442710": HOSTILE})
    page = open_page()
    page.locator("summary").click()
    expect(page.locator("td.text")).to_have_text(f"{HOSTILE}\nà lundi")
    expect(page).to_have_title("Sandbox gateway")


def test_credits_can_be_topped_up_and_what_came_of_it_is_said(
    sandbox: RunningSandbox, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.get_by_label("Top up by").fill("2500")
    page.get_by_role("button", name="Add credits").click()
    expect(page.locator("output")).to_have_text("Added 2,500: 3,500 credits are there now.")
    expect(page.locator("#account-1")).to_contain_text("Credits left3,500")
    assert sandbox.accounts()[0]["credits"] == 3_500


def test_the_page_renews_itself_and_leaves_open_and_focused_what_was(
    sandbox: RunningSandbox, open_page: Callable[..., Page]
) -> None:
    sandbox.settings(delays=(3, 3))
    send(sandbox, "Bonjour {nom}", {"05442710": "Awa"}, msgid="first")
    page = open_page()
    page.locator("summary").click()
    send(sandbox, "Bonsoir {nom}", {"05442710": "Awa"}, msgid="second")
    expect(page.locator("#sendings > tbody")).to_contain_text(["second", "first"])
    expect(page.locator("#sendings > tbody").nth(1).locator(".sms .status")).to_have_text("56 Accusé de Réception")
    expect(page.locator("details").nth(1)).to_have_attribute("open", "")
    expect(page.locator("summary").nth(1)).to_be_focused()
    expect(page.get_by_role("alert")).to_have_count(0)
    send(sandbox, "Bonsoir {nom}", {"05442710": "Awa"}, msgid="third")
    expect(page.get_by_role("alert")).to_contain_text("1 SMS repeated")


def test_a_page_that_is_paused_stays_as_it_is_until_it_goes_on(
    sandbox: RunningSandbox, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.clock.install()
    page.reload()
    page.get_by_role("button", name="Pause").click()
    send(sandbox, "Bonjour {nom}", {"05442710": "Awa"})
    page.clock.run_for(60_000)
    expect(page.locator("#pulse")).to_have_text("Paused.")
    expect(page.locator("#sendings")).to_contain_text("Nothing was accepted yet.")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#sendings")).to_contain_text("Bonjour Awa")


def test_a_sandbox_that_is_gone_is_told_until_it_is_back(
    sandbox: RunningSandbox, open_page: Callable[..., Page], complaints: list[str]
) -> None:
    page = open_page()
    pulse = page.locator("#pulse")
    page.context.set_offline(True)
    expect(pulse).to_have_text("The sandbox does not answer.")
    page.context.set_offline(False)
    expect(pulse).to_have_text("Renewed every 2 seconds.")
    assert {"ERR_INTERNET_DISCONNECTED" in complaint for complaint in complaints} == {True}
    complaints.clear()


def test_without_scripts_it_can_still_be_looked_at(sandbox: RunningSandbox, open_page: Callable[..., Page]) -> None:
    send(sandbox, "Bonjour {nom}", {"05442710": "Awa"})
    page = open_page(java_script_enabled=False)
    expect(page.get_by_text("Reload the page to see what is new.")).to_be_visible()
    expect(page.get_by_role("button", name="Add credits")).to_be_hidden()
    page.locator("summary").click()
    expect(page.locator("td.text")).to_have_text("Bonjour Awa")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out_sideways(
    sandbox: RunningSandbox, open_page: Callable[..., Page], width: int, scheme: str
) -> None:
    send(sandbox, "{nom}", {"0709999959": "W" * 300, "234567809999959": "court"}, msgid="W" * 30)
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert fits(page)
    page.locator("summary").click()
    expect(page.locator("td.text").first).to_be_visible()
    assert fits(page)
