"""A file that takes its place once it is whole: half of one would be taken for all there is."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from campaigns.language import _


@contextmanager
def new_file(path: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """A file to write to, which only its owner may read; it is at `path` after the block, and nowhere if that fails.

    Raises FileExistsError where there is one already, and it is not to be replaced.
    """
    if path.exists() and not replace:
        taken = _("is there already: choose another name, or replace it (--replace)")
        raise FileExistsError(errno.EEXIST, taken, str(path))
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            yield file
        beside.replace(path)
    except BaseException:  # Ctrl-C too
        beside.unlink(missing_ok=True)
        raise
