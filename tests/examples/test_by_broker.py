"""PHP and Node, which know the broker alone: what they push is what Celery pushes, and workers take it."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from campaigns import bells
from tests.examples.conftest import Copy, Example, Group, found
from tests.system.canaries import CANARY
from tests.system.installation import Installation, select

pytestmark = pytest.mark.system

LANGUAGES = [
    pytest.param("php", marks=pytest.mark.needs("php-redis")),
    pytest.param("node", marks=pytest.mark.needs("node", "npm")),
]
PAGE = (Path(__file__).parent.parent.parent / "docs" / "producing.md").read_text(encoding="utf-8")
NEEDED = {
    "headers": {"task", "id"},
    "properties": {"delivery_tag", "delivery_info", "body_encoding"},
}
"""Without what the page says that nothing comes of its missing."""


@pytest.fixture(scope="module", params=LANGUAGES)
def program(request: pytest.FixtureRequest, example: Copy) -> Example:
    made = example(request.param, DATABASE_URL="")
    if request.param == "node":
        made.done(f"{made.words('npm ci')} --prefer-offline --no-progress")
    return made


def command(program: Example, way: str = "file") -> str:
    """The README's command for one way to name an audience."""
    readme = (program.folder / "README.md").read_text(encoding="utf-8")
    (found,) = [line for line in readme.splitlines() if " submit." in line and f"' {way} " in line]
    return found


def names(program: Example, line: str) -> str:
    """The command with a key of this program's alone."""
    return line.replace("rappel-", f"{program.folder.name}-")


@pytest.fixture
def idle_broker(site: Installation) -> Iterator[str]:
    """A broker that nobody takes anything from."""
    url = site.broker_url.removesuffix("/0") + "/1"
    yield url
    with redis.Redis.from_url(url) as client:
        client.flushdb()


def taken(broker: str) -> Any:
    """The message that waits there."""
    with redis.Redis.from_url(broker) as client:
        return json.loads(client.rpop("campaigns"))


def test_a_list_that_is_named_twice_under_one_key_is_texted_once(
    program: Example, site: Installation, group: Group
) -> None:
    name = f"{program.folder.name}.csv"
    (site.folder / "audiences" / name).write_text(group.csv(["tel", "nom"]), encoding="utf-8")
    line = names(program, command(program)).replace("clients.csv", name)
    first, second = program.done(line).strip(), program.done(line).strip()
    assert first != second
    assert group.got([f"Bonjour {one['nom']}, rendez-vous lundi." for one in group.people])
    key = f"{program.folder.name}-2026-11-30"
    assert site.ended(found(site, key).id).messages == 2
    site.until(lambda: f"campaigns.submit[{second}] succeeded" in site.log("worker"), what="the second came, too")
    assert len(select(site, "SELECT id FROM campaigns WHERE key = :key", key=key)) == 1
    assert group.nowhere_in(site.log("worker"))


@pytest.mark.parametrize(("way", "value"), [("url", "https://shop.example/lists/monday.csv"), ("id", 12)])
def test_what_is_pushed_for_the_other_ways_is_what_celery_pushes(
    program: Example, idle_broker: str, way: str, value: object
) -> None:
    id_ = program.done(command(program, way), REDIS_URL=idle_broker).strip()
    message = taken(idle_broker)
    (spec,), named, embedded = json.loads(base64.b64decode(message["body"]))
    assert spec["audience"] == {way: value}
    assert (named, message["headers"]["id"], message["properties"]["correlation_id"]) == ({}, id_, id_)
    with Celery(broker=idle_broker, set_as_current=False) as client:
        client.send_task("campaigns.submit", [spec], queue="campaigns")
    theirs = taken(idle_broker)
    assert set(message["headers"]) <= set(theirs["headers"])
    assert set(message) == set(theirs)
    assert set(message["properties"]) <= set(theirs["properties"])
    assert embedded == json.loads(base64.b64decode(theirs["body"]))[2]
    for name in ("body_encoding", "delivery_info", "delivery_mode", "priority"):
        assert message["properties"][name] == theirs["properties"][name]
    assert message["content-type"] == theirs["content-type"]


def test_where_the_broker_is_away_it_says_so(program: Example) -> None:
    ran = program.run(command(program), REDIS_URL="redis://127.0.0.1:9/0")
    assert ran.returncode not in (0, 2)
    assert "refused" in ran.stderr.lower() + ran.stdout.lower()


def example_of(name: str) -> Any:
    (found,) = re.findall(rf"<!-- example: {name} -->\n```json\n(.*?)```", PAGE, re.DOTALL)
    return json.loads(found)


def test_the_body_in_the_message_of_the_page_is_the_one_that_it_shows() -> None:
    assert json.loads(base64.b64decode(example_of("message")["body"])) == example_of("body")


