"""A Redis server of the run's own, on a socket that nobody else knows."""

from __future__ import annotations

import subprocess
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError

from tests.support.eventually import eventually


def start_server(binary: Path, folder: Path, keep: bool = False) -> subprocess.Popen[bytes]:
    """Start a server in ``folder`` and wait until it answers at ``folder/redis.sock``.

    Args:
        keep: whether its data outlive it.
    """
    socket = folder / "redis.sock"
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [
                binary,
                "--port",
                "0",
                "--unixsocket",
                socket,
                "--save",
                "",
                "--appendonly",
                "yes" if keep else "no",
                "--dir",
                folder,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    client = Redis(unix_socket_path=str(socket))
    eventually(lambda: answers(client), within=10)
    client.close()
    return process


def answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except ConnectionError:
        return False
