"""Calls with messages in Python code, for Babel: by the grammar, so that those inside of an f-string are found, too."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import IO

Found = tuple[int, str, tuple[str | None, ...], list[str]]


class NotFoundLater(Exception):
    """A message that is put together before it is looked up, so that no catalogue can have it."""


def calls(
    file: IO[bytes], keywords: Collection[str], _comments: Collection[str], options: Mapping[str, object]
) -> Iterator[Found]:
    """Line, function, its arguments (None for each that is no text), and no comments. Raises NotFoundLater."""
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in keywords:
            yield node.lineno, node.func.id, tuple(_text(each, getattr(file, "name", "")) for each in node.args), []


def _text(node: ast.expr, name: str) -> str | None:
    if isinstance(node, ast.JoinedStr | ast.BinOp):
        raise NotFoundLater(f'{name}:{node.lineno}: write _("… {{name}} …").format(name=…)')
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
