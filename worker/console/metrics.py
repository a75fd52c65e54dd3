"""`campaigns metrics`: the domain's figures, printed once or served to Prometheus."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import click

from worker.language import _

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PRINTED_WITHIN = 5.0
"""For so long messages are counted, where the figures are printed once."""

EPILOG = """\b
Examples:
  campaigns metrics
  campaigns metrics --port 9464
  curl --silent http://127.0.0.1:9464/metrics

\b
In prometheus.yml:
  scrape_configs:
    - job_name: campaigns
      static_configs: [{targets: ["127.0.0.1:9464"]}]
"""


@click.command(epilog=EPILOG)
@click.option("--port", type=click.IntRange(0, 65_535), help="Serve them here until Ctrl-C, instead of printing them.")
@click.option("--bind", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where --port listens.")
def metrics(port: int | None, bind: str) -> None:
    """Print the figures of the domain in Prometheus's text form, or serve them on /metrics.

    They are read from the database whenever they are asked for: one of these is enough for any number of workers, and
    needs no settings but DATABASE_URL and, for the broker's queues, REDIS_URL or BROKER_URL. There are names of
    accounts in them, and nothing of any recipient; who may read them on another address than loopback is for your
    network to say.
    """
    from campaigns.database import default
    from campaigns.endings import Endings
    from worker.broker import broker_settings
    from worker.metrics import counting, registry
    from worker.metrics.queues import Queues

    endings = Endings()
    known = registry(default(), endings=endings, broker=Queues(broker_settings()))
    if port is None:
        from prometheus_client import generate_latest

        counting.count(default(), endings, seconds=PRINTED_WITHIN)
        click.echo(generate_latest(known).decode(), nl=False)
        return
    with counting.counting(default(), endings):
        _serve(known, bind, port)


def _serve(known: CollectorRegistry, bind: str, port: int) -> None:
    """Until Ctrl-C."""
    from prometheus_client import start_http_server

    from campaigns.reasons import retold

    try:
        server, _thread = start_http_server(port, addr=bind, registry=known)
    except OSError as wrong:
        said = _("cannot listen on {address}, {reason}: choose another --bind or --port")
        why = retold(wrong.strerror or type(wrong).__name__)
        raise click.ClickException(said.format(address=f"{bind}:{port}", reason=why)) from None
    host, listening = server.server_address[:2]
    click.echo(_("metrics are served on {url}").format(url=f"http://{host!s}:{listening}/metrics"), err=True)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    finally:
        server.shutdown()
        server.server_close()
