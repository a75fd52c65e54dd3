import contextlib
import http.client
import json
import ssl
import threading
from urllib.request import urlopen

import pytest

from worker.sandbox.options import SandboxOptions
from worker.sandbox.server import running


def test_a_running_sandbox_can_be_looked_at_and_changed_from_the_test(served):
    sandbox = served.sandbox
    sandbox.settings(delays=(60, 60))
    served.send("05442710", msgid="a")
    served.send("07352518", msgid="b")
    assert [record["msgid"] for record in sandbox.ledger()] == ["a", "b"]
    assert [record["msgid"] for record in sandbox.ledger(since=1)] == ["b"]
    assert sandbox.summary()["recipients"] == 2
    assert sandbox.top_up("toto@toto.fr", 2) == 1_000_000
    assert sandbox.accounts()[0]["cumul"] == 2


def test_a_refund_shows_without_anybody_asking_for_reports(served):
    served.send("0709999962")
    assert served.sandbox.summary()["refunded"] == 1
    served.send("0709999954")
    assert served.sandbox.accounts()[0]["cumul"] == 0


def test_a_mistake_in_the_test_is_raised_in_the_test(shared):
    with pytest.raises(ValueError, match="no such account"):
        shared.sandbox.top_up("titi", 1)


def test_nothing_stays_behind_when_the_block_ends():
    before = threading.active_count()
    with running() as sandbox:
        netloc = sandbox.url.removeprefix("http://")
    assert threading.active_count() == before
    with contextlib.closing(http.client.HTTPConnection(netloc)) as connection, pytest.raises(ConnectionRefusedError):
        connection.request("GET", "/_sandbox/summary")


def test_a_port_that_is_taken_is_an_error_of_the_operating_system():
    with running() as sandbox:
        again = running(SandboxOptions(port=int(sandbox.url.rpartition(":")[2])))
        with pytest.raises(OSError, match="in use"):
            again.__enter__()


@pytest.mark.needs("openssl")
def test_it_speaks_https_with_a_certificate_and_nothing_else_there(certificate):
    key, chain = certificate
    with running(SandboxOptions(tls_certificate=chain, tls_key=key)) as sandbox:
        assert sandbox.url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=chain)
        assert json.loads(urlopen(f"{sandbox.url}/_sandbox/summary", context=trusting, timeout=60).read())
        with pytest.raises(http.client.BadStatusLine):
            urlopen(sandbox.url.replace("https", "http"), timeout=60)


@pytest.mark.needs("openssl")
def test_a_certificate_without_its_key_is_an_error_at_once(certificate):
    _, chain = certificate
    with pytest.raises(ValueError, match="a certificate and its own key are needed"):
        running(SandboxOptions(tls_certificate=chain)).__enter__()
