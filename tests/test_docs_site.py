"""The documentation as a site: built without a warning and without a network; a link that leads nowhere fails it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = ("docs", "README.md", "ARCHITECTURE.md", "CHANGELOG.md")


def build(sources: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """What `make docs` does, with every way out to a network shut."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (options,) = [line.split("sphinx-build ")[1] for line in makefile.splitlines() if "sphinx-build" in line]
    strict = options.split(" -c docs ")[0].split()
    assert {"-W", "-n"} <= set(strict)
    nowhere = "http://127.0.0.1:9"
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            *strict,
            "-c",
            sources / "docs",
            "-d",
            output / "trees",
            sources,
            output / "html",
        ],
        env={**os.environ, "HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "ALL_PROXY": nowhere},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_the_site_is_built_without_a_warning_and_has_a_page_for_each_file(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} | {"../README", "../ARCHITECTURE", "../CHANGELOG"}
    assert [name for name in sorted(pages) if not (tmp_path / "html" / "docs" / f"{name}.html").is_file()] == []
    assert "campaigns schedule add [OPTIONS] NAME" in (tmp_path / "html/docs/commands.html").read_text(encoding="utf-8")


def test_links_that_lead_nowhere_fail_it(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    (sources / "docs").mkdir(parents=True)
    for part in ("conf.py", "_ext", "_extra", "_static", "client.md"):
        copy = shutil.copytree if (ROOT / "docs" / part).is_dir() else shutil.copyfile
        copy(ROOT / "docs" / part, sources / "docs" / part)
    links = ["client.md#errors", "client.md#lost", "lost.md", "../worker/lost.py"]
    page = ["# Index", "```{toctree}\nclient\n```", *(f"[there]({link})" for link in links)]
    (sources / "docs" / "index.md").write_text("\n\n".join(page))
    done = build(sources, tmp_path)
    assert done.returncode != 0
    warnings = [line for line in done.stderr.splitlines() if "WARNING: " in line]
    assert len(warnings) == 3
    assert [name for name in ("'lost'", "'lost.md'", "'../worker/lost.py'") if name not in done.stderr] == []
