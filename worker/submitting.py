"""Campaigns that come as tasks: the spec names its audience, for a task's arguments can be read in Flower and Redis."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from campaigns import naming
from campaigns.audience import AudienceError
from campaigns.keys import keep_refusal
from campaigns.outages import PASSING
from campaigns.spec import KeyBusy, SpecError
from campaigns.submission import StoredAudience, submit
from worker.language import N_
from worker.resources import Resources
from worker.settings import Settings

MOST_BYTES = 2 * 1024**3
FETCH_SECONDS = 30.0
"""For the host to connect, and between two pieces."""

LONGEST_FETCH_SECONDS = 300.0
"""For all of it: a host that hands out a byte now and then must not hold a worker for ever, nor for so long that the
broker takes the worker for dead and hands the task to another one (`worker.broker`)."""

_MAY_PASS = {408, 425, 429, *range(500, 600)}


class HostAwayError(SpecError):
    """The audience's host cannot be reached, or says that something is wrong with it: it may be well again later."""


def submit_named(
    resources: Resources,
    spec: Any,
    occurrence: str | None,
    *,
    otherwise_key: str | None = None,
    last_try: bool = True,
) -> str:
    """Submit a spec whose `audience` is a name; a refusal is kept as a failed campaign, for nobody is there to hear it.

    Args:
        resources: settings, database, and the bell to ring.
        spec: the fields of a Spec, and `audience`: a file under AUDIENCE_DIR, an allowed https URL, or a stored id.
        occurrence: ISO time of the scheduled slot that this submission is for, filled into `{occurrence:…}` in the key.
        otherwise_key: for a spec that has no key. A task may come twice: what names it keeps it to one campaign.
        last_try: whether an audience that cannot be fetched now is a refusal.

    Returns:
        What became of it, in a few words: no word of the spec's is among them.

    Raises:
        KeyBusy, HostAwayError, or one of `outages.PASSING`: the same submission is right to come again later.
    """
    asked = _asked(spec, otherwise_key)
    occurrence = _slot(resources, asked, occurrence)
    try:
        return _submit(resources, asked, occurrence)
    except (KeyBusy, *PASSING):
        raise
    except (SpecError, AudienceError) as error:
        if isinstance(error, HostAwayError) and not last_try:
            raise
        faults = error.faults if isinstance(error, SpecError) else [f"audience: {error}"]
        return _REFUSED.format(id=_keep(resources, asked, occurrence, faults))
    except Exception as error:  # raised again; but whoever looks for the campaign by its key must find something
        _keep(
            resources,
            asked,
            occurrence,
            [N_("it failed inside ({kind}), see the worker's log").format(kind=type(error).__name__)],
        )
        raise


def give_up(resources: Resources, spec: Any, occurrence: str | None, *, otherwise_key: str | None) -> str:
    """Keep a submission as a failed campaign that killed each process which tried it; the arguments are those above."""
    why = [N_("each process that tried it died: see the workers' log, and its audience")]
    asked = _asked(spec, otherwise_key)
    return _REFUSED.format(id=_keep(resources, asked, _slot(resources, asked, occurrence), why))


_REFUSED = N_("refused: campaign {id} says why")


def _asked(spec: Any, otherwise_key: str | None) -> dict[str, Any]:
    asked = dict(spec) if isinstance(spec, Mapping) else {}  # which is refused for want of everything, and kept
    if asked.get("key") is None:
        asked["key"] = otherwise_key
    return asked


def _slot(resources: Resources, asked: Mapping[str, Any], occurrence: str | None) -> str | None:
    """What a key is filled with. Where nobody says, it is the time by the one clock on which all workers agree."""
    if occurrence or not _has_slot(asked["key"]):
        return occurrence
    return resources.database.clock().isoformat()


def _submit(resources: Resources, asked: Mapping[str, Any], occurrence: str | None) -> str:
    fields = {**asked, "key": _key(asked["key"], occurrence)}
    named = fields.pop("audience", None)
    with _audience(resources.settings, named) as audience:
        made = submit(fields, audience, ring=resources.ring, database=resources.database)
    became = N_("campaign {id} submitted") if made.created else N_("campaign {id} was there already")
    return became.format(id=made.id)


