"""A campaign's messages by the first digits of their numbers, and the operator that these were given to.

What `phonenumbers` knows of a prefix is who handed the numbers out: whoever took one along to another operator is still
counted under it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Text, cast, func, select

from campaigns.models import batches, campaigns, messages
from campaigns.progress import IN_THE_OPEN, word
from campaigns.states import BatchState, MessageStatus

_LEADING = 5
"""Digits that are counted by: the longest country code has three."""

_NATIONAL = 2
"""Digits that are told after the country code."""


@dataclass
class Prefix:
    """Messages to numbers that begin alike.

    Attributes:
        country_code: digits, without `+`.
        digits: the first two after it.
        operator: who hands such numbers out; none if that is not known, or not one.
        messages: in all; `delivered` and `open` (without a final status) of them, the others failed.
    """

    country_code: str
    digits: str
    operator: str | None
    messages: int = 0
    delivered: int = 0
    open: int = 0

    @property
    def failed(self) -> int:
        """Messages whose final status is another than delivered."""
        return self.messages - self.delivered - self.open


def of_campaign(connection: Connection, campaign_id: int) -> tuple[Prefix, ...]:
    """All of the campaign's messages, the most frequent prefix first.

    Those whose numbers were purged are in it as they stood then.
    """
    m, c = messages.c, campaigns.c
    purged = connection.execute(select(c.prefixes).where(c.id == campaign_id)).scalar()
    counts = counted(connection, m.campaign_id == campaign_id, m.msisdn > 0).get(campaign_id, {})
    found: dict[str, Prefix] = {}
    for key, (number, delivered, in_the_open) in sorted(summed(purged or {}, counts).items()):
        code = _country_code(key)
        found[key] = Prefix(code, key[len(code) :], None, number, delivered, in_the_open)
    _name(found)
    return tuple(sorted(found.values(), key=lambda its: (-its.messages, its.country_code, its.digits)))


Counts = Mapping[str, Sequence[int]]
"""First digits → messages, and how many of these are delivered, and open."""


def counted(connection: Connection, *which: ColumnElement[bool]) -> dict[int, Counts]:
    """Some messages by their campaigns, and the first digits of their numbers; to be kept when these go."""
    m, b = messages.c, batches.c
    leading = func.substr(cast(m.msisdn, Text), 1, _LEADING).label("leading")
    alike = (m.campaign_id, leading, b.state, m.status)
    grouped = select(*alike, func.count()).where(*which, b.id == m.batch_id).group_by(*alike)
    counts: dict[int, dict[str, list[int]]] = {}
    for campaign_id, digits, state, status, count in connection.execute(grouped):
        prefix = digits[: len(_country_code(digits)) + _NATIONAL]
        its = counts.setdefault(campaign_id, {}).setdefault(prefix, [0, 0, 0])
        became = word(MessageStatus(status), BatchState(state))
        its[0] += count
        its[1] += count if became == "delivered" else 0
        its[2] += count if became in IN_THE_OPEN else 0
    return dict(counts)


def summed(some: Counts, others: Counts) -> Counts:
    """Both together."""
    return {
        key: [sum(pair) for pair in zip(some.get(key, (0, 0, 0)), others.get(key, (0, 0, 0)), strict=True)]
        for key in {*some, *others}
    }


def _country_code(digits: str) -> str:
    """The first digits that are one; nothing if none are."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE  # 70 ms, which those who only enqueue do not need

    lengths = (1, 2, 3)
    return next((digits[:length] for length in lengths if int(digits[:length]) in COUNTRY_CODE_TO_REGION_CODE), "")


def _name(found: dict[str, Prefix]) -> None:
    """Tell the operators of those prefixes that are all of one, as far as is known."""
    from phonenumbers.carrierdata import CARRIER_DATA

    names: dict[str, set[str]] = {}
    for prefix, by_language in CARRIER_DATA.items():
        for key in {prefix[:length] for length in range(3, len(prefix) + 1)} & found.keys():
            names.setdefault(key, set()).add(by_language.get("en", ""))
    for key, its in found.items():
        shorter = next((key[:length] for length in range(len(key), 0, -1) if key[:length] in CARRIER_DATA), None)
        whole = {CARRIER_DATA[shorter].get("en", "")} if shorter else {""}
        (name, *others) = whole | names.get(key, set())
        its.operator = name or None if not others else None
