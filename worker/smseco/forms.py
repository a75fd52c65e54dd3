"""The forms of the API by the names that clients choose them by: modules that write requests and read replies.

Whatever the form, the same values go in and come out (`values.py`), and the same rules say what a reply proves
(`outcome.py`).
"""

from collections.abc import Sequence
from typing import Protocol

from worker.smseco import json, outcome, query, soap, xml
from worker.smseco.request import Request
from worker.smseco.values import Balance, Credentials, Sending


class Form(outcome.Form, Protocol):
    """What a form can do. Requests raise ValueError for what the form cannot carry; replies raise BadReply."""

    def send_request(self, credentials: Credentials, sending: Sending) -> Request:
        """A send, or a mail merge if the sending has fields."""

    def lookup_request(self, credentials: Credentials, msgid: str, numbers: Sequence[int | str]) -> Request:
        """A number lookup."""

    def reports_request(
        self, credentials: Credentials, msgfid: str | None = None, smsfid: str | None = None
    ) -> Request:
        """A question for delivery reports, of one sending or one SMS if named."""

    def balance_request(self, credentials: Credentials) -> Request:
        """A question for the balance."""

    def senders_request(self, credentials: Credentials) -> Request:
        """A question for the registered sender names."""

    def read_balance(self, body: bytes) -> Balance:
        """The account's balance."""

    def read_senders(self, body: bytes) -> tuple[str, ...]:
        """The registered sender names."""


FORMS: dict[str, Form] = {"xml": xml, "json": json, "get": query, "soap": soap}


def form_named(name: str) -> Form:
    """The form of that name; raises ValueError, which names those that there are."""
    if name == "html":
        raise ValueError("html is an output for eyes, which no program can rely on: choose get, whose replies are XML")
    if name not in FORMS:
        raise ValueError(f"there is no form {name!r}: choose one of {', '.join(FORMS)}")
    return FORMS[name]
