"""The HTML output of GET (I-2, III-1, IV-1-1, IV-2-1, V-1): a page for eyes with the fields of the JSON form (assumed).

The source names it and shows none of it. Nothing is ever asked in it.
"""

from html import escape
from typing import Any

from worker.sandbox.calls import Answer
from worker.sandbox.codes import Refused
from worker.sandbox.json import fields, refusal_fields

CONTENT_TYPE = "text/html"


def write(answer: Answer) -> bytes:
    """The reply to an accepted request."""
    return _page(fields(answer))


def write_refusal(operation: str, refused: Refused) -> bytes:
    """The reply to a refused request."""
    return _page(refusal_fields(operation, refused))


def _page(content: dict[str, Any]) -> bytes:
    head = '<meta charset="utf-8"><title>REPONSE</title>'
    return f'<!DOCTYPE html>\n<html lang="fr"><head>{head}</head><body>{_shown(content)}</body></html>'.encode()


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{_shown(part)}</dd>' for name, part in value.items())}</dl>"
    if isinstance(value, list):
        return f"<ol>{''.join(f'<li>{_shown(part)}</li>' for part in value)}</ol>"
    return escape(str(value))
