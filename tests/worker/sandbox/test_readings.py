import http.client
import json
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest

from tests.servers.waiting import eventually
from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import running

COMPTE = "<compte><login>me</login><password>pw</password></compte>"
SEND = (
    f"XML=<SMS>{COMPTE}<message><msgid>15</msgid><expediteur>DEMO</expediteur><msg>Juste un test</msg></message>"
    "<destinataires><numero>05442710</numero><numero>07352518</numero></destinataires></SMS>"
)


@pytest.fixture
def readings(tmp_path):
    """What a sandbox writes down of its readers, with a way to ask it."""
    path = tmp_path / "readings.jsonl"
    options = SandboxOptions(accounts={"me": "pw"}, mix={"delivered": 1}, delays=(0, 0), readings=path)
    with running(options) as sandbox:

        def ask(command, body=f"XML=<SMS>{COMPTE}</SMS>"):
            with closing(http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=60)) as connection:
                connection.request("POST", f"/api/xml/{command}/", body, {"Content-Type": "text/xml"})
                return connection.getresponse().read().decode()

        def written():
            # Whether a reply left whole is known, and written down, when its reader may have it already.
            assert eventually(lambda: path.read_text().endswith("\n"))
            return [json.loads(line) for line in path.read_text().splitlines()]

        yield sandbox, ask, written


def test_each_reading_that_was_given_reports_is_a_line_and_one_that_was_given_none_is_not(readings):
    sandbox, ask, written = readings
    ask("sendsms", SEND)
    ask("getdlrs")
    ask("getdlrs")
    (line,) = written()
    expected = [[sms["msgfid"], sms["smsfid"], 56] for sms in sandbox.ledger()]
    assert (line["account"], line["whole"], line["reports"]) == ("me", True, expected)
    assert line["at"] >= sandbox.ledger()[0]["at"] - 0.001


@pytest.mark.parametrize("fault", ["drop_reply", "reset", "cut_short", "http_500", "html_page"])
def test_what_was_spoilt_on_its_way_was_handed_out_and_not_whole(readings, fault):
    sandbox, ask, written = readings
    ask("sendsms", SEND)
    sandbox.fault(fault, operation="reports")
    with suppress(http.client.HTTPException, ConnectionError):
        ask("getdlrs")
    assert [(line["whole"], len(line["reports"])) for line in written()] == [(False, 2)]


def test_a_reading_leaves_as_before_where_it_is_written_down(readings):
    _, ask, _ = readings
    ask("sendsms", SEND)
    assert ask("getdlrs").count("<smsfid>") == 2
