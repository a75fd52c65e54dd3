"""Every page of Markdown, held to its word: links lead somewhere, commands and settings exist, code can be read."""

import re
import subprocess
from collections.abc import Callable
from functools import cache

import flower.options  # noqa: F401  which defines Flower's
import pytest
from opentelemetry.sdk import environment_variables as traced
from tornado.options import options as defined

from tests import commands
from tests.pages import ROOT, Page, pages, slug
from worker.settings import Account, Settings

PAGES = pages()
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
ASKS_FOR_CAPITALS = re.compile(r"\b[A-Z][A-Z0-9]*(?:__?[A-Z0-9]+)+\b")


def lost_links(page: Page) -> list[str]:
    """Links of a page that lead nowhere."""
    lost = []
    for file, anchor in page.links():
        path = (page.path.parent / file).resolve() if file else page.path
        if not path.exists():
            lost.append(file)
        elif anchor and path.suffix == ".md":
            target = page if path == page.path else Page(path, path.read_text(encoding="utf-8"))
            lost += [] if anchor in target.anchors() else [f"{file}#{anchor}"]
    return lost


def wrong_commands(page: Page) -> list[str]:
    """What click would refuse of what a page tells one to type, and what a mention names that there is not."""
    typed = [fault for script in page.shell() for fault in commands.faults(script)]
    return [*typed, *(fault for span in page.spans() for fault in commands.mentions(span))]


def wrong_targets(page: Page) -> list[str]:
    """What `make` is told to make, and cannot."""
    told = [*page.spans(), *(line for script in page.shell() for line in script.splitlines())]
    named = {name for line in told for name in re.findall(r"(?:^|&& |sudo )make ([a-z][a-z-]*)", line)}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return sorted(named - set(re.findall(r"^([a-z-]+):", makefile, re.M)))


@cache
def source() -> str:
    """All that is no page: code, settings, what is deployed."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    read = [ROOT / name for name in names if not name.endswith((".md", ".lock", ".po", ".png", "test_docs_words.py"))]
    return "\n".join(path.read_text(encoding="utf-8", errors="ignore") for path in read if path.is_file())


@cache
def known_names() -> frozenset[str]:
    """Settings as the environment has them, Flower's, OpenTelemetry's, and all names in capitals that a file knows."""
    fields = {field.upper() for its in (Settings, Account) for field in its.model_fields}
    flowers = {f"FLOWER_{name.upper().replace('-', '_')}" for name in defined}
    return frozenset(fields | flowers | set(vars(traced)) | set(ASKS_FOR_CAPITALS.findall(source())))


def wrong_names(page: Page) -> list[str]:
    """Names in capitals, as variables of the environment have them, that nothing reads."""
    accounts = "|".join(field.upper() for field in Account.model_fields)
    named = {name for text in [*page.spans(), *page.shell()] for name in ASKS_FOR_CAPITALS.findall(text)}
    ours = re.compile(rf"ACCOUNTS__[A-Z0-9]+(?:__(?:{accounts}))?")
    return sorted(name for name in named - known_names() if not ours.fullmatch(name))


def unreadable_code(page: Page) -> list[str]:
    """Blocks that their own interpreter could not read."""
    broken = []
    for script in page.shell():
        said = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        broken += [said.stderr] if said.returncode or said.stderr else []
    for code in page.blocks("python", "py"):
        try:
            compile(code, page.name, "exec")
        except SyntaxError as error:
            broken.append(str(error))
    return broken


CHECKS: dict[str, Callable[[Page], list[str]]] = {
    check.__name__: check for check in (lost_links, wrong_commands, wrong_targets, wrong_names, unreadable_code)
}


@each_page
def test_a_page_is_true(page: Page) -> None:
    assert {name: found for name, check in CHECKS.items() if (found := check(page))} == {}


def test_the_pages_that_people_read_first_are_among_them() -> None:
    assert {"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/operating.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize(
    ("written", "check"),
    [
        ("[there](nowhere.md)", lost_links),
        ("[there](docs/settings.md#nowhere)", lost_links),
        ("[there](#nowhere)", lost_links),
        ("```sh\ncampaigns sbumit a.csv\n```", wrong_commands),
        ("```sh\nsudo -u sms campaigns optout ad 5\n```", wrong_commands),
        ("```sh\ncampaigns migrate && campaigns show 1 --wach\n```", wrong_commands),
        ("```sh\ncampaigns schedule add lundi \\\n  --corn '0 9 * * mon'\n```", wrong_commands),
        ("```console\n$ campaigns show 1 --wach\n```", wrong_commands),
        ("1. So:\n\n   ```sh\n   campaigns sbumit a.csv\n   ```", wrong_commands),
        ("`campaigns sbumit`", wrong_commands),
        ("`campaigns optout add\\|remov`", wrong_commands),
        ("`campaigns show ID [--wach]`", wrong_commands),
        ("`make dmeo`", wrong_targets),
        ("```sh\ncd x && make dmeo\n```", wrong_targets),
        ("`DATABSE_URL`", wrong_names),
        ("`ACCOUNTS__DEFAULT__PASSWROD`", wrong_names),
        ("`FLOWER_BASIC_AHTU`", wrong_names),
        ("```sh\nexport DATABSE_URL=x\n```", wrong_names),
        ("```sh\nif true; echo\n```", unreadable_code),
        ("```python\nimport campaigns,\n```", unreadable_code),
    ],
)
def test_a_slip_of_the_pen_is_found(written: str, check: Callable[[Page], list[str]]) -> None:
    found = check(Page(ROOT / "planted.md", f"# Planted\n\n{written}\n"))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [("In doubt", "in-doubt"), ("`in_doubt`, and why", "in_doubt-and-why"), ("[A](b.md) page: two", "a-page-two")],
)
def test_an_anchor_is_the_one_that_github_makes(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor
