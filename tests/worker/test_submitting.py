"""Specs that come as tasks: their audience is a name, and whatever is wrong is kept where somebody can find it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import requests
from pydantic import SecretStr
from sqlalchemy.exc import InternalError

import campaigns
from campaigns import outages
from campaigns.database import Database, DatabaseAway
from campaigns.progress import Progress
from campaigns.spec import KeyBusy
from campaigns.states import CampaignState
from worker import submitting
from worker.broker import VISIBILITY_SECONDS
from worker.resources import Resources
from worker.settings import Account, Settings

ROWS = "tel;nom\n0700000001;Awa\n0700000002;Bob\n"
SPEC = {"name": "Promo", "template": "Bonjour {{ nom }}"}
HOST = "lists.example"
READ_ONLY = InternalError("INSERT", None, Exception("cannot execute INSERT in a read-only transaction"))

Submit = Callable[..., str]


@pytest.fixture
def database(sqlite: Database) -> Database:
    return sqlite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "audiences"
    made.mkdir()
    (made / "clients.csv").write_text(ROWS)
    (tmp_path / "private.csv").write_text(ROWS)
    (made / "loop.csv").symlink_to(made / "loop.csv")
    (made / "link.csv").symlink_to(tmp_path / "private.csv")
    return made


@pytest.fixture
def resources(database: Database, folder: Path) -> Resources:
    return resources_of(database, folder)


@pytest.fixture
def resources_anywhere(any_database_url: str, folder: Path) -> Iterator[Resources]:
    """With a database of each kind: what one stores, the other may refuse."""
    made = Database(any_database_url)
    yield resources_of(made, folder)
    made.close()


def resources_of(database: Database, folder: Path) -> Resources:
    account = Account(login=SecretStr("x"), password=SecretStr("x"))
    settings = Settings(accounts={"default": account}, audience_dir=folder, audience_hosts=frozenset({HOST}))
    return Resources(settings, database, _silent)


@pytest.fixture
def submit(resources: Resources) -> Submit:
    def call(occurrence: str | None = None, **spec: Any) -> str:
        return submitting.submit_named(resources, {**SPEC, **spec}, occurrence)

    return call


def found(database: Database, key: str) -> Progress:
    return campaigns.find(key, database=database)


def test_a_file_under_the_folder_is_taken_in(submit: Submit, database: Database) -> None:
    assert submit(key="k", audience={"file": "clients.csv"}) == "campaign 1 submitted"
    assert found(database, "k").messages == 2


def test_the_same_again_is_the_same_campaign(submit: Submit) -> None:
    submit(key="k", audience={"file": "clients.csv"})
    assert submit(key="k", audience={"file": "clients.csv"}) == "campaign 1 was there already"


def test_a_key_with_other_content_is_refused_and_leaves_the_first_campaign_alone(
    submit: Submit, database: Database
) -> None:
    submit(key="k", audience={"file": "clients.csv"})
    said = submit(key="k", audience={"file": "clients.csv"}, template="Bonsoir")
    assert re.fullmatch(r"refused: campaign \d+ says why", said)
    kept = campaigns.progress(int(said.split()[2]), database=database)
    assert (kept.state, kept.key) == (CampaignState.FAILED, None)
    assert "key: campaign 1 has this key and other content" in str(kept.reason)
    assert found(database, "k").state == CampaignState.FUNDING


def test_one_without_a_key_takes_the_one_that_it_is_given(resources: Resources, database: Database) -> None:
    spec = {**SPEC, "audience": {"file": "clients.csv"}}
    assert submitting.submit_named(resources, spec, None, otherwise_key="t1") == "campaign 1 submitted"
    assert submitting.submit_named(resources, spec, None, otherwise_key="t1") == "campaign 1 was there already"
    assert submitting.submit_named(resources, {**spec, "key": "k"}, None, otherwise_key="t1") == "campaign 2 submitted"
    assert found(database, "t1").id == 1


@pytest.mark.parametrize(
    "error", [KeyBusy(["key: busy"]), DatabaseAway.__new__(DatabaseAway), READ_ONLY], ids=["busy", "away", "read-only"]
)
def test_what_time_can_mend_is_no_refusal(
    submit: Submit, database: Database, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fail_with(monkeypatch, error)
    with pytest.raises(type(error)):
        submit(key="k", audience={"file": "clients.csv"})
    with pytest.raises(campaigns.UnknownCampaignError):
        found(database, "k")


def test_a_fault_of_our_own_is_kept_by_its_kind_and_raised(
    submit: Submit, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, OSError("no space for 0700000001"))
    with pytest.raises(OSError):
        submit(key="k", audience={"file": "clients.csv"})
    assert found(database, "k").reason == "refused: it failed inside (OSError), see the worker's log"


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(submitting, "submit", fail)


@pytest.mark.parametrize("field", ["name", "key", "account", "sender", "number_column", "colour\0"])
@pytest.mark.parametrize("bad", ["a\0b", "\ud800", {"225": 1}, "x" * 30_000], ids=["null", "surrogate", "dict", "long"])
def test_whatever_a_field_holds_is_kept_as_a_refusal(resources_anywhere: Resources, field: str, bad: object) -> None:
    spec = {**SPEC, "audience": {"file": "clients.csv"}, field: bad}
    said = submitting.submit_named(resources_anywhere, spec, None)
    assert said == "refused: campaign 1 says why"
    assert campaigns.progress(1, database=resources_anywhere.database).state == CampaignState.FAILED


@pytest.mark.parametrize(
    ("audience", "fault"),
    [
        ([{"tel": "0700000001"}], "numbers do not travel in a task"),
        ({"rows": [{"tel": "0700000001"}]}, "that is no way to name it"),
        ({"0700000001": "x"}, "that is no way to name it"),
        ({"id": True}, "that is no way to name it"),
        ({"id": 2**63}, "that is no way to name it"),
        ({"file": "\ud800"}, "can be the name of no file"),
        ({"file": "loop.csv"}, "audience: "),
        ({"url": f"https://{HOST}/\ud800"}, "only https URLs"),
        ({"file": "clients.csv", "id": 1}, "numbers do not travel in a task"),
        (None, "numbers do not travel in a task"),
        ({"file": "../private.csv"}, "is not under AUDIENCE_DIR"),
        ({"file": "/etc/passwd"}, "is not under AUDIENCE_DIR"),
        ({"file": "link.csv"}, "is not under AUDIENCE_DIR"),
        ({"file": "nobody.csv"}, "audience: "),
        ({"file": "."}, "audience: "),
        ({"file": "a\0b"}, "audience: "),
        ({"file": 5}, "that is no way to name it"),
        ({"id": 99}, "audience: "),
        ({"id": "1; DROP TABLE campaigns"}, "that is no way to name it"),
        ({"url": "https://elsewhere.example/a.csv"}, "only https URLs of hosts that AUDIENCE_HOSTS names"),
        ({"url": f"http://{HOST}/a.csv"}, "only https URLs of hosts that AUDIENCE_HOSTS names"),
        ({"url": f"https://{HOST}@elsewhere.example/a.csv"}, "only https URLs of hosts that AUDIENCE_HOSTS names"),
        ({"url": f"file:///{HOST}/etc/passwd"}, "only https URLs of hosts that AUDIENCE_HOSTS names"),
        ({"url": "https://["}, "only https URLs of hosts that AUDIENCE_HOSTS names"),
    ],
    ids=["numbers", "numbers under a name", "a number as a name", "true", "an id beyond all",
         "half a surrogate in a name",
         "a link to itself", "half a surrogate in a URL", "two names", "nothing", "a path upwards", "an absolute path",
         "a link that leads out", "no such file", "a folder", "a null in the name", "a file that is no name",
         "no such audience", "an id that is none", "another host", "plain http", "a login that looks like the host",
         "another scheme", "no URL"],
)  # fmt: skip
def test_a_refused_audience_is_kept_with_its_fault_and_shows_no_number(
    submit: Submit, database: Database, audience: object, fault: str
) -> None:
    assert submit(key="k", audience=audience) == "refused: campaign 1 says why"
    kept = found(database, "k")
    assert kept.state == CampaignState.FAILED
    assert fault in str(kept.reason)
    assert "0700000001" not in str(kept.reason)


def test_every_fault_of_a_spec_is_kept(submit: Submit, database: Database) -> None:
    submit(key="k", audience={"file": "clients.csv"}, template="", rate=-1, sender="x" * 20, colour="red")
    reason = str(found(database, "k").reason)
    assert all(f"{name}: " in reason for name in ("template", "rate", "sender", "colour"))


@pytest.mark.parametrize("spec", [None, [], "Promo", 5], ids=["nothing", "a list", "a text", "a number"])
def test_what_is_no_spec_is_kept_too(submit: Submit, database: Database, spec: object) -> None:
    resources = Resources(
        Settings(accounts={"default": Account(login=SecretStr("x"), password=SecretStr("x"))}), database, _silent
    )
    assert submitting.submit_named(resources, spec, None) == "refused: campaign 1 says why"
    assert campaigns.progress(1, database=database).state == CampaignState.FAILED


def _silent(*_: object) -> None:
    """Rings nobody."""


def test_a_refused_key_is_free_again_once_the_spec_is_mended(submit: Submit, database: Database) -> None:
    submit(key="k", audience={"file": "nobody.csv"})
    assert submit(key="k", audience={"file": "clients.csv"}) == "campaign 2 submitted"
    assert found(database, "k").id == 2


@pytest.mark.parametrize(
    ("key", "occurrence", "filled"),
    [
        ("promo-{occurrence:%Y-%m-%d}", "2026-11-23T09:00:00+00:00", "promo-2026-11-23"),
        ("{occurrence:%H:%M}", "2026-11-23T09:00:00+01:00", "09:00"),
        ("plain", "2026-11-23T09:00:00+00:00", "plain"),
        ("with {braces}", None, "with {braces}"),
        ("promo-{occurrence:%Y-%m-%d}", None, f"promo-{datetime.now(UTC):%Y-%m-%d}"),
    ],
    ids=["a day", "a time in its own zone", "no slot", "other braces", "the time at which the task runs"],
)
def test_a_key_may_carry_its_slot(
    submit: Submit, database: Database, key: str, occurrence: str | None, filled: str
) -> None:
    submit(occurrence, key=key, audience={"file": "clients.csv"})
    assert found(database, filled).state == CampaignState.FUNDING


def test_where_no_slot_is_said_the_database_s_clock_is_and_not_that_of_this_host(
    resources: Resources, database: Database, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources.database, "clock", lambda: datetime(2024, 2, 29, 23, 59, tzinfo=UTC))
    submit(key="promo-{occurrence:%Y-%m-%d}", audience={"file": "clients.csv"})
    assert found(database, "promo-2024-02-29").state == CampaignState.FUNDING


@pytest.mark.parametrize(
    ("key", "occurrence"),
    [("{occurrence:%Y}-{other}", None), ("{occurrence", None), ("{occurrence.nothing}", None),
     ("{occurrence.__class__}", None), ("{occurrence!r}", None), ("{occurrence:{occurrence}}", None),
     ("{occurrence:%Y}", "yesterday"), ("{occurrence:%Y}", 5)],
    ids=["another field", "an open brace", "an attribute", "its class", "its repr", "one in the other",
         "a slot that is no time", "a slot that is no text"],
)  # fmt: skip
def test_a_key_that_cannot_be_filled_is_kept_as_it_came(
    submit: Submit, database: Database, key: str, occurrence: Any
) -> None:
    submit(occurrence, key=key, audience={"file": "clients.csv"})
    assert "key: it may hold {occurrence:%Y-%m-%d}" in str(found(database, key).reason)


@contextmanager
def host(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A web server that answers so; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def hands_out(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def behind_tls(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Have the allowed host's https URLs lead to this server, as if it had a certificate."""
    real = requests.get
    monkeypatch.setattr(
        submitting.requests, "get", lambda asked, **options: real(asked.replace(f"https://{HOST}", url), **options)
    )


