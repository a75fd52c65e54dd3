import contextlib
import http.client
import json
from urllib.parse import urlsplit

import pytest


def get(served, path):
    reply = served.post(path, b"", method="GET")
    assert reply.status == 200
    return reply.text


def post(served, path, document, content_type="application/json"):
    return served.post(path, json.dumps(document), content_type=content_type)


def test_the_summary_adds_up_what_was_accepted(served):
    served.send("05442710", "0709999962")
    served.send("05442710")
    served.send("05442710", text="Un autre")
    served.send("12")
    served.ask("sendhrl", "<destinataires><numero>05442710</numero></destinataires>")
    served.ask("getdlrs")
    assert json.loads(get(served, "/_sandbox/summary")) == {
        "requests": {"send": 4, "lookup": 1, "reports": 1},
        "refusals": {"-9": 1},
        "acceptances": 4,
        "recipients": 4,
        "distinct_numbers": 2,
        "duplicates": 2,
        "repeats": 1,
        "lookups": 1,
        "credits": 5,
        "refunded": 1,
        "balance": 999_996,
        "reports_read": 5,
        "faults": {},
    }


def test_the_ledger_streams_json_lines_from_wherever_one_stopped(served):
    served.send("05442710", "07352518")
    served.send("08559001")
    records = [json.loads(line) for line in get(served, "/base/_sandbox/ledger").splitlines()]
    assert [record["destination"] for record in records] == ["22505442710", "22507352518", "22508559001"]
    later = [json.loads(line) for line in get(served, "/_sandbox/ledger?since=1").splitlines()]
    assert later == records[1:]
    of_one = [json.loads(line) for line in get(served, f"/_sandbox/ledger?msgfid={records[2]['msgfid']}").splitlines()]
    assert of_one == records[2:]
    assert get(served, "/_sandbox/ledger?since=3") == ""
    assert get(served, "/_sandbox/ledger?msgfid=x") == ""


@pytest.mark.parametrize("query", ["", "&since=1", "&since=3", "&msgfid=x"])
def test_the_ledger_can_be_had_as_one_json_array(served, query):
    served.send("05442710", "07352518")
    served.send("08559001")
    reply = served.post(f"/_sandbox/ledger?format=json{query}", b"", method="GET")
    assert reply.type == "application/json"
    assert json.loads(reply.text) == [
        json.loads(line) for line in get(served, f"/_sandbox/ledger?{query}").splitlines()
    ]


def test_accounts_are_shown_without_their_passwords(served):
    text = get(served, "/_sandbox/accounts")
    assert json.loads(text)[0]["login"] == "toto@toto.fr"
    assert "123456" not in text


def test_credits_can_be_granted_and_leave_the_consumption_alone(served):
    served.send("05442710")
    reply = post(served, "/_sandbox/credits", {"login": "toto@toto.fr", "amount": 5})
    assert json.loads(reply.text) == {"credits": 1_000_004}
    assert "<credits>1000004</credits>" in served.ask("getbalance")
    assert "<cumul>1</cumul>" in served.ask("getbalance")


def test_faults_can_be_armed(served):
    assert post(served, "/_sandbox/faults", {"name": "http_500", "count": 2}).status == 200
    assert ["Internal" in served.send("05442710") for _ in range(3)] == [True, True, False]
    assert json.loads(get(served, "/_sandbox/summary"))["faults"] == {"http_500": 2}


def test_faults_are_shown_while_they_are_armed_and_can_all_be_disarmed(served):
    post(served, "/_sandbox/faults", {"name": "http_500", "operation": "*", "count": 2})
    post(served, "/_sandbox/faults", {"name": "refuse", "operation": "balance", "share": 1, "code": -6})
    served.send("05442710")
    assert json.loads(get(served, "/_sandbox/faults")) == [
        {"name": "http_500", "operation": "*", "count": 1, "share": None, "seconds": 0, "code": 0},
        {"name": "refuse", "operation": "balance", "count": None, "share": 1, "seconds": 0, "code": -6},
    ]
    assert served.post("/_sandbox/faults", b"", method="DELETE").status == 200
    assert json.loads(get(served, "/_sandbox/faults")) == []
    assert "<statut>0</statut>" in served.ask("getbalance")


def test_settings_can_be_changed_for_all_and_for_one_account(served):
    assert post(served, "/_sandbox/settings", {"active": False}).status == 200
    assert "<statut>-12</statut>" in served.send("05442710")
    assert post(served, "/_sandbox/settings", {"login": "toto@toto.fr", "active": True, "price": 3}).status == 200
    assert "<credits>3</credits>" in served.send("05442710")


