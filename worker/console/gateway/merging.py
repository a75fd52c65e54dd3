"""`campaigns gateway merge`: each row of a file its own text, filled in by the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import click

from worker.console.gateway.access import Access, asking
from worker.console.gateway.message import Message, saying
from worker.language import _, figure

MOST_ROWS = 1_000
"""Beyond which one lost reply would leave too many in doubt."""

EPILOG = """\b
Example:
  campaigns gateway merge --from CLINIQUE --text 'Bonjour {nom}, à {heure}' clients.csv

The exit status is 3 if the reply was lost or cannot be shown, or if Ctrl-C came while the gateway was asked: it may
have been sent then, and must not be repeated blindly.
"""


@dataclass(frozen=True)
class Recipients:
    """Numbers, and for each the values of `fields`, in the order of the text."""

    fields: tuple[str, ...]
    numbers: list[str] = field(default_factory=list, repr=False)
    values: list[list[str]] = field(default_factory=list, repr=False)

    def texts(self, text: str, *, since: int = 0) -> list[str]:
        """What each phone will show; of the rows from one on, if one is named."""
        return [_filled(text, dict(zip(self.fields, row, strict=True))) for row in self.values[since:]]


@click.command(epilog=EPILOG)
@click.argument("file")
@click.option("--number-column", metavar="NAME", help="The column with the numbers, where it cannot be told.")
@saying
@asking
def merge(access: Access, *, file: str, number_column: str | None, message: Message, yes: bool, as_json: bool) -> None:
    """Send each row of FILE its own text in one request: {name} stands for the column of that name.

    Its accents, capitals and blanks do not matter: {prenom} finds the column Prénom.

    FILE is what `campaigns submit` takes, CSV for example, or - for standard input; at most 1,000 rows. It costs
    credits and texts real people, so it says what it is about to do and asks first. The form get has no mail merge.
    """
    from worker.console.gateway.paid import SENT, Order, carry_out

    found = recipients(file, message.text, number_column)
    texts = found.texts(message.text)
    with access.opened() as its:
        sending = message.sending(its, found.numbers, texts, fields=found.fields, values=found.values)
        its.check(lambda form, credentials: form.send_request(credentials, sending))
        order = Order(
            message.msgid,
            found.numbers,
            does=_("This sends a text of their own from {sender} to {whom}.").format(
                sender=sending.sender, whom=message.summed_up(texts)
            ),
            says=SENT,
            post=lambda: its.gateway.merge(sending),
            shows=message.shown(texts, found.numbers),
        )
        carry_out(order, access, its, yes=yes, as_json=as_json)


def recipients(file: str, text: str, number_column: str | None) -> Recipients:
    """The rows of a file as far as the text needs them. Raises ClickException, which names a row and no value."""
    from campaigns import AudienceError
    from campaigns.audience import open_audience
    from worker.console import intake

    try:
        with intake.audience(file) as opened, open_audience(opened, number_column=number_column) as rows:
            places = _places(text, rows.columns)
            found = Recipients(tuple(places))
            for row_number, cells in rows:
                _take(found, row_number, cells, rows.number_column, places)
                if not found.texts(text, since=-1)[0].strip():
                    wrong = _("the text of row {row} would be empty: nothing was sent")
                    raise click.ClickException(wrong.format(row=row_number))
    except AudienceError as refused:
        raise click.ClickException(str(refused).replace("number_column", "--number-column")) from None
    if not found.numbers:
        raise click.ClickException(_("there is no row in it: nothing was sent"))
    return found


def _places(text: str, columns: Sequence[str]) -> dict[str, int]:
    """The column of each placeholder, in the order of the text: a form may fill them in by their position."""
    from worker.smseco.values import FIELD_NAME, PLACEHOLDER

    if "{{" in text:
        raise click.UsageError(
            _("here a placeholder has single braces, as in {nom}: {{ nom }} is for `campaigns submit`")
        )
    names = list(dict.fromkeys(PLACEHOLDER.findall(text)))
    if not names:
        raise click.UsageError(_("the text has no {column} in it: use `campaigns gateway send`"))
    for name in names:
        if not FIELD_NAME.fullmatch(name):
            wrong = _("the gateway takes no field {field}: name it with a-z, digits and _ alone")
            raise click.UsageError(wrong.format(field=f"{{{name}}}"))
    return {name: _place(name, columns) for name in names}


def _place(name: str, columns: Sequence[str]) -> int:
    from campaigns.template import columns_named

    found = columns_named(name, columns)
    if not found:
        wrong = _("there is no column for {field}; the columns are: {columns}")
        raise click.UsageError(wrong.format(field=f"{{{name}}}", columns=", ".join(columns)))
    if len(found) > 1:
        either = ", ".join(
            _("{name} (column {number})").format(name=columns[place], number=place + 1) for place in found
        )
        wrong = _("{field} could be any of these columns: {columns}")
        raise click.UsageError(wrong.format(field=f"{{{name}}}", columns=either))
    return found[0]


def _take(found: Recipients, row_number: int, cells: Sequence[str], number: int, places: dict[str, int]) -> None:
    from worker.console.gateway.digits import digits

    if len(found.numbers) == MOST_ROWS:
        wrong = _("there are more than {count} rows: use `campaigns submit`; nothing was sent")
        raise click.ClickException(wrong.format(count=figure(MOST_ROWS)))
    msisdn = digits(cells[number])
    if not (msisdn.isascii() and msisdn.isdigit()):
        wrong = _("row {row} has no number that is made of digits: nothing was sent")
        raise click.ClickException(wrong.format(row=row_number))
    if msisdn in found.numbers:
        wrong = _(
            "row {row} has the number of a row before it, and the gateway texts nobody twice in one request: "
            "nothing was sent"
        )
        raise click.ClickException(wrong.format(row=row_number))
    values = [cells[place].strip() for place in places.values()]
    if any("{" in value or "}" in value for value in values):
        wrong = _("row {row} has a brace in a value, which a gateway may fill in again: use `campaigns submit`")
        raise click.ClickException(wrong.format(row=row_number))
    found.numbers.append(msisdn)
    found.values.append(values)


def _filled(text: str, row: dict[str, str]) -> str:
    from worker.smseco.values import PLACEHOLDER

    return PLACEHOLDER.sub(lambda found: row[found[1]], text)
