"""A real Prometheus that watches an installation: it scrapes `campaigns metrics`, and has the rules that we ship."""

import json
import re
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.prometheus.asked import RULES
from tests.system.flower import free_port
from tests.system.installation import Installation
from tests.worker.terminal import PROGRAM

EVERY = "2s"
"""As long as a scrape may take, too: a machine that does much else needs more than one for it."""

CONFIGURATION = """\
global: {{scrape_interval: {every}, evaluation_interval: {every}}}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: campaigns
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@dataclass(frozen=True)
class Watch:
    """What it answers, by its HTTP API."""

    url: str

    def asked(self, what: str, **words: Any) -> Any:
        """The data of an answer; whatever is no success is an error."""
        address = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(words)}"
        with urllib.request.urlopen(address, timeout=60) as reply:
            answer = json.load(reply)
        assert answer["status"] == "success", answer
        assert not answer.get("warnings"), answer
        return answer["data"]

    def value(self, expression: str) -> list[dict[str, Any]]:
        """What an expression comes to now: labels and value of each series."""
        return list(self.asked("query", query=expression)["result"])

    def over(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """The same at each step of a time."""
        return list(self.asked("query_range", query=expression, start=start, end=end, step=step)["result"])

    def alerts(self) -> dict[str, str]:
        """Those that are pending or firing, by name."""
        return {each["labels"]["alertname"]: each["state"] for each in self.asked("alerts")["alerts"]}

    def is_ready(self) -> bool:
        """Whether it has scraped the exporter."""
        try:
            return bool(self.value('up{job="campaigns"} == 1'))
        except OSError:
            return False


def watch(site: Installation, *, patience: str = "0s", every: str = EVERY) -> Watch:
    """Start the exporter and Prometheus beside the installation; each alert waits for `patience` before it rings."""
    exporter, own = free_port(), free_port()
    words = ["metrics", "--port", str(exporter)]
    site.processes.start("metrics", [*PROGRAM, *words], environment=site.environment(), cwd=site.folder)
    rules = re.sub(r"^( +for: ).*$", rf"\g<1>{patience}", RULES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (site.folder / "alerts.yml").write_text(rules, encoding="utf-8")
    configuration = site.folder / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(port=exporter, every=every), encoding="utf-8")
    site.processes.start(
        "prometheus",
        [
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={site.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{own}",
            "--log.level=warn",
        ],
        cwd=site.folder,
    )
    found = Watch(f"http://127.0.0.1:{own}")
    site.until(found.is_ready, what="Prometheus has scraped the exporter")
    return found
