"""What every test may ask for; the fixtures themselves stand in `tests/servers/`."""

pytest_plugins = ["tests.servers.databases", "tests.servers.opened", "tests.servers.brokers"]
