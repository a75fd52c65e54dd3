"""Requests and replies as the vendor's document prints them, one text a file, for the client's tests and the sandbox's.

They are written from the document, and where it is silent from what is assumed of it; never from what either side
wrote. The first line of each names its section of the document and is no part of the text.
"""

import re
from pathlib import Path

TRANSCRIPTS = Path(__file__).parent
_SECTION = re.compile(rb"(?:<!-- |// |# )((?:IV|V|I{1,3})(?:-[1-4])+)\b[^\n]*\n")


def transcript(name: str) -> bytes:
    """The text of `json/send_reply.json`, say, without its first line and without the file's last line end."""
    return _split(name)[1]


def section(name: str) -> str:
    """The first section of the vendor's document that a transcript names: `I-3-1`."""
    return _split(name)[0]


def _split(name: str) -> tuple[str, bytes]:
    whole = (TRANSCRIPTS / name).read_bytes()
    first = _SECTION.match(whole)
    assert first, f"{name} names no section of the vendor's document"
    return first[1].decode(), whole[first.end() :].removesuffix(b"\n")
