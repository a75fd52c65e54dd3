"""What a producer may ask for, checked: a bad spec is refused with every fault named, and nothing half-written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from campaigns.clocks import RECIPIENT, Hours, zone
from campaigns.language import _
from campaigns.reasons import retold
from campaigns.template import Template, TemplateError
from campaigns.windows import Window

SENDER_LENGTH = 11
"""Letters of an alphanumeric sender: 3GPP TS 23.040, section 9.1.2.5 (eleven septets in the address field)."""

_SENDER = re.compile(r"[A-Za-z0-9 ._&+-]+")


class SpecError(ValueError):
    """A campaign as asked for cannot be; `faults` names everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(_("the campaign is refused:") + "\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


class KeyConflict(SpecError):
    """The key belongs to another campaign, with other content."""


class KeyBusy(KeyConflict):
    """Whether the key is free is not settled yet: the same submission is right to come again in some seconds."""


def _sender(name: str) -> str:
    if name.isdigit():
        if not 3 <= len(name) <= 15:
            raise ValueError(_("a numeric sender has 3 to 15 digits, this one {count}").format(count=len(name)))
    elif len(name) > SENDER_LENGTH:
        raise ValueError(
            _("a sender has at most {most} characters, {name!r} has {count}").format(
                most=SENDER_LENGTH, name=name, count=len(name)
            )
        )
    elif not _SENDER.fullmatch(name):
        raise ValueError(
            _("a sender is made of plain letters, digits, blanks and . _ & + -; {name!r} is not").format(name=name)
        )
    return name


def _template(source: str) -> str:
    try:
        Template.parse(source)
    except TemplateError as error:
        raise ValueError(str(error)) from None
    return source


def _plain(words: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in words):
        raise ValueError(_("holds a control character, such as a line break"))
    return words


def _window(said: str) -> str:
    """In one form, so that the same window makes the same content."""
    return str(Window.parse(said))


def _sorted(named: dict[str, str]) -> dict[str, str]:
    """In one order, so that the same mapping makes the same content."""
    return dict(sorted(named.items()))


_Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_plain)]


class Lookup(BaseModel):
    """Number lookups (HLR) before sending: paid, and worth it where many numbers are dead."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    unknown: Literal["send", "exclude"] = Field(
        default="send", description="what becomes of numbers that no answer came for"
    )


class Spec(BaseModel):
    """One text for one audience, with its options."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=20_000, hide_input_in_errors=True)

    name: Name = Field(description="what people call it")
    template: Annotated[str, AfterValidator(_template)] = Field(description="the text, in a safe part of Jinja2")
    sender: Annotated[str, AfterValidator(_sender)] | None = Field(
        default=None, description="a sender name registered at the gateway; the account's own by default"
    )
    account: Name = Field(default="default", description="which account of the settings sends and pays")
    key: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_plain)] | None = Field(
        default=None, description="yours: the same key with the same content is the same campaign"
    )
    scheduled_at: AwareDatetime | None = Field(default=None, description="not before; with its time zone")
    window: Annotated[str, AfterValidator(_window)] | None = Field(
        default=None, description="days and hours in which it may send: mon-fri 08:00-20:00, sat 09:00-13:00"
    )
    window_zone: str | None = Field(
        default=None,
        validate_default=True,
        description="whose clocks its window goes by: Africa/Abidjan, or recipient for those of each number's country",
    )
    lookup: Lookup | None = Field(default=None, description="look numbers up first; true or {unknown: send|exclude}")
    rate: float | None = Field(default=None, gt=0, le=10_000, description="messages a second, at most")
    batch_size: int = Field(default=500, ge=1, le=5_000, description="messages in one request")
    flash: bool = Field(default=False, description="shown at once, not stored by the phone")
    transliterate: bool = Field(default=False, description="make the text fit GSM-7, which costs a third of UCS-2")
    in_doubt: Literal["hold", "resend", "write_off"] = Field(
        default="hold", description="what becomes of a request whose fate nobody knows when its deadline has passed"
    )
    in_doubt_deadline: int = Field(
        default=1_800, ge=1_800, le=2_592_000, description="seconds in which its delivery reports may still settle it"
    )
    on_insufficient_credits: Literal["wait", "fail"] = "wait"
    uncapped: bool = Field(default=False, description="sent whatever the account's daily cap says, and not counted")
    number_column: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None, description="the audience's column with the numbers, where it cannot be told"
    )
    columns: Annotated[dict[_Word, _Word], AfterValidator(_sorted)] = Field(
        default={}, max_length=1_000, description="fields of the template → columns that are called otherwise"
    )

    @field_validator("scheduled_at")
    @classmethod
    def _is_to_come(cls, moment: datetime | None, info: ValidationInfo) -> datetime | None:
        now = (info.context or {}).get("now")
        if moment is not None and now is not None and moment < now:
            raise ValueError(_("{moment} is past; leave it out to send now").format(moment=moment.isoformat()))
        return moment

    @field_validator("window_zone")
    @classmethod
    def _is_of_a_window(cls, named: str | None, info: ValidationInfo) -> str | None:
        if "window" in info.data and (named is None) != (info.data["window"] is None):
            raise ValueError(
                _(
                    "say whose clocks the window goes by: a time zone as in Africa/Abidjan, or recipient, for those of"
                    " each number's country"
                )
                if named is None
                else _("it is for a window, and there is none: leave it out, or say which window")
            )
        if named not in (None, RECIPIENT):
            zone(named)
        return named

    @property
    def hours(self) -> Hours | None:
        """Its window, and whose clocks that goes by."""
        return Hours.of(self.window, self.window_zone)

    @property
    def messages_a_batch(self) -> int:
        """A rated campaign's batch holds at most a fifth of a second's worth, so that its pace is even."""
        if self.rate is None:
            return self.batch_size
        return max(1, min(self.batch_size, int(self.rate / 5)))

    def content(self) -> str:
        """All but the key, as text: what a second submit with the same key is compared by.

        Options left alone are left out, so that a release with one more does not take the same for another.
        """
        return self.model_dump_json(exclude={"key"}, exclude_defaults=True)


def check(asked: Spec | Mapping[str, Any], *, now: datetime | None) -> Spec:
    """The spec, or SpecError with every fault named.

    Args:
        asked: a Spec, or a mapping of its fields (`lookup` may be true or false).
        now: to tell whether `scheduled_at` is past; None leaves that aside.
    """
    fields = asked.model_dump() if isinstance(asked, Spec) else dict(asked)
    if isinstance(fields.get("lookup"), bool):
        fields["lookup"] = {} if fields["lookup"] else None
    try:
        return Spec.model_validate(fields, context={"now": now})
    except ValidationError as error:
        raise SpecError([_sentence(fault) for fault in error.errors(include_input=False)]) from None


def _sentence(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return _("{option}: no such option; there are {options}").format(
            option=place, options=", ".join(Spec.model_fields)
        )
    if fault["type"] == "timezone_aware":
        return _("{option}: say in which time zone, as in 2026-12-24T18:00+00:00").format(option=place)
    return f"{place}: {retold(fault['msg'].removeprefix('Value error, '))}"
