"""URLs and proxies: where the server of a URL is, and the URL that leads to the same server through a proxy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.engine import URL, make_url

from tests.servers.proxy import Address, Proxy, proxy

PORTS = {"postgresql": 5432, "redis": 6379, "http": 80}


def server_of(url: str) -> Address:
    """Where the server of a URL listens: of a database, of a broker, or of a gateway."""
    parts = urlsplit(url)
    kind = parts.scheme.partition("+")[0]
    if parts.scheme == "redis+socket":
        return Path(parts.path)
    folder = parse_qs(parts.query).get("host", [""])[0]
    if kind == "postgresql" and folder.startswith("/"):
        port = parse_qs(parts.query).get("port", ["5432"])[0]
        return Path(folder) / f".s.PGSQL.{port}"
    return parts.hostname or folder or "127.0.0.1", parts.port or PORTS[kind]


def through(url: str, between: Proxy) -> str:
    """The same URL, but by way of the proxy."""
    if url.startswith("redis+socket"):
        number = parse_qs(urlsplit(url).query).get("virtual_host", ["0"])[0]
        return f"redis://127.0.0.1:{between.port}/{number}"
    made = make_url(url)
    if made.get_backend_name() == "postgresql":
        made = made.difference_update_query(["host", "port"]).update_query_dict({"sslmode": "disable"})
    return _shown(made.set(host=between.address[0], port=between.port))


@contextmanager
def before(url: str) -> Iterator[tuple[str, Proxy]]:
    """A proxy before the server of a URL, and the URL that leads through it."""
    with proxy(server_of(url)) as between:
        yield through(url, between), between


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)
