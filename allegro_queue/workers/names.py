"""Names of workers: who they are can be read off them, also when their record is gone."""

from __future__ import annotations

import re
import secrets
import socket

NAME = re.compile(r"(?P<host>.+)\.(?P<pid>\d+)\.[0-9a-f]{4}")


def new_token() -> str:
    """What tells two workers apart that had the same process id on the same host, one after the other."""
    return secrets.token_hex(2)


def worker_name(pid: int, token: str) -> str:
    """The name of a worker on this host: ``host.pid.xxxx``. Its parent knows it without asking."""
    return f"{socket.gethostname()}.{pid}.{token}"


def host_of(name: str) -> str:
    """The host in a worker's name; ``unknown`` for a name given by hand."""
    match = NAME.fullmatch(name)
    return match["host"] if match else "unknown"


def pid_of(name: str) -> int:
    """The process id in a worker's name; 0 for a name given by hand."""
    match = NAME.fullmatch(name)
    return int(match["pid"]) if match else 0
