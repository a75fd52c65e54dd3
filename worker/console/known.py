"""Whether what a person asked about is there at all: a typing error must not read like good news."""

from __future__ import annotations

import click

from worker.language import _


def require_account(name: str | None) -> None:
    """To be asked where nothing was found. Raises ClickException if the database knows no account of this name."""
    from campaigns import vitals
    from campaigns.database import default

    if name is None:
        return
    with default().reading() as connection:
        names = vitals.names(connection)
    if name not in names:
        there = _("no account {name!r} is known: there is {names}")
        none = _("no account {name!r} is known: workers name theirs once they are at work")
        raise click.ClickException((there if names else none).format(name=name, names=", ".join(names)))
