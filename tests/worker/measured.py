"""What reading a body costs, in a process of its own: memory that others took before would hide how much it is.

`python -m tests.worker.measured` takes lines of a reader's name and a file's, and answers each with the peak growth
beyond the body (bytes) and the seconds of processor, which a child measures that has done nothing else; the machine may
have much to do besides.
"""

import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aiohttp.test_utils import make_mocked_request

from worker.sandbox.asked import call_for
from worker.sandbox.codes import Refused as RefusedBySandbox
from worker.sandbox.ways import way_of
from worker.smseco import BadReply, Refused, json, parse_reports, soap, xml
from worker.smseco.reports import count_reports


def sandbox_reads(path: str, content_type: str, body: bytes) -> tuple[str, int]:
    """Reads a request as the sandbox does: its operation, and the code that it is refused with, or 0."""
    request = make_mocked_request("POST", path, headers={"Content-Type": content_type})
    way = way_of(request, body)
    try:
        call_for(way.operation, way.read())
    except RefusedBySandbox as refused:
        return way.operation, refused.code
    return way.operation, 0


READERS: dict[str, Callable[[bytes], object]] = {
    f"{form.__name__.rpartition('.')[2]}.{name}": getattr(form, name)
    for form in (xml, json, soap)
    for name in ("read_answer", "read_balance", "read_senders")
} | {
    "parse_reports": parse_reports,
    "count": count_reports,
    "xml.glimpse": xml.glimpse_msgfid,
    "json.glimpse": json.glimpse_msgfid,
    "sandbox.xml": lambda body: sandbox_reads("/api/xml/sendsms/", "text/xml", body),
    "sandbox.json": lambda body: sandbox_reads("/api/json/sendsms/", "application/json", body),
    "sandbox.soap": lambda body: sandbox_reads("/api/soap/server/", "text/xml", body),
}


def _measure(reader: Callable[[bytes], object], path: Path) -> str:
    body = path.read_bytes()
    began, before = time.process_time(), _peak()
    with suppress(BadReply, Refused):
        reader(body)
    return f"{_peak() - before} {time.process_time() - began}\n"


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    for line in sys.stdin:
        name, path = line.split(maxsplit=1)
        child = os.fork()
        if not child:
            sys.stdout.write(_measure(READERS[name], Path(path.strip())))
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
