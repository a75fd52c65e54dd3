"""`campaigns gateway send`: one text to some numbers."""

from __future__ import annotations

import click

from worker.console.gateway.access import Access, asking
from worker.console.gateway.message import Message, saying
from worker.language import _

EPILOG = """\b
Examples:
  campaigns gateway send --from CLINIQUE --text 'Bonjour' 2250708091011
  campaigns gateway send --from CLINIQUE --text - 2250708091011 2250505060708 < text.txt
  campaigns gateway send --form get --text 'A 18 h' --datesend 2026-12-24T17:00+00:00 --yes --json 2250708091011

The exit status is 3 if the reply was lost or cannot be shown, or if Ctrl-C came while the gateway was asked: it may
have been sent then, and must not be repeated blindly.
"""


@click.command(epilog=EPILOG)
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True)
@saying
@asking
def send(access: Access, *, numbers: tuple[str, ...], message: Message, yes: bool, as_json: bool) -> None:
    """Send one text to some numbers, and show what the gateway took. It costs credits and texts real people.

    NUMBER is digits with country code; that of the account's own country may be left out. It says what it is about to
    do and asks first. For more than a few people, `campaigns submit` is the safer way.
    """
    from worker.console.gateway.digits import digits
    from worker.console.gateway.paid import SENT, Order, carry_out

    texts, to = [message.text] * len(numbers), [digits(number) for number in numbers]
    with access.opened() as its:
        sending = message.sending(its, to, texts)
        its.check(lambda form, credentials: form.send_request(credentials, sending))
        order = Order(
            message.msgid,
            to,
            does=_("This sends one text from {sender} to {whom}.").format(
                sender=sending.sender, whom=message.summed_up(texts)
            ),
            says=SENT,
            post=lambda: its.gateway.send(sending),
            shows=message.shown(texts, to),
        )
        carry_out(order, access, its, yes=yes, as_json=as_json)
