"""What is planted to be looked for where it must not be: a password, a login, numbers, and a word of a text."""

import re
from typing import Any

import redis

from tests.system.installation import LOGIN, PASSWORD
from worker.embedded import client_url

CANARY = "canary-8d2b"


def in_redis(url: str) -> str:
    """Every value of every key, as one text."""
    with redis.Redis.from_url(client_url(url), decode_responses=True) as client:
        return "\n".join(f"{key}: {_value(client, key)}" for key in client.scan_iter())


def _value(client: Any, key: str) -> str:
    reads = {
        "list": lambda: client.lrange(key, 0, -1),
        "hash": lambda: client.hgetall(key),
        "set": lambda: client.smembers(key),
        "zset": lambda: client.zrange(key, 0, -1),
        "string": lambda: client.get(key),
    }
    kind = client.type(key)
    return str(reads[kind]()) if kind in reads else ""


def private(text: str, audience: list[dict[str, str]]) -> set[str]:
    """What of an audience, and of the account, stands in a text. A number is found in whatever way it is written
    without blanks; digits behind a point are those of a measured time."""
    numbers = {one["tel"][1:] for one in audience}
    runs = set(re.findall(r"(?<![\d.])\d{9,}", text))
    return {run for run in runs if run[-9:] in numbers} | {word for word in (LOGIN, PASSWORD, CANARY) if word in text}
