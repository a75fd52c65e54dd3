"""What goes to the gateway and what comes back, whatever the form on the wire.

A `Sending` is checked when it is made, so that a value which no form can carry is refused before anything is promised
or posted. Recipients are columns, not objects: a batch has hundreds of them, and a poll tens of thousands. No repr here
shows a login, a password, a text or a number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain

_MSGID = re.compile(r"[A-Za-z0-9-]{1,30}")
FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,29}")
# What a gateway might take for a field in a text, whatever stands in it.
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# What XML 1.0 cannot carry, not even as a character reference.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account at the gateway: `login` is an e-mail address, a mobile number or the gateway's own id."""

    login: str = field(repr=False)
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        check_text("login", self.login)
        check_text("password", self.password)


@dataclass(frozen=True, slots=True)
class Sending:
    """One request to send one text to many (I-1-1), or one mail merge (II-1-1).

    With `fields`, `text` holds `{name}` placeholders and `values[i]` are the values for `numbers[i]`, in the order of
    `fields`. `numbers` are digits with country code. `datesend` must know its zone. Raises ValueError, which names the
    field and the recipient's position, never the value.

    Without `unicode` a text travels in GSM-7 (assumed: the document is silent), which has é and à, but not ê, ç, emoji.
    What it lacks reaches the phone as something else, a `?` perhaps, and nobody says so: neither this class, which does
    not look for it, nor the gateway. With `unicode` nothing is lost, and an SMS holds 70 characters instead of 160.
    """

    msgid: str
    sender: str
    text: str = field(repr=False)
    numbers: Sequence[int | str] = field(repr=False)
    fields: Sequence[str] = ()
    values: Sequence[Sequence[str]] | None = field(default=None, repr=False)
    unicode: bool = False
    flash: bool = False
    binary: bool = False
    datesend: datetime | None = None
    mwi: str | int | None = None
    pid: str | int | None = None
    rpi: str | int | None = None
    alt_dcs: str | int | None = None
    udhdata: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_msgid(self.msgid)
        check_numbers(self.numbers)
        for name in ("sender", "text", "mwi", "pid", "rpi", "alt_dcs", "udhdata"):
            check_text(name, str(getattr(self, name) or ""))
        _check_moment(self.datesend)
        _check_merge(self.fields, self.values, len(self.numbers))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the gateway took of a send or a lookup (I-1-1, V-1); amounts are in credits.

    `smsfids`, `destinations` and `message_credits` are parallel, one entry for each number that was taken.
    `consistent`: `status`, `recipients` and these lists agree, so a number that is missing was not taken; otherwise
    it is in doubt.
    """

    msgfid: str
    status: int
    text: str = field(repr=False)
    recipients: int | None
    sms: int | None
    credits: Decimal
    balance: Decimal | None
    smsfids: list[str] = field(repr=False)
    destinations: list[str] = field(repr=False)
    message_credits: list[Decimal | None] = field(repr=False)
    consistent: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """The account's credits (IV-1). `consumed` grows with use and is untouched by a top-up; `expires` is in UTC."""

    account_id: str
    credits: Decimal
    expires: datetime | None
    consumed: Decimal | None


@dataclass(frozen=True, slots=True, repr=False)
class ReportBatch:
    """Delivery reports as parallel columns, in the order in which they came (III-1).

    `dates` are as they came. A code that is no number is 0. `truncated`: the body was damaged, and more reports may
    have been in it than could be read.
    """

    msgfids: list[str] = field(default_factory=list)
    smsfids: list[str] = field(default_factory=list)
    destinations: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)
    truncated: bool = False

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        return f"ReportBatch(reports={len(self)}, truncated={self.truncated})"


def check_msgid(msgid: str) -> None:
    """Raises ValueError unless `msgid` is 1 to 30 letters, digits and hyphens (the vendor only says: at most 30)."""
    if not _MSGID.fullmatch(msgid):
        raise ValueError("msgid must be 1 to 30 letters, digits or hyphens")


def check_text(name: str, text: str) -> None:
    """Raises ValueError, which names the field, if `text` holds what XML 1.0 cannot carry."""
    if _FORBIDDEN.search(text):
        raise ValueError(f"{name} holds a character that the gateway cannot be given")


def check_numbers(numbers: Sequence[int | str]) -> None:
    """Raises ValueError, which names the position, unless there is a list of numbers and all are plain digits."""
    if isinstance(numbers, str | bytes):
        reason = "numbers is a single text, and has to be a list: each of its digits would be taken for a number"
        raise ValueError(reason)  # noqa: TRY004 - refused like any other wrong value
    if not numbers:
        raise ValueError("numbers is empty")
    texts = [str(number) for number in numbers]
    joined = "".join(texts)
    if joined.isascii() and joined.isdigit() and "" not in texts:
        return
    position = next(i for i, text in enumerate(texts) if not (text.isascii() and text.isdigit()))
    raise ValueError(f"numbers[{position}] is not made of digits")


def _check_moment(datesend: datetime | None) -> None:
    if datesend is None:
        return
    if not isinstance(datesend, datetime):
        raise ValueError("datesend is not a datetime")  # noqa: TRY004 - refused like any other wrong value
    if datesend.tzinfo is None:
        raise ValueError("datesend has no time zone")
    try:
        datesend.astimezone(UTC)
    except OverflowError:
        raise ValueError("datesend is beyond what a calendar holds") from None


def _check_merge(fields: Sequence[str], values: Sequence[Sequence[str]] | None, recipients: int) -> None:
    if not fields:
        if values is not None:
            raise ValueError("values without fields")
        return
    if not all(FIELD_NAME.fullmatch(name) for name in fields) or len(set(fields)) != len(fields):
        raise ValueError("fields must be distinct names of letters, digits and underscores")
    if values is None or len(values) != recipients:
        raise ValueError("values must have one row for each number")
    for position, row in enumerate(values):
        if len(row) != len(fields):
            raise ValueError(f"values[{position}] must have one value for each field")
    # One search over all of them: the way of every good batch. The second look only finds the culprit's name.
    if not _FORBIDDEN.search("".join(chain.from_iterable(values))):
        return
    for position, row in enumerate(values):
        for name, value in zip(fields, row, strict=True):
            check_text(f"values[{position}].{name}", value)
