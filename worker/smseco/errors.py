"""What can go wrong at the gateway, told by what its catcher can do about it.

Every exception of HTTP, sockets and XML is translated into one of these at the edge (`outcome.py`, `codes.py`). Their
messages are made here, of our own words and the vendor's documented ones: never of what a reply said, so that a log
line can hold no number, no text and no password.

    GatewayError
      NotSent             send again at leisure
      CannotBeWritten     put it right first
      Refused             do what the code asks for
        NotEnoughCredits
        NeedsPerson
        BadRequest
      InDoubt             never send again before there is evidence
      ReadFailed          ask again; journal `partial` first if reports were asked for
        Unreachable
        BadReply
"""


class GatewayError(Exception):
    """The root: catch it where any trouble with the gateway means the same."""


class NotSent(GatewayError):
    """Nothing left this machine (name, connection, TLS, too slow to connect): sending again is safe."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"not sent: {self.reason}"


class CannotBeWritten(GatewayError, ValueError):
    """No request can be made of what was given: nothing left this machine, and nothing would if it were tried again.

    Its cause is what broke. What it says is for whoever gave the values, and not for a log.
    """


class Refused(GatewayError):
    """The gateway refused the whole request by a documented code: nothing was sent, and `code` says what would help.

    `text` is the vendor's, `name` ours: `sender_not_registered` for -8. All of them are in `codes.REFUSALS`.
    """

    def __init__(self, code: int, text: str, name: str = "") -> None:
        super().__init__(code, text, name)
        self.code = code
        self.text = text
        self.name = name

    def __str__(self) -> str:
        return f"refused: {self.code} {self.text}"


class NotEnoughCredits(Refused):
    """Wait until the balance has risen, then send again (-6)."""


class NeedsPerson(Refused):
    """Pause and show the reason: a person must put right login, sender, account or URL (-2 -3 -4 -8 -11 -12 -14)."""


class BadRequest(Refused):
    """This batch will never pass as it is: do not send it again unchanged (-1 -5 -7 -9 -10 -13)."""


class InDoubt(GatewayError):
    """The request left and no proof came back: it may have been sent, so only evidence or a person may decide.

    `msgfid` is the gateway's id of the sending where the unusable reply still showed one: asking for its reports is the
    evidence.
    """

    def __init__(self, reason: str, msgfid: str | None = None) -> None:
        super().__init__(reason, msgfid)
        self.reason = reason
        self.msgfid = msgfid

    def __str__(self) -> str:
        return f"in doubt: {self.reason}"


class ReadFailed(GatewayError):
    """A question (balance, senders, reports) brought no usable answer: it can be asked again.

    `begun` tells whether the request had left; `partial` is what arrived of the body. Reports are handed out once, so
    whoever asked for them must journal `partial` before asking again.
    """

    def __init__(self, reason: str, *, begun: bool = True, partial: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.begun = begun
        self.partial = partial

    def __str__(self) -> str:
        return f"no answer: {self.reason}"


class Unreachable(ReadFailed):
    """The network failed before the reply was whole: ask again later."""


class BadReply(ReadFailed):
    """Something answered, but not as the API does (HTML, HTTP status, broken XML or JSON): is the base URL right?"""

    def __str__(self) -> str:
        return f"not the gateway's answer: {self.reason}"


def what_else(text: str) -> str:
    """What a body is that does not begin as a reply does, in our words."""
    if not text.strip():
        return "an empty body"
    return "HTML" if "<html" in text.lower() else "an unknown document"
