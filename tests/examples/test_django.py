"""The Django project, started by its own commands: what a browser does, what cron does, and what a crash leaves."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
import requests
from sqlalchemy import text

from campaigns.database import Database
from tests.examples.conftest import NO_DATABASE, Copy, Example, Group
from tests.system.installation import Installation, people, select

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


def clients(tables: Database, group: Group) -> None:
    """Have these people for all clients, in place of those of the test before."""
    known = [{"name": one["nom"], "phone": one["tel"]} for one in group.people]
    with tables.transaction() as connection:
        connection.execute(text("DELETE FROM reminders_client"))
        put = "INSERT INTO reminders_client (name, phone, wants_texts) VALUES (:name, :phone, true)"
        connection.execute(text(put), known)


def left(tables: Database, pk: int, template: str) -> None:
    """A reminder that was decided on, and whose process died before it was noted what became of it."""
    row = {"id": pk, "template": template, "token": uuid4().hex, "at": "2026-11-30 12:00:00"}
    with tables.transaction() as connection:
        connection.execute(text("DELETE FROM reminders_reminder WHERE id = :id"), row)
        put = "INSERT INTO reminders_reminder (id, template, token, refused, created_at)"
        connection.execute(text(f"{put} VALUES (:id, :template, :token, '', :at)"), row)


def form(browser: requests.Session, url: str) -> dict[str, str]:
    """The hidden fields of the form."""
    page = browser.get(url, timeout=60).text
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page))


def test_a_button_that_is_pressed_twice_texts_everybody_once(
    django: Example, url: str, browser: requests.Session, site: Installation, group: Group
) -> None:
    clients(site.database, group)
    filled = {**form(browser, url), "template": TEMPLATE}
    first, second = (browser.post(url, data=filled, timeout=60) for _ in range(2))
    assert first.status_code == second.status_code == 200, first.text
    assert first.url == second.url
    assert group.got([f"Bonjour {one['nom']}, à lundi." for one in group.people])
    pk = first.url.rstrip("/").rpartition("/")[2]
    assert len(select(site, "SELECT id FROM campaigns WHERE key = :key", key=f"reminder-{pk}")) == 1
    site.until(lambda: "completed" in browser.get(first.url, timeout=60).text, what="the page shows the end")
    assert "delivered: 2" in browser.get(first.url, timeout=60).text
    assert group.nowhere_in(site.log("django"))


def test_what_is_refused_comes_back_with_its_faults_and_can_be_mended(
    django: Example, url: str, browser: requests.Session, site: Installation, group: Group
) -> None:
    clients(site.database, group)
    filled = {**form(browser, url), "template": "Bonjour {{ prenom }}"}
    refused = browser.post(url, data=filled, timeout=60)
    assert refused.status_code == 400
    assert "prenom" in re.sub(r"<textarea.*?</textarea>", "", refused.text, flags=re.DOTALL)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', refused.text))
    mended = browser.post(url, data={**hidden, "template": "Salut {{ name }}"}, timeout=60)
    assert mended.status_code == 200
    assert group.got([f"Salut {one['nom']}" for one in group.people])
    assert group.nowhere_in(site.log("django"))


def test_a_form_of_another_site_is_turned_away(url: str, browser: requests.Session) -> None:
    filled = {**form(browser, url), "template": TEMPLATE, "csrfmiddlewaretoken": "x"}
    assert browser.post(url, data=filled, timeout=60).status_code == 403


@pytest.fixture(scope="module")
def own(django: Example) -> Iterator[Database]:
    """Django's tables in a database of their own."""
    database = Database(f"sqlite:///{django.folder}/own.db")
    django.environment["DJANGO_DATABASE_URL"] = f"sqlite:///{django.folder}/own.db"
    django.done(django.words("python manage.py migrate"))
    yield database
    database.close()


def test_the_command_run_twice_texts_once_and_takes_up_what_a_process_that_died_has_left(
    django: Example, own: Database, group: Group
) -> None:
    clients(own, group)
    left(own, 501, "Laissé {{ name }}")  # numbered apart from the other database's: a key is one campaign's
    away = django.done("python manage.py remind", **NO_DATABASE)
    assert away == "reminder 501: to be handed over later\n"
    asked = django.words("python manage.py remind '")
    first = django.done(asked)
    assert re.fullmatch(r"reminder 502: campaign \d+\nreminder 501: campaign \d+\n", first)
    assert django.done(asked) == first.splitlines(keepends=True)[0]
    names = [one["nom"] for one in group.people]
    assert group.got([f"Bonjour {name}, rendez-vous lundi." for name in names] + [f"Laissé {name}" for name in names])


def test_a_campaign_that_was_not_noted_is_found_again_though_there_are_more_clients_now(
    django: Example, own: Database, group: Group
) -> None:
    clients(own, group)
    left(own, 601, "Encore {{ name }}")
    first = django.done("python manage.py remind")
    assert group.got([f"Encore {one['nom']}" for one in group.people])
    more = Group(group.site, [*group.people, *people(1)])
    clients(own, more)
    left(own, 601, "Encore {{ name }}")
    assert django.done("python manage.py remind") == first
    assert len(more.texts()) == 2
