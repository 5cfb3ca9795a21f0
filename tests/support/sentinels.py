"""A Redis server, its replica and three sentinels, of the test's own, on ports that nobody else uses."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from allegro.dev.processes import start_leashed
from allegro.dev.valkey import server_binary
from tests.support.eventually import eventually

NAME = "jobs"
DOWN_AFTER_SECONDS = 2.0


class WatchedPair:
    """Two servers, of which one is the master."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        master, replica = free_port(), free_port()
        self.master = self._server(master)
        self._server(replica, "--replicaof", "127.0.0.1", str(master))
        self.ports = [free_port() for _ in range(3)]
        for port in self.ports:
            self._sentinel(port, master)
        eventually(lambda: all(self._is_ready(port) for port in self.ports), within=40)

    @property
    def addresses(self) -> str:
        """What ``REDIS_SENTINELS`` is to say."""
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def stop(self) -> None:
        for each in self._processes:
            each.kill()
            each.wait()

    def _server(self, port: int, *options: str) -> subprocess.Popen[bytes]:
        folder = self._folder / str(port)
        folder.mkdir()
        return self._start(
            folder, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options
        )

    def _sentinel(self, port: int, master: int) -> None:
        folder = self._folder / str(port)
        folder.mkdir()
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {NAME} 127.0.0.1 {master} 2\n"
            f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_SECONDS * 1000:.0f}\n"
            f"sentinel failover-timeout {NAME} 10000\n"
        )
        self._start(folder, str(config), "--sentinel")

    def _start(self, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
        with (folder / "server.log").open("ab") as log:
            process = start_leashed([str(server_binary()), *arguments], output=log)
        self._processes.append(process)
        return process

    def _is_ready(self, port: int) -> bool:
        """Whether this sentinel knows the other two, and a replica that is up to date."""
        try:
            with Redis(port=port, socket_timeout=2) as sentinel:
                seen = sentinel.sentinel_master(NAME)
                replicas = sentinel.sentinel_slaves(NAME)
        except RedisError:
            return False
        return (
            int(seen["num-other-sentinels"]) == 2 and len(replicas) == 1 and replicas[0]["master-link-status"] == "ok"
        )


@contextmanager
def watched_pair(folder: Path) -> Iterator[WatchedPair]:
    """Start all five, and kill them at the end."""
    pair = WatchedPair(folder)
    try:
        yield pair
    finally:
        pair.stop()


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
