"""docs/watching.md, held to its word: each metric and each alert is in its tables, and the other way round."""

import re

import pytest

from tests.prometheus.asked import ROOT, alerts

PAGE = (ROOT / "docs" / "watching.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = re.split(r"\n## ", PAGE.split(f"\n## {heading}\n", 1)[1])[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| `")]


def test_the_table_of_metrics_is_what_is_exported(exported: dict[str, set[str]]) -> None:
    families: dict[str, set[str]] = {}
    for name, labels in exported.items():
        families.setdefault(re.sub(r"_(bucket|count|sum)$", "", name), set()).update(labels)
    listed = {cells[0].strip("`"): set(re.findall(r"`([a-z]+)`", cells[1])) for cells in rows("The metrics")}
    assert listed == families


def test_the_table_of_alerts_is_the_rules() -> None:
    listed = [(cells[0].strip("`"), cells[1]) for cells in rows("The alerts")]
    assert listed == [(rule["alert"], rule["labels"]["severity"]) for rule in alerts()]


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", PAGE))
def test_what_it_links_to_is_there_and_a_picture_is_small(link: str) -> None:
    path = ROOT / "docs" / link
    assert path.is_file()
    assert path.stat().st_size < 200_000
