"""The Markdown that this project keeps, taken apart: its blocks of code, its spans, its headings, its links."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

_BLOCK = re.compile(
    r"^(?P<indent> *)(?P<fence>```+)(?P<language>\S*)[^\n]*\n(?P<code>.*?)^ *(?P=fence) *$", re.M | re.S
)
_COMMENT = re.compile(r"<!--.*?-->", re.S)


@dataclass(frozen=True)
class Page:
    """One file of Markdown."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    def blocks(self, *languages: str) -> list[str]:
        """Its blocks of code in these languages, without the indentation of a list that they stand in."""
        return [
            re.sub(rf"^{found['indent']}", "", found["code"], flags=re.M)
            for found in _BLOCK.finditer(self.text)
            if found["language"] in languages
        ]

    @property
    def prose(self) -> str:
        """What is no block of code and no comment."""
        return _COMMENT.sub("", _BLOCK.sub("", self.text))

    def spans(self) -> list[str]:
        """What stands between backticks in a line of prose, a table's `\\|` read as it is shown."""
        return [found.replace("\\|", "|").replace("\n", " ") for found in re.findall(r"`([^`]+)`", self.prose)]

    def shell(self) -> list[str]:
        """What a reader is to type: the blocks of shell; of a session only what stands behind the prompt."""
        typed = ["\n".join(_typed(block)) for block in self.blocks("console")]
        return [*self.blocks("sh", "bash", "shell"), *filter(None, typed)]

    def links(self) -> Iterator[tuple[str, str]]:
        """File and anchor of each link into this project; either may be empty."""
        for target in re.findall(r"\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)", self.prose):
            if not re.match(r"[a-z]+:", target):
                file, _, anchor = target.partition("#")
                yield file, anchor

    def anchors(self) -> set[str]:
        """Those that GitHub gives to its headings, and those of a second heading of the same name."""
        seen: Counter[str] = Counter()
        made = set()
        for heading in re.findall(r"^#{1,6} +(.*?) *$", self.prose, re.M):
            anchor = slug(heading)
            made.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
            seen[anchor] += 1
        return made


def slug(heading: str) -> str:
    """As GitHub makes it of a heading: of a link its text, no punctuation, hyphens for blanks."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def pages() -> list[Page]:
    """All that git keeps, or would."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    paths = [ROOT / name for name in sorted(filter(None, found)) if (ROOT / name).is_file()]
    return [Page(path, path.read_text(encoding="utf-8")) for path in paths]


def _typed(session: str) -> Iterator[str]:
    goes_on = False
    for line in session.splitlines():
        if line.startswith("$ ") or goes_on:
            yield line.removeprefix("$ ")
            goes_on = line.endswith("\\")
