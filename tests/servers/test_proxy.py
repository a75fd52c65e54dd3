"""The proxy does to a connection what it is told, and nothing to the others."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from socketserver import BaseRequestHandler, ThreadingTCPServer, ThreadingUnixStreamServer
from time import monotonic
from typing import Any

import psycopg
import pytest
import redis

from tests.servers.between import before, server_of
from tests.servers.proxy import Proxy, proxy
from tests.servers.waiting import eventually
from tests.servers.ways import CLIENT, COMMIT, SERVER, Blackhole, Cut, Delay, Drop, LoseAnswer


class Echo(BaseRequestHandler):
    """Says everything again, in capitals."""

    def handle(self) -> None:
        try:
            while said := self.request.recv(1 << 16):
                self.server.heard += said  # type: ignore[attr-defined]
                self.request.sendall(said.upper())
        except ConnectionError:
            pass


class Server(ThreadingTCPServer):
    daemon_threads = True
    heard = b""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Echo) as made:
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def between(server: Server) -> Iterator[Proxy]:
    with proxy(server.server_address) as made:
        yield made


def dial(between: Proxy) -> socket.socket:
    return socket.create_connection(between.address, timeout=60)


def say(client: socket.socket, words: bytes) -> bytes:
    client.sendall(words)
    return client.recv(1 << 16)


def test_all_passes_until_something_else_is_said(between: Proxy) -> None:
    with dial(between) as one, dial(between) as other:
        assert (say(one, b"one"), say(other, b"other")) == (b"ONE", b"OTHER")
        assert (between.connections, between.open) == (2, 2)
    assert eventually(lambda: between.open == 0)
    assert between.carried == {SERVER: 8, CLIENT: 8}


def test_a_server_behind_a_unix_socket_is_reached_by_a_port(tmp_path: Any) -> None:
    class UnixServer(ThreadingUnixStreamServer):
        daemon_threads = True
        heard = b""

    with UnixServer(str(tmp_path / "s"), Echo) as server, proxy(tmp_path / "s") as between:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        with dial(between) as client:
            assert say(client, b"hello") == b"HELLO"
        server.shutdown()


def test_one_that_refuses_is_found_again_on_the_same_port(between: Proxy) -> None:
    with dial(between) as client:
        assert say(client, b"a") == b"A"
        between.refuse()
        assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        dial(between)
    between.listen()
    with dial(between) as client:
        assert say(client, b"b") == b"B"


def test_the_next_connection_alone_is_dropped(between: Proxy) -> None:
    between.next(Drop())
    with dial(between) as first, dial(between) as second:
        assert first.recv(1) == b""
        assert say(second, b"a") == b"A"


def test_what_is_open_goes_on_while_new_connections_are_dropped(between: Proxy) -> None:
    with dial(between) as old:
        assert say(old, b"a") == b"A"
        between.new(Drop(reset=True))
        with pytest.raises(ConnectionResetError), dial(between) as new:  # it may come before the dialling is over
            new.recv(1)
        assert say(old, b"b") == b"B"


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_an_answer_is_cut_after_so_many_bytes(between: Proxy, server: Server, reset: bool) -> None:
    with dial(between) as client:
        assert say(client, b"before") == b"BEFORE"
        between.all(Cut(3, toward=CLIENT, reset=reset))
        client.sendall(b"hello")
        got = b""
        try:
            while piece := client.recv(1 << 16):
                got += piece
            ended = "closed"
        except ConnectionResetError:
            ended = "reset"
    assert ended == ("reset" if reset else "closed")
    assert got in ((b"", b"HEL") if reset else (b"HEL",))  # a reset may overtake what was on its way
    assert server.heard == b"beforehello"


def test_a_request_is_cut_after_so_many_bytes(between: Proxy, server: Server) -> None:
    between.all(Cut(3, toward=SERVER))
    with dial(between) as client:
        client.sendall(b"hello")
        assert client.recv(10) in (b"", b"HEL")
    assert eventually(lambda: server.heard == b"hel")


def test_what_is_swallowed_one_way_still_arrives_the_other(between: Proxy, server: Server) -> None:
    between.all(Blackhole(toward=CLIENT))
    with dial(between) as client:
        client.sendall(b"hello")
        assert eventually(lambda: server.heard == b"hello")
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)
        between.heal()
        client.settimeout(60)
        assert say(client, b"again") == b"AGAIN"


def test_pieces_come_late(between: Proxy) -> None:
    between.all(Delay(0.1))
    with dial(between) as client:
        began = monotonic()
        assert say(client, b"a") == b"A"
        assert 0.2 <= monotonic() - began < 30


def test_open_connections_are_cut_at_once(between: Proxy) -> None:
    with dial(between) as client:
        assert say(client, b"a") == b"A"
        between.sever(reset=True)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert eventually(lambda: between.open == 0)


@pytest.mark.parametrize("pieces", [[b"..COMMIT.."], [b"..COM", b"MIT.."]], ids=["in one piece", "in two"])
def test_the_answer_to_certain_bytes_is_lost(between: Proxy, server: Server, pieces: list[bytes]) -> None:
    lost = LoseAnswer(to=b"COMMIT", skip=1)
    between.all(lost)
    with dial(between) as client:
        assert say(client, b"a COMMIT that passes") == b"A COMMIT THAT PASSES"
        *first, last = pieces
        for piece in first:
            assert say(client, piece) == piece.upper()
        client.sendall(last)
        assert client.recv(1) == b""
    assert server.heard.endswith(b"COMMIT..")
    assert lost.lost == 1
    with dial(between) as client:
        assert say(client, b"COMMIT") == b"COMMIT"


def test_a_message_can_be_kept_from_the_server_as_well(between: Proxy, server: Server) -> None:
    between.all(LoseAnswer(to=b"COMMIT", carried_out=False))
    with dial(between) as client:
        client.sendall(b"COMMIT")
        assert client.recv(1) == b""
    assert server.heard == b""


@pytest.mark.parametrize("carried_out", [True, False], ids=["carried out", "not carried out"])
def test_postgresql_has_committed_or_not_and_its_client_cannot_tell(database_url: str, carried_out: bool) -> None:
    with before(database_url) as (url, between), closing(psycopg.connect(url)) as one:
        one.execute("INSERT INTO accounts (name) VALUES ('committed')")
        between.all(LoseAnswer(to=COMMIT, carried_out=carried_out))
        with pytest.raises(psycopg.OperationalError):
            one.commit()
    with psycopg.connect(database_url) as after:
        assert after.execute("SELECT count(*) FROM accounts").fetchone() == (int(carried_out),)


def test_a_broker_and_a_gateway_are_reached_through_it_as_well(broker_url: str) -> None:
    with before(broker_url) as (url, between), redis.Redis.from_url(url) as client:
        assert client.ping()
        assert between.connections == 1
    assert server_of("http://127.0.0.1:8080/client/fr") == ("127.0.0.1", 8080)
    with before("http://127.0.0.1:8080/client/fr") as (url, between):
        assert url == f"http://127.0.0.1:{between.port}/client/fr"
