"""One campaign a key: a producer that asks twice for the same gets the first, and one that asks for another is told.

A key belongs to an account. A campaign that failed gives its key back: nothing of it was sent. One whose producer
stopped half-way gives it to the next submission that asks for it.
"""

from __future__ import annotations

import hashlib
import time
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from campaigns import events, lifecycle
from campaigns.database import Database, upsert_for
from campaigns.language import N_, _
from campaigns.models import campaigns
from campaigns.outages import PASSING, insist
from campaigns.spec import KeyBusy, KeyConflict, Spec
from campaigns.states import CampaignState

PATIENCE_SECONDS = 30.0
"""How long a second submit waits for the first, whose audience is still on its way."""

ABANDONED_SECONDS = 60.0
"""How long nothing of an audience may arrive before a second submit with its key takes its place."""

LOOKED_FOR_SECONDS = 10.0
"""How long a producer waits for a database that went away when it was asked to keep a campaign."""

_LOOK_EVERY = 0.1
_LOOKS = 10


def digest(spec: Spec, rows: str) -> str:
    """What tells two submits apart: the spec but its key, and the audience by the digest of its rows."""
    return hashlib.sha256(f"{spec.content()}\n{rows}".encode()).hexdigest()


def is_held(database: Database, account: str, key: str) -> bool:
    """Whether a campaign has the key."""
    if not (_can_be_kept(account) and _can_be_kept(key)):
        return False
    found = select(campaigns.c.id).where(_has(account, key), campaigns.c.state != CampaignState.FAILED)
    with database.reading() as connection:
        return connection.execute(found).first() is not None


def make(connection: Connection, spec: Spec, **values: Any) -> int | None:
    """Insert a campaign; returns its id, or None if another one has its key. Waits for whoever inserts just now.

    One that has the key, and whose producer seems to be dead, makes room.
    """
    if spec.key is not None:
        reason = N_("its producer stopped while handing the audience over, and a later submission took its place")
        lifecycle.fail_abandoned(connection, _has(spec.account, spec.key), seconds=ABANDONED_SECONDS, reason=reason)
    row = {
        "account": spec.account,
        "key": spec.key,
        "name": spec.name,
        "spec": spec.model_dump(mode="json"),
        "scheduled_at": spec.scheduled_at,
        "rate": spec.rate,
        "windowed": spec.window is not None,
    }
    made = _insert(connection, {**row, **values})
    if made is not None:
        state, recipients = str(values["state"]), values.get("recipients")
        events.tell(events.SUBMITTED, campaign=made, account=spec.account, state=state, recipients=recipients)
    return made


def first(database: Database, spec: Spec, its_digest: str) -> tuple[int, str]:
    """Id and state of the campaign that has the key, once it is all here.

    Raises KeyConflict if its content is another; KeyBusy if its audience is still on its way, or if it was given up
    meanwhile, so that the key is free again.
    """
    assert spec.key is not None  # noqa: S101  only a key can be held
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        with database.reading() as connection:
            held = connection.execute(select(campaigns).where(_has(spec.account, spec.key))).first()
        if held is None or held.state == CampaignState.FAILED:
            raise KeyBusy([_("key: the campaign that had this key was given up just now: submit yours again")])
        if held.digest is not None or held.purged:
            break
        if held.state != CampaignState.RECEIVING:
            raise KeyConflict(
                [_("key: campaign {id} with this key was cancelled half-way: choose another key").format(id=held.id)]
            )
        if time.monotonic() > until:
            raise KeyBusy(
                [_("key: campaign {id} with this key is still being handed over: try again later").format(id=held.id)]
            )
        time.sleep(_LOOK_EVERY)
    if held.digest is None:
        raise KeyConflict(
            [
                _(
                    "key: campaign {id} has this key, and was purged: too little is left to compare; choose another key"
                ).format(id=held.id)
            ]
        )
    if held.digest != its_digest:
        raise KeyConflict(
            [
                _(
                    "key: campaign {id} has this key and other content; choose another key, or submit the same again"
                ).format(id=held.id)
            ]
        )
    return held.id, held.state


def is_there(database: Database, campaign_id: int, its_digest: str) -> bool:
    """Whether a campaign is in the database whose commit was not answered; False, too, if that cannot be told soon."""
    c = campaigns.c
    kept = select(c.id).where(c.id == campaign_id, c.digest == its_digest)

    def look() -> bool:
        with database.reading() as connection:
            return connection.execute(kept).first() is not None

    with suppress(*PASSING):
        for _ in range(_LOOKS):  # a commit that is still on its way takes a moment more
            if insist(look, seconds=LOOKED_FOR_SECONDS):
                return True
            time.sleep(_LOOK_EVERY)
    return False


def keep_refusal(name: str, key: str | None, account: str, faults: list[str], database: Database) -> int:
    """Keep a submission that nobody is there to hear the refusal of, as a failed campaign with its faults.

    Returns:
        Its id. It has no key where a campaign has that key already: what was said to nobody must be found, and must not
        change what was promised before.
    """
    reason = N_("refused: {faults}").format(faults="; ".join(faults))
    refused: dict[str, Any] = {
        "account": _kept(account),
        "key": None if key is None else _kept(key),
        "name": _kept(name),
        "spec": {},
        "wire_text": "",
        "state": CampaignState.FAILED,
        "reason": _kept(reason),
        "completed_at": database.clock(),
    }
    with database.transaction() as connection:
        made = _insert(connection, refused)
        if made is None:
            made = _insert(
                connection,
                {
                    **refused,
                    "key": None,
                    "reason": _WITHOUT_ITS_KEY.format(why=refused["reason"]),
                },
            )
    assert made is not None  # noqa: S101  nothing can be in the way of a row without a key
    events.tell(events.SUBMITTED, campaign=made, account=account, state=CampaignState.FAILED.value)
    return made


_WITHOUT_ITS_KEY = N_("{why} (kept without its key, which another campaign has)")


def _can_be_kept(text: str) -> bool:
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def _kept(text: str) -> str:
    """The text without control characters and half surrogates, which a database refuses to store."""
    if _can_be_kept(text):
        return text
    return "".join(character if _can_be_kept(character) else "\ufffd" for character in text)


def _insert(connection: Connection, row: Mapping[str, Any]) -> int | None:
    c = campaigns.c
    if row["key"] is not None:
        failed = _has(row["account"], row["key"]) & (c.state == CampaignState.FAILED)
        connection.execute(update(campaigns).where(failed).values(key=None))
    return connection.execute(_inserted(connection.dialect.name), row).scalar()


@cache  # dearer to put together than to carry out
def _inserted(dialect: str) -> Any:
    return upsert_for(dialect, campaigns).on_conflict_do_nothing().returning(campaigns.c.id)


def _has(account: str, key: str | None) -> ColumnElement[bool]:
    return (campaigns.c.account == account) & (campaigns.c.key == key)
