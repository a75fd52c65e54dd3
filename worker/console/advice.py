"""What a person is told when something fails: what is wrong, and what to do. A sentence for each kind of failure.

No sentence holds a password, a phone number or a text. What is not known here is a fault of the program itself.
"""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from campaigns import (
    AudienceError,
    NoNumberError,
    NotInstalledError,
    SpecError,
    StateError,
    UndecidableError,
    UnknownAttemptError,
    UnknownCampaignError,
)
from campaigns.called import called
from campaigns.outages import DatabaseAway, NotMigratedError
from campaigns.reasons import retold
from campaigns.schedules import UnknownScheduleError
from campaigns.settings import SettingsError
from campaigns.unwanted import OptOutKeyError
from worker.language import N_, _
from worker.smseco import BadReply, GatewayError, NotSent, Refused, Unreachable

SAY_IT_THEMSELVES = (
    SpecError,
    AudienceError,
    NoNumberError,
    OptOutKeyError,
    StateError,
    UnknownCampaignError,
    UnknownAttemptError,
    UnknownScheduleError,
    UndecidableError,
    SettingsError,
    NotMigratedError,
    NotInstalledError,
    DatabaseAway,
)
"""Errors whose own words were written for whoever reads them here."""

_CREDENTIALS = N_("check the account's login and password")
ASK = N_("ask the gateway's operator")

REMEDIES = {
    "login_missing": _CREDENTIALS,
    "password_missing": _CREDENTIALS,
    "authentication_failed": _CREDENTIALS,
    "no_message": N_("give it a text"),
    "not_enough_credits": N_("top the account up, then do it again"),
    "no_recipient": N_("give it a number"),
    "sender_not_registered": N_("`campaigns gateway senders{again}` lists those that are"),
    "no_valid_recipient": N_("write numbers as digits with country code"),
    "msgid_too_long": N_("at most 30 characters"),
    "sending_not_allowed": N_("the account is not allowed to do this: ask the gateway's operator"),
    "bad_datesend": N_("give another time"),
}
"""What helps against a refusal, by our names of them (`worker.smseco.codes`)."""


def refusal(refused: Refused, *, again: str = "", remedy: str | None = None) -> str:
    """What to tell of a refusal.

    Args:
        refused: as the gateway said it.
        again: options that name the same gateway to another command, with a blank before each.
        remedy: what helps, where that depends on what was asked for.
    """
    helps = remedy or _(REMEDIES.get(refused.name, ASK)).format(again=again)
    said = {"code": refused.code, "name": called(refused.name), "text": repr(refused.text)}
    return _("the gateway says no ({code} {name}, {text}): {helps}").format(**said, helps=helps)


def advice(error: Exception) -> str | None:
    """What to tell a person; None if no person can put it right."""
    if isinstance(error, SAY_IT_THEMSELVES):
        return str(error)
    if isinstance(error, SQLAlchemyError):
        return _of_the_database(error)
    if isinstance(error, GatewayError):
        return _of_the_gateway(error)
    if isinstance(error, OSError):
        place = [str(error.filename)] if error.filename else []
        return _(": ").join([*place, retold(error.strerror or type(error).__name__)])
    return None


def _of_the_database(error: SQLAlchemyError) -> str:
    # Neither the statement nor its parameters: there may be numbers in them.
    cause = type(getattr(error, "orig", None) or error).__name__
    return _("the database failed ({cause}): see its own log; nothing was done by halves").format(cause=cause)


def _of_the_gateway(error: GatewayError) -> str:
    if isinstance(error, Refused):
        return refusal(error)
    if isinstance(error, NotSent):
        said = _("nothing was sent ({why}): is the gateway up, and is the account's base URL right?")
        return said.format(why=retold(error.reason))
    if isinstance(error, BadReply):
        return _("{what}: is the account's base URL right?").format(what=retold(str(error)))
    if isinstance(error, Unreachable):
        said = _("the gateway does not answer ({why}): is it up, and is the account's base URL right?")
        return said.format(why=retold(error.reason))
    return retold(str(error))
