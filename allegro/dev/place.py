"""Where the development server of a checkout is found. Pure: the settings read it, and nothing is started by it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

LONGEST_SOCKET_PATH = 100
"""Bytes that a socket's path may take: systems allow 104 to 108."""


def redis_folder(root: Path) -> Path:
    """Data, lock and log of the server that belongs to the checkout at ``root``."""
    return root / ".dev" / "redis"


def socket_path(folder: Path) -> Path:
    """The server's socket: in its folder, or in a short one of the same user's when that path is too long."""
    usual = folder / "redis.sock"
    if len(os.fsencode(usual)) <= LONGEST_SOCKET_PATH:
        return usual
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"allegro-{os.getuid()}-{mark}" / "redis.sock"


def redis_url(folder: Path) -> str:
    """The server's address, for ``REDIS_URL`` and every Redis client."""
    return f"unix://{quote(str(socket_path(folder)))}"
