"""What stands for a number once it is purged: a negative one, which tells nobody anything.

With NUMBERS_KEY it is an HMAC of campaign and number, so that whoever has the secret and a number can still find what
its person was sent, and nobody else can tell that two campaigns have texted the same one. Without it the secret is made
up for each campaign and thrown away once that is done. Either is cut to 63 bits: in a campaign of a million, two people
come to the same one with odds of one in 20 million.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from functools import cache, partial

from campaigns.settings import domain_settings

Hide = Callable[[int], int]
"""What stands for a number from now on; what stands for one already stays."""


def hashed(secret: bytes, what: bytes) -> int:
    """A negative number of 63 bits."""
    return -1 - (int.from_bytes(hmac.digest(secret, what, "sha256")[:8]) >> 1)


@cache
def fingerprint_of(secret: str, name: str) -> str:
    """What tells a secret from another, and nothing else."""
    return hmac.new(secret.encode(), name.encode(), "sha256").hexdigest()[:16]


def fingerprint() -> str | None:
    """That of this process's NUMBERS_KEY; None without one."""
    secret = domain_settings().numbers_key
    return None if secret is None else fingerprint_of(secret, "NUMBERS_KEY")


def throwaway() -> str:
    """A secret that nobody knows."""
    return secrets.token_hex(32)


def nobody() -> int:
    """What stands for somebody who is to be forgotten, whoever asks."""
    return -1 - secrets.randbits(63)


def hide_with(campaign_id: int, otherwise: str, *, begun_with: str | None) -> Hide:
    """How the numbers of a campaign are hidden: by NUMBERS_KEY, if it is the one that its purge began with, or else by
    this secret.

    With two keys in one campaign, its fingerprint would tell of one alone: whoever is asked for, or forgotten, would
    pass for absent where the other one has hashed him. What nobody can find is nobody's.
    """
    secret = (domain_settings().numbers_key if begun_with == fingerprint() else None) or otherwise
    return partial(_hidden, secret.encode(), campaign_id)


def known(campaign_id: int, number: int) -> int | None:
    """What stands for a number in a campaign, if that can be told."""
    secret = domain_settings().numbers_key
    return None if secret is None else _hidden(secret.encode(), campaign_id, number)


def _hidden(secret: bytes, campaign_id: int, number: int) -> int:
    return number if number < 0 else hashed(secret, b"%d:%d" % (campaign_id, number))
