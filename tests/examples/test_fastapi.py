"""The FastAPI application, started by its own command, and asked as its README asks it."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.examples.conftest import NO_DATABASE, Copy, Example, Group
from tests.system.installation import Installation

pytestmark = pytest.mark.system

TOKEN = "token-of-the-tests"


@pytest.fixture(scope="module")
def project(example: Copy) -> Example:
    return example("fastapi", API_TOKEN=TOKEN)


@pytest.fixture(scope="module")
def url(project: Example) -> str:
    return project.serve("fastapi", project.words("uvicorn"))


@pytest.fixture
def client() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        yield session


def post(client: requests.Session, url: str, key: str, group: Group, **asked: Any) -> requests.Response:
    body = {"name": "Rappel", "template": "Bonjour {{ nom }}", "recipients": group.people, **asked}
    return client.post(f"{url}/campaigns", json=body, headers={"Idempotency-Key": key}, timeout=60)


def test_the_same_request_twice_is_one_campaign_whose_account_can_be_asked_for(
    url: str, client: requests.Session, site: Installation, group: Group
) -> None:
    first, second = (post(client, url, "api-1", group) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200), first.text
    assert first.json()["id"] == second.json()["id"]
    assert group.got([f"Bonjour {one['nom']}" for one in group.people])

    def account() -> Any:
        return client.get(f"{url}/campaigns/{first.json()['id']}", timeout=60).json()

    site.until(lambda: account()["finished"], what="it has ended")
    assert (account()["state"], account()["by_status"]) == ("completed", {"delivered": 2})
    assert group.nowhere_in(site.log("fastapi"))


@pytest.mark.parametrize(
    ("status", "wrong", "fault"),
    [
        (400, {"template": "{{ prenom }}"}, "prenom"),
        (400, {"sender": "a name that is too long"}, "sender: "),
        (409, {"template": "Autre chose"}, "key: campaign"),
        (422, {"recipients": "0700000000"}, "body.recipients: "),
        (422, {"sendr": "CLINIQUE"}, "body.sendr: "),
    ],
    ids=["a field that nobody has", "a sender", "a key that is taken", "no list", "an option that there is not"],
)
def test_what_is_refused_says_why_and_repeats_no_number(
    url: str, client: requests.Session, group: Group, status: int, wrong: dict[str, Any], fault: str
) -> None:
    if status == 409:
        assert post(client, url, "api-2", group).status_code == 201
    answer = post(client, url, "api-2", group, **wrong)
    assert answer.status_code == status
    assert fault in "\n".join(answer.json()["faults"])
    assert "0700000000" not in answer.text
    assert group.nowhere_in(answer.text)


def test_while_the_database_is_away_it_says_to_come_again(
    project: Example, client: requests.Session, site: Installation, group: Group
) -> None:
    answer = post(client, project.serve("fastapi-away", project.words("uvicorn"), **NO_DATABASE), "api-5", group)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "ask again" in answer.json()["faults"][0]
    assert group.nowhere_in(site.log("fastapi-away"))


def test_without_the_token_nothing_is_to_be_had(url: str, group: Group) -> None:
    with requests.Session() as stranger:
        assert post(stranger, url, "api-3", group).status_code in (401, 403)
        stranger.headers["Authorization"] = "Bearer é".encode()
        assert stranger.get(f"{url}/campaigns/1", timeout=60).status_code == 401


def test_its_own_page_says_what_is_asked_and_answered(url: str) -> None:
    described = requests.get(f"{url}/openapi.json", timeout=60).json()
    post = described["paths"]["/campaigns"]["post"]
    assert set(post["responses"]) == {"200", "201", "400", "409", "422", "503"}
    assert {field["name"] for field in post["parameters"] if field["required"]} == {"idempotency-key"}
    assert post["security"] == [{"HTTPBearer": []}]
    assert set(described["paths"]["/campaigns/{campaign_id}"]["get"]["responses"]) >= {"200", "404"}


@pytest.mark.needs("curl")
def test_curl_asks_as_the_readme_says(project: Example, url: str) -> None:
    readme = (project.folder / "README.md").read_text(encoding="utf-8")
    asking = readme.split("```sh\n")[3].split("```")[0].splitlines()
    command = "\n".join(asking[:2]).replace("http://127.0.0.1:8000", url).replace("rappel-1", "api-4")
    assert '"created":true' in project.done(command)
