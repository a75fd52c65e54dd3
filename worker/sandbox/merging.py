"""Placeholders of a mail merge, filled the way PHP's `str_replace` fills an array of them (II)."""

from collections.abc import Iterable, Iterator

from worker.sandbox.codes import Refused

# Values that hold placeholders multiply, and so do recipients with a long text: a few kilobytes can ask for any length.
# It leaves room for 25,000 recipients of a merge with 400 characters.
MOST_CHARACTERS = 10_000_000


def merge(text: str, rows: Iterable[Iterable[tuple[str, str]]]) -> Iterator[str]:
    """`text` for each row of values. Raises Refused(-1) where that is too much to be kept."""
    room = MOST_CHARACTERS
    for values in rows:
        whole = merged(text, values, room=room)
        room -= len(whole)
        yield whole


def merged(text: str, values: Iterable[tuple[str, str]], *, room: int = MOST_CHARACTERS) -> str:
    """`text` with each `{name}` replaced, one name after the other over the whole text.

    A value that itself holds a later placeholder is therefore expanded again:
    `merged("{a}", [("a", "{b}"), ("b", "x")])` is `"x"`. A placeholder that nobody fills stays to be read. Raises
    Refused(-1), before it gets there, for a text of more than `room` characters.
    """
    for name, value in values:
        placeholder = "{" + name + "}"
        if len(text) + text.count(placeholder) * (len(value) - len(placeholder)) > room:
            raise Refused(-1)
        text = text.replace(placeholder, value)
    if len(text) > room:
        raise Refused(-1)
    return text
