"""How the documentation is built: `make docs` puts it into var/docs, without a network, and fails at the first warning.

The folder of sources is the project itself, so that a link is the same to whoever reads the files where they are. Which
of its files are pages is said here, and their order in `docs/index.md`.
"""

import sys
from importlib.metadata import version as installed
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent / "_ext")]

project = "SMS campaigns"
author = "its authors"
project_copyright = author
version = release = installed("sms-campaigns")
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "commands"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/*.md", "deploy/examples/*/README.md"]
exclude_patterns = [".*", "var", "dist", "tests", "campaigns", "worker", "**/node_modules", "**/.venv"]

myst_heading_anchors = 4
myst_enable_extensions = ["strikethrough"]
nitpick_ignore_regex = [("py:.*", ".*")]  # types in signatures: many are private, or of others (nothing is fetched)
default_role = "code"  # docstrings write names in single backticks

napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True

html_theme = "furo"
html_title = f"SMS campaigns {release}"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_static"]
html_extra_path = ["_extra"]  # who opens the folder is led to the index
html_css_files = ["pages.css"]
html_theme_options = {"navigation_with_keys": True}