def _keep(resources: Resources, asked: Mapping[str, Any], occurrence: str | None, faults: list[str]) -> int:
    name, account = asked.get("name"), asked.get("account")
    return keep_refusal(
        name=name[:200] if isinstance(name, str) and name else "(unnamed)",
        key=_printable_key(asked["key"], occurrence),
        account=account[:200] if isinstance(account, str) and account else "default",
        faults=faults,
        database=resources.database,
    )


_SLOT = re.compile(r"\{occurrence(?::([^{}]*))?\}")


def _has_slot(key: object) -> bool:
    return isinstance(key, str) and "{occurrence" in key


def _key(key: object, occurrence: str | None) -> object:
    """The key with its slot filled in: two beats, or a beat that was restarted, make one campaign of an occurrence."""
    if not isinstance(key, str) or not _has_slot(key):
        return key
    # By a pattern and not by str.format, which would look into attributes of whatever it is given.
    if not set("{}").isdisjoint(_SLOT.sub("", key)):
        raise SpecError([_NO_SLOT])
    try:
        at = datetime.fromisoformat(occurrence or "")
        return _SLOT.sub(lambda slot: format(at, slot[1] or ""), key)
    except (ValueError, TypeError):
        raise SpecError([_NO_SLOT]) from None


_NO_SLOT = N_("key: it may hold {occurrence:%Y-%m-%d} and the like, and no other braces")


def _printable_key(key: object, occurrence: str | None) -> str | None:
    try:
        filled = _key(key, occurrence)
    except SpecError:
        filled = key
    return filled[:200] if isinstance(filled, str) else None


@contextmanager
def _audience(settings: Settings, named: object) -> Iterator[Path | StoredAudience]:
    way, value = naming.way(named)
    if way == "id":
        yield StoredAudience(value)
    elif way == "file":
        yield _file(settings, value)
    else:
        with _fetched(settings, value) as path:
            yield path


def _file(settings: Settings, name: str) -> Path:
    if settings.audience_dir is None:
        raise SpecError([N_("audience: the workers have no AUDIENCE_DIR to look for files in")])
    try:
        path = (settings.audience_dir / name.replace("\0", "")).resolve()
    except (ValueError, OSError, RuntimeError):  # half a surrogate; a link that leads to itself
        raise SpecError([N_("audience: that can be the name of no file")]) from None
    if not path.is_relative_to(settings.audience_dir):
        raise SpecError([N_("audience: {name!r} is not under AUDIENCE_DIR").format(name=name)])
    return path


@contextmanager
def _fetched(settings: Settings, url: str) -> Iterator[Path]:
    if not _may_be_fetched(settings, url):
        raise SpecError([N_("audience: only https URLs of hosts that AUDIENCE_HOSTS names are fetched")])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "audience")
        try:
            _download(url, path)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise HostAwayError(
                [N_("audience: it cannot be fetched ({kind})").format(kind=type(error).__name__)]
            ) from None
        yield path


def _may_be_fetched(settings: Settings, url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return url.isprintable() and parts.scheme == "https" and parts.hostname in settings.audience_hosts


def _download(url: str, path: Path) -> None:
    # A redirect could lead to a host that nobody allowed.
    until = monotonic() + LONGEST_FETCH_SECONDS
    with requests.get(url, stream=True, timeout=FETCH_SECONDS, allow_redirects=False) as reply:
        if reply.status_code != requests.codes.ok:
            kind = HostAwayError if reply.status_code in _MAY_PASS else SpecError
            raise kind([N_("audience: its host answers {code}").format(code=reply.status_code)])
        size = 0
        with path.open("wb") as file:
            # Whatever has come, and not the next full piece: a slow host would have us wait for that past all limits.
            while piece := reply.raw.read1(1 << 20, decode_content=True):
                size += len(piece)
                if size > MOST_BYTES:
                    raise SpecError([N_("audience: it is larger than 2 GB")])
                if monotonic() > until:
                    raise SpecError([N_("audience: its host hands it out too slowly")])
                file.write(piece)
