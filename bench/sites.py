"""Servers of a bench's own, and the environment that leads Django to them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDORS = ("sqlite", "postgresql")


@contextmanager
def a_site(vendor: str, *, schema: str = "") -> Iterator[dict[str, str] | None]:
    """A Redis server and a migrated database, in a temporary folder; the environment for processes that use them.

    ``None`` where this machine has no such database.

    Args:
        schema: the one app whose tables are needed; empty for all.
    """
    from allegro.dev.valkey import server_binary
    from tests.support.postgres import a_postgres_server, programs
    from tests.support.server import start_server

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="allegro-bench-")))
        if vendor == "sqlite":
            url = f"sqlite:///{folder / 'bench.sqlite3'}"
        else:
            found = programs()
            if found is None:
                print("PostgreSQL: not on this machine")
                yield None
                return
            url = stack.enter_context(a_postgres_server(found, fsync=True))
        server = start_server(server_binary(), folder)
        stack.callback(server.wait)
        stack.callback(server.terminate)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("REDIS_", "HORIZON_"))},
            "ENV_FILE": "/dev/null",
            "APP_ENV": "local",
            "SECRET_KEY": "only-for-the-bench",
            "LOG_LEVEL": "WARNING",
            "QUEUE_CONNECTION": "redis",
            "REDIS_URL": f"unix://{folder / 'redis.sock'}",
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "allegro.settings",
            "BENCH_FOLDER": str(folder),
        }
        migrate = ["migrate", *([schema] if schema else []), "--verbosity", "0"]
        subprocess.run([sys.executable, ROOT / "manage.py", *migrate], env=environment, check=True)
        yield environment


def measured_apart(script: str, environment: dict[str, str], *arguments: str) -> None:
    """Run a bench's ``--measure`` in a process whose settings are those of the site."""
    subprocess.run([sys.executable, script, "--measure", *arguments], env=environment, check=True, cwd=ROOT)
