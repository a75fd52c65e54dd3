"""The private Valkey."""

import asyncio
import os
import stat
from pathlib import Path

import pytest
import redis
from flower.utils.broker import Broker
from kombu import Connection

from worker.embedded import client_url, valkey
from worker.processes import EndedEarlyError


def test_celery_s_own_transport_sends_and_receives_through_it(tmp_path: Path) -> None:
    with valkey(tmp_path) as url, Connection(url) as connection, connection.SimpleQueue("bells") as queue:
        queue.put("look")
        assert queue.get(timeout=60).payload == "look"


async def _lengths(url: str) -> list[dict[str, object]]:
    lengths: list[dict[str, object]] = await Broker(url).queues(["bells"])
    return lengths


def test_flower_s_page_of_the_broker_counts_what_is_queued(tmp_path: Path) -> None:
    with valkey(tmp_path) as url, Connection(url) as connection, connection.SimpleQueue("bells") as queue:
        queue.put("look")
        assert asyncio.run(_lengths(url)) == [{"name": "bells", "messages": 1}]


def test_what_was_queued_is_found_again_in_the_same_folder(tmp_path: Path) -> None:
    for expected in (1, 2):
        with valkey(tmp_path) as url, redis.Redis.from_url(client_url(url)) as client:
            assert client.incr("runs") == expected


def test_nobody_else_on_the_machine_can_reach_it(tmp_path: Path) -> None:
    with valkey(tmp_path) as url, redis.Redis.from_url(client_url(url)) as client:
        assert stat.S_IMODE((tmp_path / "valkey.sock").stat().st_mode) == 0o700
        assert client.config_get("port")["port"] == "0"


def test_a_folder_whose_name_is_too_long_for_a_socket_will_do(tmp_path: Path) -> None:
    folder = tmp_path / ("with a blank " + "x" * 90)
    folder.mkdir()
    with valkey(folder) as url, redis.Redis.from_url(client_url(url)) as client:
        client.set("a", "1")
        socket = Path(url.removeprefix("redis+socket://"))
    assert (folder / "appendonlydir").is_dir()
    assert not socket.parent.exists()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("in the way")
    with pytest.raises(EndedEarlyError, match="appendonlydir"), valkey(tmp_path):
        pass


def test_it_has_ended_when_the_context_is_left(tmp_path: Path) -> None:
    with valkey(tmp_path) as url, redis.Redis.from_url(client_url(url)) as client:
        process = client.info("server")["process_id"]
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.parametrize(
    ("celery", "client"),
    [
        ("redis+socket:///run/valkey.sock", "unix:///run/valkey.sock"),
        ("redis+socket:///run/valkey.sock?virtual_host=3", "unix:///run/valkey.sock?db=3"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
    ],
    ids=["a socket", "a numbered database", "anything else stays"],
)
def test_the_url_is_respelt_for_the_redis_client(celery: str, client: str) -> None:
    assert client_url(celery) == client
