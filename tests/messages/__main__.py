"""Collect what a person may be told, bring the French catalogue up to date, and compile it: `make messages`.

It ends with status 1 as long as something is not translated, and names it.
"""

from __future__ import annotations

import sys

from hatch_build import compile_catalogues
from tests.messages import catalogue


def main() -> int:
    """The exit status."""
    known = catalogue.brought_up_to_date(catalogue.read())
    catalogue.PO.write_bytes(catalogue.written(known))
    compile_catalogues()
    wrong = list(catalogue.faults(known))
    for fault in wrong:
        print(fault)  # noqa: T201  it is what this program is for
    print(f"{catalogue.PO}: {len(known)} messages, {len(wrong)} to be seen to")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
