"""Audiences by name, for whatever may be read by others or is kept: a task's arguments, a schedule.

Who fetches what is named is in the machine room (`worker.submitting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaigns.language import N_, _
from campaigns.spec import SpecError

MOST_ID = 2**63 - 1

WAYS = N_('name it: {"file": "…"} under AUDIENCE_DIR, {"url": "https://…"} on one of AUDIENCE_HOSTS, or {"id": 12}')


def way(named: object) -> tuple[str, Any]:
    """How an audience is named, and by what: `file` or `url` with a text, `id` with that of a stored audience.

    Raises SpecError. What was handed over may be a number, and is not repeated.
    """
    if not isinstance(named, Mapping) or len(named) != 1:
        raise SpecError([_("audience: numbers do not travel in a task; {ways}").format(ways=_(WAYS))])
    ((how, value),) = named.items()
    if (how == "id" and type(value) is int and 0 < value <= MOST_ID) or (
        how in ("file", "url") and isinstance(value, str)
    ):
        return str(how), value
    raise SpecError([_("audience: that is no way to name it; {ways}").format(ways=_(WAYS))])
