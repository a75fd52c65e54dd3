"""What became of a request, over real sockets: whether it left, how its reply ended, and that it was made once."""

import os
import socket
import ssl
import threading
import time
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from worker.smseco import BadReply, Gateway, InDoubt, NotSent, Sending, Unreachable, connection, parse_reports, watched

SENDING = Sending("15", "TOTO", "Bonjour", [2250700000001])
TAKEN = (
    b"<REPONSE><msgfid>m-1</msgfid><statut>1</statut><texte>ok</texte><destinataires>1</destinataires><sms>1</sms>"
    b"<credits>1</credits><solde>9</solde><messages><sms><smsfid>s</smsfid><destination>2250700000001</destination>"
    b"<credits>1</credits></sms></messages></REPONSE>"
)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
REPORTS = (
    b"<REPONSE><statut>0</statut><messages><message><msgfid>m</msgfid><dlrs>"
    + b"<dlr><smsfid>s</smsfid><destination>2</destination><date>d</date><statut>56</statut></dlr>" * 50
    + b"</dlrs></message></messages></REPONSE>"
)


@pytest.fixture
def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def full_port():
    """A port that takes no connection any more, so that connecting times out."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        yield port
        for sock in waiting:
            sock.close()


def test_a_refused_connection_is_not_sent(credentials, closed_port):
    with Gateway(f"http://127.0.0.1:{closed_port}", credentials) as gateway, pytest.raises(NotSent, match="refused"):
        gateway.send(SENDING)


def test_a_name_that_is_not_found_is_not_sent(credentials, monkeypatch):
    def fail(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with Gateway("https://nowhere.invalid", credentials) as gateway, pytest.raises(NotSent, match="name not found"):
        gateway.send(SENDING)


def test_a_connection_that_never_comes_is_not_sent(credentials, full_port):
    url = f"http://127.0.0.1:{full_port}"
    with Gateway(url, credentials, connect_timeout=0.2) as gateway, pytest.raises(NotSent, match="timed out"):
        gateway.send(SENDING)


def test_a_handshake_with_a_server_that_speaks_no_tls_is_not_sent(stub, credentials):
    stub.reads_requests = False
    stub.plays(stub.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    url = stub.url.replace("http:", "https:")
    with Gateway(url, credentials) as gateway, pytest.raises(NotSent, match="TLS failed"):
        gateway.send(SENDING)


def test_a_handshake_that_hangs_is_not_sent(stub, credentials):
    stub.reads_requests = False
    stub.plays(stub.silence)
    url = stub.url.replace("http:", "https:")
    with Gateway(url, credentials, connect_timeout=0.2) as gateway, pytest.raises(NotSent, match="timed out"):
        gateway.send(SENDING)


def test_a_request_that_could_begin_only_too_late_is_never_begun(stub, gateway, monkeypatch):
    stub.plays(TAKEN)
    monkeypatch.setattr(connection, "CONNECT_PATIENCE", -1)
    with pytest.raises(NotSent, match="timed out"):
        gateway.send(SENDING)
    assert stub.received == []


@pytest.mark.parametrize("late", [False, True], ids=["in time", "too late"])
def test_whoever_may_send_until_then_only_sends_nothing_after_it(stub, gateway, late):
    stub.plays(TAKEN)
    with pytest.raises(NotSent, match="timed out") if late else nullcontext():
        gateway.send(SENDING, begin_by=time.monotonic() + (-0.001 if late else 60))
    assert len(stub.received) == (not late)


@pytest.mark.parametrize(
    ("act", "says"),
    [
        pytest.param(lambda s: s.raw(b""), "closed without a reply", id="hung up"),
        pytest.param(lambda s: s.reset, "connection reset", id="reset before the reply"),
        pytest.param(lambda s: s.silence, "timed out", id="no reply"),
        pytest.param(lambda s: s.dribble(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000), "timed out", id="slow header"),
        pytest.param(
            lambda s: s.dribble(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + TAKEN), "timed out",
            id="body that dribbles",
        ),
        pytest.param(lambda s: s.cut(TAKEN, at=100), "cut short", id="cut short"),
        pytest.param(lambda s: s.http(TAKEN, length=len(TAKEN) + 1), "timed out", id="a byte less than announced"),
        pytest.param(
            lambda s: s.raw(CHUNKED + b"20\r\n" + TAKEN[:30]), "cut short",
            id="a chunk cut short",
        ),
        pytest.param(lambda s: s.raw(b"HTTP/1.1 200 OK\r\n\r\n" + TAKEN[:-5]), "broken XML", id="no length, cut short"),
        pytest.param(lambda s: s.raw(b"SSH-2.0-OpenSSH\r\n"), "no HTTP", id="no HTTP at all"),
        pytest.param(lambda s: s.http(b"<html>oops</html>", "500 Oops"), "HTTP 500", id="500"),
        pytest.param(lambda s: s.http(b"", "502 Bad Gateway"), "HTTP 502", id="502"),
        pytest.param(lambda s: s.http(b"", "302 Found", "Location: /elsewhere"), "HTTP 302", id="redirect"),
        pytest.param(lambda s: s.http(b"", "307 Again", "Location: /elsewhere"), "HTTP 307", id="redirect of a POST"),
        pytest.param(lambda s: s.http(b"", "301 Moved", "Location: http://[bad"), "HTTP 301", id="redirect to nowhere"),
        pytest.param(
            lambda s: s.http(b"x" * 6025, "302 Found", "Location: /elsewhere"), "too long",
            id="redirect with a body over the cap",
        ),
        pytest.param(lambda s: s.http(b"<html>oops</html>"), "HTML", id="HTML"),
        pytest.param(lambda s: s.http(b"x" * 6025), "too long", id="over the cap"),
        pytest.param(lambda s: s.http(b"not gzip", "200 OK", "Content-Encoding: gzip"), "encoded", id="false gzip"),
        pytest.param(lambda s: s.http(TAKEN.replace(b"<statut>1", b"<statut>0")), "code 0", id="statut 0"),
    ],
)  # fmt: skip
def test_whatever_goes_wrong_after_the_first_byte_is_in_doubt(stub, impatient, act, says):
    stub.plays(act(stub))
    began = time.monotonic()
    with pytest.raises(InDoubt, match=says):
        impatient.send(SENDING)
    assert len(stub.received) == 1, "nothing is tried again by itself"
    assert time.monotonic() - began < 5, "the time-out bounds the whole reply"


def test_the_cap_grows_with_the_batch(stub, credentials):
    numbers = list(range(2250700000000, 2250700005000))
    row = "<sms><smsfid>55857bf80517a0-{0}</smsfid><destination>{0}</destination><credits>1</credits></sms>"
    head = "<REPONSE><msgfid>m</msgfid><statut>5000</statut><destinataires>5000</destinataires><credits>1</credits>"
    stub.plays(f"{head}<messages>{''.join(map(row.format, numbers))}</messages></REPONSE>".encode())
    with Gateway(stub.url, credentials, max_reply_bytes=1000) as gateway:
        assert gateway.send(Sending("15", "TOTO", "Bonjour", numbers)).consistent


def test_a_server_that_resets_before_it_has_read_all_is_in_doubt(stub, impatient):
    stub.reads_requests = False
    stub.plays(lambda sock: sock.recv(1000) and stub.reset(sock))
    big = Sending("15", "TOTO", "Bonjour", list(range(2250700000000, 2250700100000)))
    with pytest.raises(InDoubt):
        impatient.send(big)


def test_a_server_that_does_not_read_is_in_doubt_within_the_time_out(stub, impatient):
    stub.reads_requests = False
    stub.plays(stub.silence)
    big = Sending("15", "TOTO", "Bonjour", list(range(2250700000000, 2250700200000)))
    began = time.monotonic()
    with pytest.raises(InDoubt, match="timed out"):
        impatient.send(big)
    assert time.monotonic() - began < 9, "before the server hangs up"


def test_a_doubt_shows_the_sendings_id_that_a_cut_reply_still_held(stub, impatient):
    stub.plays(stub.cut(TAKEN, at=100))
    with pytest.raises(InDoubt) as caught:
        impatient.send(SENDING)
    assert caught.value.msgfid == "m-1"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(lambda s: s.raw(b"HTTP/1.0 200 OK\r\n\r\n" + TAKEN), id="HTTP/1.0 until it hangs up"),
        pytest.param(lambda s: s.http(TAKEN, "200 OK", "Connection: close"), id="told to close"),
        pytest.param(lambda s: s.http(TAKEN, "201 Created"), id="201"),
        pytest.param(
            lambda s: s.raw(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(TAKEN), TAKEN)),
            id="chunked",
        ),
        pytest.param(lambda s: s.raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + TAKEN), id="100 first"),
    ],
)  # fmt: skip
def test_a_reply_may_travel_in_any_way_that_http_knows(stub, gateway, reply):
    stub.plays(reply(stub))
    assert gateway.send(SENDING).msgfid == "m-1"


@pytest.fixture
def _time_stands_still(monkeypatch):
    """No connection is ever idle, however long a busy machine takes from one request to the next."""
    now = time.monotonic()
    monkeypatch.setattr(watched, "time", SimpleNamespace(monotonic=lambda: now))


@pytest.mark.usefixtures("_time_stands_still")
def test_a_connection_is_kept_for_the_next_batch(stub, gateway):
    stub.plays(TAKEN)
    for _ in range(3):
        gateway.send(SENDING)
    assert {request.connection for request in stub.received} == {1}


def test_a_connection_that_was_idle_for_two_seconds_is_not_trusted_with_a_batch(stub, gateway, monkeypatch):
    stub.plays(TAKEN)
    gateway.send(SENDING)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + watched.IDLE_SECONDS)
    monkeypatch.setattr(watched, "time", later)
    gateway.send(SENDING)
    assert [request.connection for request in stub.received] == [1, 2]


def test_a_connection_that_the_server_has_closed_meanwhile_is_not_used(stub, gateway):
    stub.plays(stub.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(TAKEN), TAKEN)), TAKEN)
    gateway.send(SENDING)
    stub.await_hang_up()
    gateway.send(SENDING)
    assert [request.connection for request in stub.received] == [1, 2]


def test_a_connection_after_a_doubt_is_not_used_again(stub, impatient):
    stub.plays(stub.http(TAKEN, length=len(TAKEN) + 5), TAKEN)
    with pytest.raises(InDoubt):
        impatient.send(SENDING)
    assert impatient.send(SENDING).msgfid == "m-1"


def test_the_request_before_does_not_make_the_next_one_begun(stub, gateway, monkeypatch):
    stub.plays(TAKEN)
    gateway.send(SENDING)
    stub.close()
    with pytest.raises(NotSent):
        gateway.send(SENDING)


def test_a_request_has_nothing_of_the_one_before(stub, gateway):
    stub.plays(TAKEN)
    texts = ["Bonjour", "Bonsoir à tous", "Ok"]
    for text in texts:
        gateway.send(Sending("15", "TOTO", text, [2250700000001]))
    gateway.lookup("16", [2250700000001])
    assert [request.document.partition("<msg>")[2].partition("</msg>")[0] for request in stub.received] == [*texts, ""]
    assert [int(request.headers["content-length"]) for request in stub.received] == [
        len(request.body) for request in stub.received
    ]


def test_cookies_are_not_kept(stub, gateway):
    stub.plays(stub.http(TAKEN, "200 OK", "Set-Cookie: a=b; Path=/"))
    gateway.send(SENDING)
    gateway.send(SENDING)
    assert "cookie" not in stub.received[1].headers


def test_a_child_process_opens_a_connection_of_its_own(stub, gateway, monkeypatch):
    stub.plays(TAKEN)
    gateway.send(SENDING)
    monkeypatch.setattr(connection, "os", SimpleNamespace(getpid=lambda: os.getpid() + 1))
    gateway.send(SENDING)
    assert [request.connection for request in stub.received] == [1, 2]


@pytest.mark.parametrize(
    ("act", "partial"),
    [
        pytest.param(lambda s: s.cut(REPORTS, at=1000), REPORTS[:1000], id="hung up"),
        pytest.param(lambda s: s.http(REPORTS[:1000], length=9000), REPORTS[:1000], id="stalled"),
        pytest.param(
            lambda s: s.raw(CHUNKED + b"1000\r\n" + REPORTS[:1000]),
            REPORTS[:1000], id="hung up within a chunk",
        ),
        pytest.param(lambda s: s.raw(b""), b"", id="nothing came"),
    ],
)  # fmt: skip
def test_what_arrived_of_reports_is_kept_to_the_last_byte(stub, impatient, act, partial):
    stub.plays(act(stub))
    with pytest.raises(Unreachable) as caught:
        impatient.fetch_reports()
    assert (caught.value.begun, caught.value.partial) == (True, partial)
    assert len(partial) == 0 or len(parse_reports(partial)) == partial.count(b"</dlr>")


def test_reports_that_come_slowly_are_waited_for_longer_than_a_receipt(stub, credentials):
    stub.plays(stub.dribble(b"HTTP/1.1 200 OK\r\n\r\n"))
    with Gateway(stub.url, credentials, read_timeout=0.2, reports_timeout=60) as gateway:
        assert gateway.fetch_reports() == b""


def test_reports_over_the_cap_are_kept_up_to_it(stub, credentials):
    stub.plays(REPORTS)
    with Gateway(stub.url, credentials, max_reports_bytes=1000) as gateway, pytest.raises(Unreachable) as caught:
        gateway.fetch_reports()
    assert caught.value.partial == REPORTS[:1000]


def test_reports_under_an_error_status_are_kept(stub, gateway):
    stub.plays(stub.http(REPORTS, "500 Oops"))
    with pytest.raises(BadReply) as caught:
        gateway.fetch_reports()
    assert caught.value.partial == REPORTS


@pytest.fixture
def secure_url(stub, certificate):
    """The stub behind TLS."""
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    stub.wrap = lambda sock: context.wrap_socket(sock, server_side=True)
    return stub.url.replace("http:", "https:")


@pytest.mark.needs("openssl")
@pytest.mark.usefixtures("_time_stands_still")
def test_a_send_over_tls_is_received(stub, secure_url, credentials, certificate):
    stub.plays(TAKEN)
    big = Sending("15", "TOTO", "Bonjour", list(range(2250700000000, 2250700005000)))
    with Gateway(secure_url, credentials, ca_bundle=str(certificate[1])) as gateway:
        assert gateway.send(SENDING).msgfid == gateway.send(big).msgfid == "m-1"
    assert {request.connection for request in stub.received} == {1}
    assert stub.received[1].document.count("<numero>") == 5000


@pytest.mark.needs("openssl")
def test_a_certificate_that_nobody_vouches_for_is_not_sent(stub, secure_url, credentials):
    stub.plays(TAKEN)
    with Gateway(secure_url, credentials) as gateway, pytest.raises(NotSent, match="TLS failed"):
        gateway.send(SENDING)
    assert stub.received == []


def test_gateways_in_threads_do_not_share_what_they_noted(stub, credentials, closed_port):
    stub.plays(TAKEN)
    outcomes = []

    def send(url):
        with Gateway(url, credentials) as gateway:
            try:
                outcomes.append(gateway.send(SENDING).msgfid)
            except NotSent:
                outcomes.append("not sent")

    urls = [stub.url, f"http://127.0.0.1:{closed_port}"] * 4
    threads = [threading.Thread(target=send, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["m-1"] * 4 + ["not sent"] * 4