@pytest.mark.parametrize("fields", ["all", "needed"])
def test_the_message_of_the_page_sent_as_it_is_makes_a_campaign_and_so_do_the_needed_fields_alone(
    site: Installation, group: Group, fields: str
) -> None:
    message, key = example_of("message"), "rappel-2026-11-30"
    if fields == "needed":
        for part, names in NEEDED.items():
            message[part] = {name: message[part][name] for name in names}
        message["headers"]["id"] = "another"
        body = json.dumps(example_of("body")).replace(key, "rappel-needed").replace("clients.csv", "needed.csv")
        message["body"], key = base64.b64encode(body.encode()).decode(), "rappel-needed"
    file = "clients.csv" if fields == "all" else "needed.csv"
    (site.folder / "audiences" / file).write_text(group.csv(["tel", "nom"]), encoding="utf-8")
    with redis.Redis.from_url(site.broker_url) as broker:
        broker.lpush("campaigns", json.dumps(message))
    assert found(site, key).state != "failed"
    assert group.got([f"Bonjour {one['nom']}, à lundi." for one in group.people])


def says_so_and_goes_on(site: Installation, before: int, said: str) -> None:
    """The worker: it takes up what comes next, a bell that nobody rang."""
    site.until(lambda: said in site.log("worker")[before:], what="it says so")
    site.ring(bells.purge(), 0, 0)
    site.until(lambda: "succeeded in" in site.log("worker")[before:].partition(said)[2], what="it goes on")


@pytest.mark.parametrize("missing", ["body", "content-type", "headers.id", "properties.body_encoding"])
def test_a_message_that_lacks_what_the_page_says_is_thrown_away_and_the_worker_goes_on(
    site: Installation, group: Group, missing: str
) -> None:
    message = example_of("message")
    *part, name = missing.split(".")
    del (message[part[0]] if part else message)[name]
    message["headers"]["root_id"] = group.people[0]["tel"]  # as if there were one in it
    before = len(site.log("worker"))
    with redis.Redis.from_url(site.broker_url) as broker:
        broker.lpush("campaigns", json.dumps(message))
    said = "cannot be read is thrown away"
    says_so_and_goes_on(site, before, said)
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{missing}` |")]
    assert row.endswith("thrown away |")
    assert group.nowhere_in(site.log("worker")[before:])


def without_a_task(message: dict[str, Any]) -> None:
    del message["headers"]["task"]


def without_headers(message: dict[str, Any]) -> None:
    del message["headers"]


def for_another_task(message: dict[str, Any]) -> None:
    message["headers"]["task"] = "campaigns.send_all"


def for_another_task_and_without_an_id(message: dict[str, Any]) -> None:
    for_another_task(message)
    del message["headers"]["id"]


def for_what_is_no_name(message: dict[str, Any]) -> None:
    message["headers"]["task"] = ["campaigns.submit"]


def of_another_kind(message: dict[str, Any]) -> None:
    without_a_task(message)
    message["content-type"] = "text/plain"


@pytest.mark.parametrize(
    ("mistake", "why"),
    [
        (without_a_task, "it names no task"),
        (without_headers, "it names no task"),
        (for_another_task, "no task here is called campaigns.send_all"),
        (for_another_task_and_without_an_id, "no task here is called campaigns.send_all"),
        (for_what_is_no_name, "TypeError"),
        (of_another_kind, "ContentDisallowed"),
    ],
)
def test_a_message_that_no_task_takes_is_thrown_away_and_nothing_of_it_is_in_the_log(
    site: Installation, group: Group, mistake: Callable[[dict[str, Any]], None], why: str
) -> None:
    message, tel = example_of("message"), group.people[0]["tel"]
    private = {"tel": tel, "nom": CANARY}
    message["headers"] |= {"root_id": tel, "origin": CANARY}
    message["body"] = base64.b64encode(json.dumps([[private], private, {}]).encode()).decode()
    mistake(message)
    before = len(site.log("worker"))
    with redis.Redis.from_url(site.broker_url) as broker:
        broker.lpush("campaigns", json.dumps(message))
    said = f"cannot be read is thrown away ({why})"
    says_so_and_goes_on(site, before, said)
    added = site.log("worker")[before:]
    assert "Traceback" not in added
    assert CANARY not in added
    assert group.nowhere_in(added)


def test_what_became_of_it_is_found_by_sql_and_by_the_command(example: Copy, site: Installation) -> None:
    asking = example("php")
    (statement,) = re.findall(r"```sql\n(.*?)```", (asking.folder / "README.md").read_text(), re.DOTALL)
    key = "rappel-2026-11-30-refused"
    ask = f"{asking.words('campaigns show')}".replace("rappel-2026-11-30", key)
    assert asking.run(ask).returncode == 1
    message, body = example_of("message"), json.dumps(example_of("body")).replace("rappel-2026-11-30", key)
    message["body"] = base64.b64encode(body.replace("clients.csv", "no such list").encode()).decode()
    message["headers"]["id"] = "refused"
    with redis.Redis.from_url(site.broker_url) as broker:
        broker.lpush("campaigns", json.dumps(message))
    made = found(site, key)
    (row,) = select(site, statement.replace("rappel-2026-11-30", key))
    assert (row.id, row.state) == (made.id, "failed")
    assert "no such list" in row.reason
    assert json.loads(asking.run(ask).stdout)["reason"] == row.reason
