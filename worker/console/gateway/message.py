"""What `send` and `merge` say of a message: every option of the vendor's document (I-1-1), as a `Sending`."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from worker.console.gateway.access import Open, written_wrongly
from worker.console.moments import written
from worker.language import _, figure

if TYPE_CHECKING:  # late: `--help` need not wait for them
    from campaigns.text import Alphabet
    from worker.smseco import Sending

STDIN = "-"
FIRST = 3  # numbers that are shown
MOST_NAMED = 10  # characters that are named
MOST_SHOWN = 200  # characters of a text
OURS = ("sender", "text", "msgid", "unicode", "datesend", "flash", "binary", "mwi", "pid", "rpi", "alt_dcs", "udhdata")


@dataclass(frozen=True)
class Message:
    """A message that is to be sent; `others` are the options that the gateway alone understands."""

    sender: str | None
    text: str = field(repr=False)
    msgid: str
    unicode: bool | None
    datesend: datetime | None
    others: dict[str, Any] = field(repr=False)

    def sending(self, its: Open, numbers: Sequence[str], texts: Sequence[str], **merge: Any) -> Sending:
        """The request's values; `texts` are those that phones will show. Raises UsageError."""
        from worker.smseco import Sending

        sender = self.sender or its.sender
        if sender is None:
            raise click.UsageError(_("say who sends: --from, a name that `campaigns gateway senders` lists"))
        with written_wrongly():
            return Sending(
                self.msgid,
                sender,
                self.text,
                numbers,
                unicode=self.needs_unicode(texts),
                datesend=self.datesend,
                **self.others,
                **merge,
            )

    def needs_unicode(self, texts: Sequence[str]) -> bool:
        """As --unicode says, or else if one of them is outside GSM-7."""
        from campaigns.text import fits_gsm7

        return not all(map(fits_gsm7, texts)) if self.unicode is None else self.unicode

    def summed_up(self, texts: Sequence[str]) -> str:
        """What these texts, one for each number, will cost: `3 numbers, 6 segments in UCS-2`."""
        from campaigns.text import Alphabet, segments
        from worker.console.screen import counted

        alphabet = Alphabet.UCS2 if self.needs_unicode(texts) else Alphabet.GSM7
        cost = {text: segments(text, alphabet) for text in set(texts)}
        said = _("{numbers}, {segments} in {alphabet}").format(
            numbers=counted(len(texts), "number"),
            segments=counted(sum(cost[text] for text in texts), "segment"),
            alphabet=_("binary") if self.others["binary"] else {"gsm7": "GSM-7", "ucs2": "UCS-2"}[alphabet],
        )
        if self.datesend is not None:
            said = _("{what}, at {time}").format(what=said, time=self.datesend.isoformat(timespec="minutes"))
        return said + self._unfit(texts, alphabet)

    def _unfit(self, texts: Sequence[str], alphabet: Alphabet) -> str:
        """What will not be shown as it is written. The gateway says nothing of it: phones show a `?` or the like."""
        from campaigns.text import Alphabet, blockers

        if alphabet is Alphabet.UCS2 or self.others["binary"]:
            return ""
        unfit = list(dict.fromkeys(letter for text in dict.fromkeys(texts) for letter in blockers(text)))
        if not unfit:
            return ""
        named = " ".join(letter if letter.isprintable() else f"U+{ord(letter):04X}" for letter in unfit[:MOST_NAMED])
        more = " …" if len(unfit) > MOST_NAMED else ""
        said = _("CAREFUL: not in GSM-7, so that phones will show something else: {letters} (--unicode sends them)")
        return ".\n" + said.format(letters=named + more)

    def shown(self, texts: Sequence[str], numbers: Sequence[str]) -> str:
        """The first text, shortened, and the first numbers, for whoever is asked to agree."""
        from worker.console.screen import plain

        words = plain(" ".join(texts[0].split())).plain
        words = words if len(words) <= MOST_SHOWN else f"{words[:MOST_SHOWN]} …"
        said = _("The first text: {text}") if len(set(texts)) > 1 else _("The text: {text}")
        return f"{said.format(text=words)}\n{first_of(numbers)}"


def first_of(numbers: Sequence[str]) -> str:
    """`To 2250700000000, 2250700000001 and 40 more.`"""
    first, more = ", ".join(numbers[:FIRST]), len(numbers) - FIRST
    if more > 0:
        return _("To {numbers} and {count} more.").format(numbers=first, count=figure(more))
    return _("To {numbers}.").format(numbers=first)


def _text(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    said = text if text != STDIN else _from_stdin()
    if not said.strip():
        raise click.BadParameter(_("the text is empty"))
    return said


def _from_stdin() -> str:
    if sys.stdin.isatty():
        click.echo(_("reading the text from the keyboard, to the end of input (Ctrl-D)"), err=True)
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise click.BadParameter(_("standard input is not UTF-8")) from None


def _moment(_ctx: click.Context, _param: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    read = written(text)
    if read.tzinfo is None:
        mended = f"{read.isoformat(timespec='minutes')}+00:00"
        wrong = _("{text!r} does not say in which time zone: write {mended} (Abidjan, Ouagadougou)")
        raise click.BadParameter(wrong.format(text=text, mended=mended))
    return read


def _msgid(_ctx: click.Context, _param: click.Parameter, msgid: str | None) -> str:
    return fresh_msgid() if msgid is None else msgid


def fresh_msgid() -> str:
    """An id of ours that nobody has had."""
    return uuid.uuid4().hex[:30]


# fmt: off
OPTIONS = (
    click.option("--from", "sender", metavar="SENDER", help="A registered sender name.  [default: the account's own]"),
    click.option("--text", required=True, callback=_text, metavar="TEXT", help="What to send; - reads standard input."),
    click.option("--msgid", callback=_msgid, metavar="ID",
                 help="Your own id of it, at most 30 letters, digits and hyphens.  [default: a fresh one]"),
    click.option("--unicode/--no-unicode", default=None,
                 help="In UCS-2, 70 characters a segment, or in GSM-7, 160.  [default: told by the text]"),
    click.option("--datesend", callback=_moment, metavar="TIME",
                 help="When to send it, to the minute, as in 2026-12-24T18:00+00:00.  [default: now]"),
    click.option("--flash", is_flag=True, help="Shown at once, not stored by the phone."),
    click.option("--binary", is_flag=True, help="The text is binary."),
    click.option("--mwi", metavar="VALUE", help="Message waiting indication, as the vendor has it."),
    click.option("--pid", metavar="VALUE", help="Protocol identifier."),
    click.option("--rpi", metavar="VALUE", help="Reply path indicator."),
    click.option("--alt-dcs", metavar="VALUE", help="Another data coding scheme."),
    click.option("--udhdata", metavar="HEX", help="User data header."),
    click.option("--yes", is_flag=True, help="Do not ask: it is agreed to."),
)
# fmt: on


def saying(command: Callable[..., None]) -> Callable[..., None]:
    """A command that gets `message` in place of the options which say what to send."""

    @wraps(command)
    def call(*arguments: Any, **asked: Any) -> None:
        said = {name: asked.pop(name) for name in OURS}
        plain = {name: said.pop(name) for name in ("sender", "text", "msgid", "unicode", "datesend")}
        command(*arguments, message=Message(**plain, others=said), **asked)

    found = call
    for option in reversed(OPTIONS):
        found = option(found)
    return found
