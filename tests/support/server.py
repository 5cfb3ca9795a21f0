"""A Redis server of the run's own, on a socket that nobody else knows."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError

from allegro.dev.processes import start_leashed
from tests.support.eventually import eventually


def start_server(
    binary: Path, folder: Path, keep: bool = False, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a server in ``folder`` and wait until it answers at ``folder/redis.sock``.

    Args:
        keep: whether its data outlive it.
        environment: variables over those of this process.
    """
    socket = folder / "redis.sock"
    with (folder / "server.log").open("ab") as log:
        arguments = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
        arguments += ["--appendonly", "yes" if keep else "no", "--stream-node-max-bytes", "512"]
        # Ends with this run, however the run ends.
        process = start_leashed([str(binary), *arguments], output=log, environment=environment)
    client = Redis(unix_socket_path=str(socket))
    eventually(lambda: answers(client), within=10)
    client.close()
    return process


def answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except ConnectionError:
        return False
