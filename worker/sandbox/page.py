"""What the page at `/_sandbox/` shows: what Control tells, in words for a person, put into one template.

Texts, ids and numbers on it come from strangers: the template escapes them all. Serving it, and who may see it, is
admin.py's; the files that it is made of lie in page/.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from worker.sandbox.codes import ERRORS, STATUSES
from worker.sandbox.control import Control
from worker.sandbox.outcomes import ENDS, SILENT

FILES = Path(__file__).parent / "page"
ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}

SENDINGS = 50
SMS_OF_EACH = 5
SMS_OF_ONE = 200

_TEMPLATES = Environment(
    loader=FileSystemLoader(FILES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_GOOD = ENDS["delivered"]
_BAD = frozenset(ENDS.values()) - {_GOOD, SILENT}
_FIGURES = {
    "acceptances": "Requests accepted",
    "recipients": "SMS accepted",
    "distinct_numbers": "Different numbers",
    "duplicates": "To a number again",
    "repeats": "Same text again",
    "lookups": "Numbers looked up",
    "credits": "Credits charged",
    "refunded": "Credits refunded",
    "reports_read": "Reports read",
}


def page(control: Control, query: Mapping[str, str]) -> bytes:
    """The page as HTML in UTF-8.

    `query` may ask for the sendings `before` a running number, or for those of an `id`, be it a msgfid, an smsfid or a
    msgid; where that is a single one, with its SMS after the first `skip`. Raises ValueError for what is no number.
    """
    wanted, before, skip = query.get("id", "").strip(), _number(query, "before"), _number(query, "skip")
    if wanted:
        sendings = _found(control, wanted, skip)
    else:
        sendings = control.sendings(before=before, count=SENDINGS, sms=SMS_OF_EACH)
    told = context(
        accounts=control.accounts(),
        summary=control.summary(),
        faults=control.faults(),
        sendings=sendings,
        wanted=wanted,
        before=before,
    )
    shown = _TEMPLATES.get_template("page.html").render(told)
    # A lone surrogate, which JSON can carry, has no UTF-8; a browser shows what stands in for it as a broken character.
    return shown.encode("utf-8", errors="xmlcharrefreplace")


def context(
    *,
    accounts: list[dict[str, Any]],
    summary: dict[str, Any],
    faults: list[dict[str, Any]],
    sendings: list[dict[str, Any]],
    wanted: str = "",
    before: int = 0,
) -> dict[str, Any]:
    """What the template needs, of what Control gave; `wanted` and `before` are what it was asked for."""
    is_full = len(sendings) == SENDINGS and not wanted
    return {
        "accounts": [account | {"states": _states(account)} for account in accounts],
        "figures": [(name, label, summary[name]) for name, label in _FIGURES.items()],
        "repeats": summary["repeats"],
        "requests": sorted(summary["requests"].items()),
        "refusals": sorted(
            ((int(code), ERRORS.get(int(code), ""), count) for code, count in summary["refusals"].items()), reverse=True
        ),
        "armed": [(fault["name"], fault["operation"], _dose(fault)) for fault in faults],
        "struck": sorted(summary["faults"].items()),
        "sendings": [_sending(sending) for sending in sendings],
        "wanted": wanted,
        "alone": bool(wanted) and len(sendings) == 1,
        "before": before,
        "older": sendings[-1]["first"] if is_full and sendings[-1]["first"] > 1 else 0,
    }


def _found(control: Control, wanted: str, skip: int) -> list[dict[str, Any]]:
    """The sendings of an id: of a single one many SMS, from the one that is meant on."""
    found = control.find(wanted, count=SENDINGS)
    sms = SMS_OF_ONE if len(found) == 1 else SMS_OF_EACH
    return [
        sending
        for msgfid, position in found
        for sending in control.sendings(msgfid=msgfid, skip=skip + position, sms=sms)
    ]


def _states(account: dict[str, Any]) -> list[tuple[str, bool]]:
    """What an account may do, and whether that is as it should be."""
    return [
        ("active", True) if account["active"] else ("not active (-12)", False),
        ("may send", True) if account["may_send"] else ("may not send (-11)", False),
        ("may look up", True) if account["enterprise"] else ("may not look up (-11)", False),
    ]


def _dose(fault: dict[str, Any]) -> str:
    """How many requests an armed fault will strike."""
    share = "" if fault["share"] is None else f"{fault['share']:.0%} of all"
    left = "" if fault["count"] is None else f"the next {fault['count']}"
    return ", ".join(filter(None, (share, left)))


def _sending(sending: dict[str, Any]) -> dict[str, Any]:
    end = sending["skipped"] + len(sending["sms"])
    return sending | {
        "at": datetime.fromtimestamp(sending["at"], UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "sms": [sms | _status(sms["status"]) for sms in sending["sms"]],
        "badge": "merge" if sending["is_merge"] else sending["kind"],
        "end": end,
        "more": end < sending["size"],
    }


def _status(code: int | None) -> dict[str, str]:
    """The vendor's label of a status, and its tone: good, bad, or on the way."""
    if code is None:
        return {"label": "", "tone": "none"}
    tone = "good" if code == _GOOD else "bad" if code in _BAD else "way"
    return {"label": STATUSES[code].libelle, "tone": tone}


def _number(query: Mapping[str, str], name: str) -> int:
    number = int(query.get(name) or 0)
    if number < 0:
        raise ValueError(f"{name} cannot be negative")
    return number
