"""The `message` of a request by the vendor's names, all of it text: what every form says, each in its own way.

Vendor's document, I-1-1 (send), III-2-1 (reports), V-2-1 (lookup). What was not asked for is left out; only the three
switches are always said, as the vendor's samples do.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from worker.smseco.values import Sending, check_msgid, check_numbers, check_text


def message_of(sending: Sending) -> dict[str, str]:
    """What a send says of itself, but for its recipients."""
    message: dict[str, str | int | None] = {
        "msgid": sending.msgid,
        "expediteur": sending.sender,
        "msg": sending.text,
        "flash": int(sending.flash),
        "unicode": int(sending.unicode),
        "binaire": int(sending.binary),
        "datesend": _date(sending.datesend),
        "mwi": sending.mwi,
        "pid": sending.pid,
        "rpi": sending.rpi,
        "alt_dcs": sending.alt_dcs,
        "udhdata": sending.udhdata,
    }
    return {name: str(value) for name, value in message.items() if value is not None}


def lookup_message(msgid: str, numbers: Sequence[int | str]) -> dict[str, str]:
    """What a lookup says of itself; raises ValueError for a msgid or numbers that no `Sending` could have."""
    check_msgid(msgid)
    check_numbers(numbers)
    return {"msgid": msgid}


def filter_of(msgfid: str | None, smsfid: str | None) -> dict[str, str]:
    """What a request for reports asks for; empty for all that there are. Raises ValueError."""
    check_text("msgfid", msgfid or "")
    check_text("smsfid", smsfid or "")
    return {name: value for name, value in (("msgfid", msgfid), ("smsfid", smsfid)) if value}


def _date(moment: datetime | None) -> str | None:
    """As the vendor writes it, AAAA-MM-JJ HH:MM, in UTC (Abidjan's time)."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