def test_a_list_of_an_allowed_host_is_fetched(
    submit: Submit, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with host(hands_out(200, ROWS.encode())) as url:
        behind_tls(monkeypatch, url)
        submit(key="k", audience={"url": f"https://{HOST}/clients.csv"})
    assert found(database, "k").messages == 2


@pytest.mark.parametrize("status", [503, 429])
def test_a_host_that_is_away_is_no_refusal_before_the_last_try(
    resources: Resources, database: Database, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    spec = {**SPEC, "key": "k", "audience": {"url": f"https://{HOST}/clients.csv"}}
    with host(hands_out(status, b"busy")) as url:
        behind_tls(monkeypatch, url)
        with pytest.raises(submitting.HostAwayError):
            submitting.submit_named(resources, spec, None, last_try=False)
        with pytest.raises(campaigns.UnknownCampaignError):
            found(database, "k")
        assert "refused" in submitting.submit_named(resources, spec, None, last_try=True)
    assert f"its host answers {status}" in str(found(database, "k").reason)


def test_a_list_that_is_not_there_is_refused_at_once(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {**SPEC, "key": "k", "audience": {"url": f"https://{HOST}/clients.csv"}}
    with host(hands_out(404, b"no")) as url:
        behind_tls(monkeypatch, url)
        assert "refused" in submitting.submit_named(resources, spec, None, last_try=False)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (hands_out(302, b"", Location="https://elsewhere.example/"), "its host answers 302"),
        (hands_out(404, b"no"), "its host answers 404"),
        (hands_out(200, b"x" * 5_000), "it is larger than"),
        (hands_out(200, b"tel;n", **{"Content-Length": "900"}), "it cannot be fetched"),
    ],
    ids=["a redirect", "not there", "too large", "cut short"],
)
def test_what_a_host_does_not_hand_out_whole_is_refused(
    submit: Submit,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[BaseHTTPRequestHandler], None],
    fault: str,
) -> None:
    monkeypatch.setattr(submitting, "MOST_BYTES", 4_000)
    with host(answer) as url:
        behind_tls(monkeypatch, url)
        submit(key="k", audience={"url": f"https://{HOST}/clients.csv"})
    assert fault in str(found(database, "k").reason)


