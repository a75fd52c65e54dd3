"""`campaigns submit --test`: one's own phones first, then a question, then everybody else's."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from worker.console import consent, intake, screen
from worker.language import N_, _

NOT_SUBMITTED = N_("the campaign itself was not submitted")


@contextmanager
def readable_twice(audience: str | None) -> Iterator[str | None]:
    """The name of an audience that can be read again: of what comes by standard input, a private copy is made."""
    if audience != intake.STDIN:
        yield audience
        return
    with intake.audience(audience) as coming, tempfile.NamedTemporaryFile(prefix="audience-") as file:
        shutil.copyfileobj(coming, file)
        file.flush()
        yield file.name


def ask(tried: Any, *, yes: bool) -> None:
    """Tell of the test, and go on only if a person agrees, or has with --yes. Raises as `consent.agreed` does."""
    phones = screen.counted(tried.numbers, "phone")
    segments = screen.counted(tried.segments, "segment")
    test = _("campaign {id} is the test: the text of row {row} ({segments}) to {phones} of yours")
    what = test.format(id=tried.campaign.id, row=tried.row, segments=segments, phones=phones)
    shows = screen.plain(f"  {_on_one_line(tried.text)}").plain
    consent.agreed(what=what, refused=_(NOT_SUBMITTED), yes=yes, shows=shows)


def _on_one_line(text: str) -> str:
    return text.replace("\n", " / ")
