"""A Celery app that has none of our code, nor could have it: its task, and what its beat sends."""

import sysconfig
from datetime import UTC, datetime

import pytest

from tests.examples.conftest import Copy, Example, Group, found
from tests.system.installation import Installation, select

pytestmark = pytest.mark.system


PYTHON = "python -S"
"""Without what `site` does: it follows the link by which our code is installed here, and a host of theirs has none."""


@pytest.fixture(scope="module")
def shop(example: Copy, site: Installation) -> Example:
    """The project, on a host that knows the broker and a folder, but no database."""
    folder = str(site.folder / "audiences")
    packages = sysconfig.get_path("purelib")
    return example(
        "celery-client", AUDIENCE_DIR=folder, CUSTOMERS="customers.csv", PYTHONPATH=packages, DATABASE_URL=""
    )


def celery(words: str) -> str:
    """Celery's command, where nothing of ours is."""
    return words.replace("celery", f"{PYTHON} -m celery", 1)


def test_none_of_our_code_is_there(shop: Example) -> None:
    for ours in ("campaigns", "worker"):
        tried = shop.run(f"{PYTHON} -c 'import celery, {ours}'")
        assert tried.returncode == 1
        assert f"No module named '{ours}'" in tried.stderr


def test_its_task_run_twice_writes_a_list_and_texts_it_once(shop: Example, site: Installation, group: Group) -> None:
    (shop.folder / "customers.csv").write_text(group.csv(["tel", "prenom"]), encoding="utf-8")
    shop.start("shop", celery(shop.words("celery -A shop worker")))
    call = celery(shop.words("celery -A shop call"))
    shop.done(call)
    shop.done(call)
    site.until(lambda: site.log("shop").count("succeeded in") == 2, what="its task has run twice")
    assert group.got([f"{one['nom']}, -20% chez nous aujourd'hui." for one in group.people])
    account = site.ended(found(site, "offer-2026-11-30").id)
    assert account.messages == 2
    again = "was there already"
    site.until(lambda: again in site.log("worker"), what="the second came, too")
    assert len(select(site, "SELECT id FROM campaigns WHERE name LIKE 'Offre du %'")) == 1
    assert group.nowhere_in(site.log("shop"))
    assert group.nowhere_in(site.log("worker"))


def test_what_its_beat_sends_every_monday_makes_a_campaign_of_that_day(
    shop: Example, site: Installation, group: Group
) -> None:
    (site.folder / "audiences" / "monday.csv").write_text(group.csv(["tel", "prenom"]), encoding="utf-8")
    send = (
        "import shop; entry = shop.app.conf.beat_schedule['monday'];"
        " print(shop.app.send_task(entry['task'], entry['args']).id)"
    )
    day = datetime.now(UTC).date()
    shop.done(f'{PYTHON} -c "{send}"')
    assert group.got([f"{one['nom']}, pensez à votre rendez-vous." for one in group.people])
    (made,) = select(site, "SELECT key FROM campaigns WHERE name = 'Rappel du lundi'")
    assert made.key in (f"monday-{day}", f"monday-{datetime.now(UTC).date()}")