@pytest.mark.parametrize(
    ("what", "document"),
    [
        ("credits", {"login": "titi", "amount": 1}),
        ("credits", {"login": "toto@toto.fr", "amount": -1}),
        ("credits", {"login": "toto@toto.fr", "amount": 1.5}),
        ("credits", {"login": "toto@toto.fr", "amount": float("inf")}),
        ("credits", {"login": "toto@toto.fr"}),
        ("faults", {"name": "thunder"}),
        ("faults", {"name": "latency", "colour": "red"}),
        ("faults", {"name": "refuse"}),
        ("faults", {"name": "reset", "share": "often"}),
        ("faults", {"name": ["reset"]}),
        ("faults", {"name": "slow_body", "seconds": float("nan")}),
        ("settings", {"port": 1}),
        ("settings", {"mix": {"lost": 1}}),
        ("settings", {"active": False, "senders": "TOTO"}),
        ("settings", {"active": False, "senders": [1]}),
        ("settings", {"delays": []}),
        ("settings", {"delays": [0, float("inf")]}),
        ("settings", {"mix": []}),
        ("settings", {"price": 1.5}),
        ("settings", {"active": "no"}),
        ("settings", {"active": False, "steps": "no"}),
        ("settings", {"active": False, "colour": "red"}),
        ("settings", ["active"]),
    ],
)
def test_what_cannot_be_is_answered_with_its_reason_and_changes_nothing(shared, what, document):
    reply = post(shared, f"/_sandbox/{what}", document)
    assert reply.status == 400
    assert json.loads(reply.text)["error"]
    assert json.loads(get(shared, "/_sandbox/accounts"))[0]["active"] is True


def test_a_document_that_is_too_deep_is_answered_with_its_reason(shared):
    reply = shared.post("/_sandbox/settings", "[" * 100_000, content_type="application/json")
    assert (reply.status, "recursion" in json.loads(reply.text)["error"]) == (400, True)


def test_a_page_in_a_browser_cannot_give_orders(shared):
    reply = post(shared, "/_sandbox/credits", {"login": "toto@toto.fr", "amount": 5}, content_type="text/plain")
    assert reply.status == 415


def test_the_page_is_shown_under_any_base_path_with_all_that_it_is_made_of(shared):
    for base in ("/_sandbox/", "/client/CODE/fr/_sandbox/"):
        assert "<h1>Sandbox gateway</h1>" in get(shared, base)
        types = [shared.post(base + name, b"", method="GET").type for name in ("page.css", "page.js", "icon.svg")]
        assert types == ["text/css", "text/javascript", "image/svg+xml"]


@pytest.mark.parametrize("base", ["", "/client/CODE/fr", "//evil.example"])
def test_whoever_leaves_out_the_last_slash_is_led_to_the_page_and_nowhere_else(shared, base):
    reply = shared.post(f"{base}/_sandbox", b"", method="GET")
    assert (reply.status, reply.headers["Location"]) == (302, "_sandbox/")


@pytest.mark.parametrize("what", ["", "page.js", "summary", "accounts", "faults", "ledger", "?before=x"])
def test_nothing_that_is_shown_may_be_kept_framed_or_filled_from_elsewhere(shared, what):
    headers = shared.post(f"/_sandbox/{what}", b"", method="GET").headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_question_that_cannot_be_is_answered_with_its_reason(shared):
    reply = shared.post("/_sandbox/?before=x", b"", method="GET")
    assert (reply.status, "error" in json.loads(reply.text)) == (400, True)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:1",
        "sandbox.localhost",
        "127.0.0.1",
        "127.8.8.8:8800",
        "[::1]",
        "[::1]:8800",
        "0.0.0.0:1",
    ],
)
def test_a_name_of_this_machine_is_served(shared, host):
    assert status_for(shared, host) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8800", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1",
     "[2001:db8::1]", "notlocalhost", "[::1", ""],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/_sandbox/", "/base/_sandbox/summary"])
def test_a_name_that_somebody_else_gave_to_this_machine_is_not(shared, host, path):
    assert status_for(shared, host, path) == 403


def status_for(served, host, path="/_sandbox/"):
    with contextlib.closing(http.client.HTTPConnection(urlsplit(served.sandbox.url).netloc, timeout=60)) as connection:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        return connection.getresponse().status


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/_sandbox/page.html", 404), ("POST", "/_sandbox/summary", 404), ("DELETE", "/_sandbox/ledger", 405),
])  # fmt: skip
def test_what_is_not_there_is_not_served(shared, method, path, status):
    assert shared.post(path, b"{}", content_type="application/json", method=method).status == status
