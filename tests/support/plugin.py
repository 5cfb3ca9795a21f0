"""Gives the run a Redis server and settings of its own, before Django's settings are read.

Loaded with ``-p`` in ``pyproject.toml``: a conftest would come too late.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from setproctitle import getproctitle

from allegro.dev.valkey import server_binary
from tests.support.server import start_server

# It looks for the command line beside the environment, and does not find it once that was changed.
getproctitle()

# Whatever the developer has exported must not leak in.
for name in [each for each in os.environ if each.startswith(("REDIS_", "HORIZON_", "RQ_"))]:
    del os.environ[name]

# Hundreds of processes load the same modules. Compiled anew by each, they would take longer than many tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

folder = Path(tempfile.mkdtemp(prefix="allegro-tests-"))
# That of the process which starts the others, and so outlives them.
shared = Path(os.environ.setdefault("TESTS_SHARED_FOLDER", str(folder)))
server: subprocess.Popen[bytes] = start_server(server_binary(), folder)

os.environ.update(
    ENV_FILE="/dev/null",
    APP_ENV="local",
    DEBUG="false",
    SECRET_KEY="only-for-tests",
    SITE_URL="http://testserver",
    ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    REDIS_URL=f"unix://{folder / 'redis.sock'}",
    DATABASE_URL=f"sqlite:///{folder / 'db.sqlite3'}",
    EMAIL_URL=f"filemail:///{folder / 'mail'}",
    QUEUE_CONNECTION="redis",
    HORIZON_ALLOWED_JOBS="allegro,allegro_queue,tests",
    LOG_LEVEL="INFO",
)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and remove its folder."""
    server.terminate()
    server.wait(timeout=10)
    shutil.rmtree(folder, ignore_errors=True)
