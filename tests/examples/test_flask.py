"""The Flask application, started by its own command: a list is looked at, and sent by a second click."""

import re
from collections.abc import Iterator

import pytest
import requests

from tests.examples.conftest import NO_DATABASE, Copy, Example, Group
from tests.system.installation import Installation

pytestmark = pytest.mark.system

ASKED = {"name": "Rappel", "template": "Bonjour {{ nom }}, à bientôt."}


@pytest.fixture(scope="module")
def project(example: Copy) -> Example:
    return example("flask", FLASK_SECRET_KEY="secret-of-the-tests")


@pytest.fixture(scope="module")
def url(project: Example) -> str:
    return project.serve("flask", project.words("flask run"))


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def upload(browser: requests.Session, url: str, content: str, **asked: str) -> requests.Response:
    """Fill in the form, and press the first button."""
    return browser.post(f"{url}/preview", data={**ASKED, **asked}, files={"audience": ("x.csv", content)}, timeout=60)


def test_a_list_is_shown_and_a_second_button_that_is_pressed_twice_sends_it_once(
    url: str, browser: requests.Session, site: Installation, group: Group
) -> None:
    shown = upload(browser, url, group.csv(["tel", "nom"]) + "12,Personne\n")
    texts = [f"Bonjour {one['nom']}, à bientôt." for one in group.people]
    assert shown.status_code == 200, shown.text
    assert "3 rows, 2 messages, 2 credits" in shown.text
    assert all(text in shown.text for text in [*texts, "not texted, invalid: 1"])
    assert group.texts() == []
    (key,) = re.findall(r'name="key" value="([^"]+)"', shown.text)
    first, second = (browser.post(f"{url}/campaigns", data={"key": key}, timeout=60) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert first.url == second.url
    assert group.got(texts)
    site.until(lambda: "completed" in browser.get(first.url, timeout=60).text, what="the page shows the end")
    assert "delivered: 2" in browser.get(first.url, timeout=60).text
    assert group.nowhere_in(site.log("flask"))


def test_what_is_refused_comes_back_with_its_faults(url: str, browser: requests.Session, group: Group) -> None:
    wrong = upload(browser, url, group.csv(["tel", "nom"]), name="", template="{{ prenom | evil }}")
    assert wrong.status_code == 400
    assert len(re.findall(r'role="alert"', wrong.text)) == 2
    no_list = upload(browser, url, "nom,ville\nAwa,Bouaké\n")
    assert no_list.status_code == 400
    assert "which column holds the phone numbers cannot be told" in no_list.text


def test_only_what_this_browser_was_shown_can_be_sent(url: str, browser: requests.Session, group: Group) -> None:
    shown = upload(browser, url, group.csv(["tel", "nom"]))
    (key,) = re.findall(r'name="key" value="([^"]+)"', shown.text)
    assert browser.post(f"{url}/campaigns", data={"key": "another"}, timeout=60).status_code == 400
    assert requests.post(f"{url}/campaigns", data={"key": key}, timeout=60).status_code == 400
    assert browser.get(f"{url}/campaigns/999999", timeout=60).status_code == 404


def test_while_the_database_is_away_it_says_to_press_again(
    project: Example, browser: requests.Session, site: Installation, group: Group
) -> None:
    away = project.serve("flask-away", project.words("flask run"), **NO_DATABASE)
    answer = upload(browser, away, group.csv(["tel", "nom"]))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert group.nowhere_in(site.log("flask-away"))
