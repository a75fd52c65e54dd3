"""The index may name pages that are still being written: they are passed over until they are there.

Nothing gets lost by that: a page that is there and that no index names is a warning, and so an error.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

PLANNED = ("doctor", "containers")


def passed_over(app: Sphinx, page: str, source: list[str]) -> None:
    """Take the lines of the index out that name a planned page which is not there."""
    if page == app.config.root_doc:
        missing = {name for name in PLANNED if f"docs/{name}" not in app.env.found_docs}
        source[0] = "\n".join(line for line in source[0].splitlines() if line not in missing)


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this."""
    app.connect("source-read", passed_over)
    return {"parallel_read_safe": True}
