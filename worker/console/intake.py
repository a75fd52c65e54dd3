"""An audience on its way in: a file or a pipe, with a bar that shows how far it has been read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from campaigns import AudienceError
from campaigns.reasons import retold
from worker.console import screen
from worker.language import _

STDIN = "-"
WORTH_A_BAR = 5_000_000
"""Bytes from which on a person would wonder."""


@contextmanager
def audience(name: str) -> Iterator[BinaryIO]:
    """The bytes of a file, or of stdin for `-`, from their beginning; raises AudienceError if it cannot be opened."""
    if name == STDIN:
        if sys.stdin.isatty():
            click.echo(_("reading the audience from the keyboard, to the end of input (Ctrl-D)"), err=True)
        yield sys.stdin.buffer
        return
    path = Path(name)
    try:
        file = path.open("rb")
    except OSError as error:
        wrong = _("{path} cannot be opened ({why}): check the name and who may read it")
        raise AudienceError(wrong.format(path=path, why=retold(error.strerror or ""))) from None
    with file, _with_a_bar(file, path.stat().st_size) as read:
        yield read


@contextmanager
def _with_a_bar(file: BinaryIO, size: int) -> Iterator[BinaryIO]:
    console = screen.err()
    if size < WORTH_A_BAR or not console.is_terminal:
        yield file
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, transient=True) as bars, bars.wrap_file(file, total=size) as read:
        bars.update(bars.task_ids[0], description=_("reading the audience"))
        yield read