def test_a_host_that_hands_out_a_byte_now_and_then_is_left(
    submit: Submit, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = Event()

    def dribble(request: BaseHTTPRequestHandler) -> None:
        hands_out(200, b"", **{"Content-Length": "90000"})(request)
        with suppress(OSError):
            while not left.wait(0.02):
                request.wfile.write(b"0")

    monkeypatch.setattr(submitting, "LONGEST_FETCH_SECONDS", 0.2)
    with host(dribble) as url:
        behind_tls(monkeypatch, url)
        submit(key="k", audience={"url": f"https://{HOST}/clients.csv"})
        left.set()
    assert "its host hands it out too slowly" in str(found(database, "k").reason)


def test_a_fetch_ends_before_the_broker_takes_the_worker_for_dead() -> None:
    assert VISIBILITY_SECONDS / 2 >= submitting.LONGEST_FETCH_SECONDS


def test_whatever_insists_ends_before_the_broker_takes_the_worker_for_dead() -> None:
    assert VISIBILITY_SECONDS > outages.INSIST_SECONDS


def test_a_host_that_takes_too_long_over_it_is_left(
    submit: Submit, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "LONGEST_FETCH_SECONDS", -1.0)
    with host(hands_out(200, ROWS.encode())) as url:
        behind_tls(monkeypatch, url)
        submit(key="k", audience={"url": f"https://{HOST}/clients.csv"})
    assert "its host hands it out too slowly" in str(found(database, "k").reason)
