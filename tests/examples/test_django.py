"""The Django project, started by its own commands: what a browser does, what cron does, and what a crash leaves."""

import json
import re
from collections.abc import Iterator

import pytest
import requests

from tests.examples.conftest import Copy, Example, Group
from tests.system.installation import Installation, select

pytestmark = pytest.mark.system

TEMPLATE = "Bonjour {{ name }}, à lundi."


@pytest.fixture(scope="module")
def django(example: Copy) -> Example:
    """The project, its tables beside those of the campaigns."""
    made = example("django", DJANGO_SECRET_KEY="secret-of-the-tests")
    made.done(made.words("python manage.py migrate"))
    made.done(made.words("python manage.py loaddata"))
    return made


@pytest.fixture(scope="module")
def url(django: Example) -> str:
    return django.serve("django", django.words("python manage.py runserver"))


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def clients(django: Example, group: Group, **more: str) -> None:
    """Have these people for all clients: those of the test before want no more texts."""
    rows = [
        {"model": "reminders.client", "pk": pk, "fields": {"name": one["nom"], "phone": one["tel"]}}
        for pk, one in enumerate(group.people, 1)
    ]
    (django.folder / "these.json").write_text(json.dumps(rows))
    django.done("python manage.py loaddata ./these.json", **more)


def form(browser: requests.Session, url: str) -> dict[str, str]:
    """The hidden fields of the form."""
    page = browser.get(url, timeout=20).text
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page))


def test_a_button_that_is_pressed_twice_texts_everybody_once(
    django: Example, url: str, browser: requests.Session, site: Installation, group: Group
) -> None:
    clients(django, group)
    filled = {**form(browser, url), "template": TEMPLATE}
    first, second = (browser.post(url, data=filled, timeout=20) for _ in range(2))
    assert first.status_code == second.status_code == 200, first.text
    assert first.url == second.url
    assert group.got([f"Bonjour {one['nom']}, à lundi." for one in group.people])
    pk = first.url.rstrip("/").rpartition("/")[2]
    assert len(select(site, "SELECT id FROM campaigns WHERE key = :key", key=f"reminder-{pk}")) == 1
    site.until(lambda: "completed" in browser.get(first.url, timeout=20).text, what="the page shows the end")
    assert "delivered: 2" in browser.get(first.url, timeout=20).text
    assert group.nowhere_in(site.log("django"))


def test_what_is_refused_comes_back_with_its_faults_and_can_be_mended(
    django: Example, url: str, browser: requests.Session, site: Installation, group: Group
) -> None:
    clients(django, group)
    filled = {**form(browser, url), "template": "Bonjour {{ prenom }}"}
    refused = browser.post(url, data=filled, timeout=20)
    assert refused.status_code == 400
    assert "prenom" in re.sub(r"<textarea.*?</textarea>", "", refused.text, flags=re.DOTALL)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', refused.text))
    mended = browser.post(url, data={**hidden, "template": "Salut {{ name }}"}, timeout=20)
    assert mended.status_code == 200
    assert group.got([f"Salut {one['nom']}" for one in group.people])
    assert group.nowhere_in(site.log("django"))


def test_a_form_of_another_site_is_turned_away(url: str, browser: requests.Session) -> None:
    filled = {**form(browser, url), "template": TEMPLATE, "csrfmiddlewaretoken": "x"}
    assert browser.post(url, data=filled, timeout=20).status_code == 403


def test_the_command_run_twice_texts_once_and_takes_up_what_a_crash_left_with_a_database_of_django_s_own(
    django: Example, group: Group
) -> None:
    own = {"DJANGO_DATABASE_URL": f"sqlite:///{django.folder}/own.db"}
    django.done(django.words("python manage.py migrate"), **own)
    clients(django, group, **own)
    # Numbered apart from those in the other database: a key is one campaign's, whoever made it.
    left = "Reminder(pk=501, template='Laissé {{ name }}').save(); Reminder(pk=502, template='{{').save()"
    django.done(["python", "manage.py", "shell", "-c", f"from reminders.models import Reminder; {left}"], **own)
    asked = django.words("python manage.py remind '")
    assert re.search(r"reminder 503: campaign \d+\n$", django.done(asked, **own))
    assert re.search(r"reminder 503: campaign \d+\n$", django.done(asked, **own))
    assert "reminder 503" in django.done("python manage.py remind", **own)
    names = [one["nom"] for one in group.people]
    assert group.got([f"Bonjour {name}, rendez-vous lundi." for name in names] + [f"Laissé {name}" for name in names])
