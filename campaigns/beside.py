"""A file that takes its place once it is whole: half of one would be taken for all there is."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from campaigns.language import _


@contextmanager
def new_file(path: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """A file to write to, which only its owner may read; it is at `path` after the block, and nowhere if that fails.

    Raises FileExistsError where there is one already, and it is not to be replaced. OSError, of the folder, where no
    file can be made in it.
    """
    if path.exists() and not replace:
        taken = _("is there already: choose another name, or replace it (--replace)")
        raise FileExistsError(errno.EEXIST, taken, str(path))
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _opened(beside, path) as file:
            yield file
        beside.replace(path)
    except BaseException:  # Ctrl-C too
        with suppress(OSError):  # it may never have been there, and what went wrong is what is to be told
            beside.unlink()
        raise


def _opened(beside: Path, path: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb")
    except OSError as error:
        # The name beside it is nobody's: whoever reads it would look for a file that was never asked for.
        blamed = path if error.errno == errno.ENAMETOOLONG else path.parent.absolute()
        raise OSError(error.errno, error.strerror, str(blamed)) from None
