"""Placeholders of a mail merge, filled the way PHP's `str_replace` fills an array of them (II)."""

from collections.abc import Iterable


def merged(text: str, values: Iterable[tuple[str, str]]) -> str:
    """`text` with each `{name}` replaced, one name after the other over the whole text.

    A value that itself holds a later placeholder is therefore expanded again:
    `merged("{a}", [("a", "{b}"), ("b", "x")])` is `"x"`. A placeholder that nobody fills stays to be read.
    """
    for name, value in values:
        text = text.replace("{" + name + "}", value)
    return text
