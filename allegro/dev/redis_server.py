"""The Redis server that ``dev`` brings: started, shared with a second ``dev``, taken over from a dead one, stopped."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, TimeoutError
from redis.retry import Retry

from allegro.dev.lock import FileLock
from allegro.dev.place import socket_path
from allegro.dev.processes import start_leashed
from allegro.dev.valkey import engine_of

START_SECONDS = 30
SHARE_SECONDS = 15
STOP_SECONDS = 20
LOOK_SECONDS = 0.02
LOG_LINES = 10


class ServerTrouble(Exception):
    """The development server cannot be used; the message says why and where its log is."""


class RedisServer:
    """A server on a socket that only this user can reach, with its data kept in ``folder``.

    Its append-only file is written with each command and flushed to disk every second: a killed process loses nothing.
    """

    def __init__(self, folder: Path, binary: Path) -> None:
        self.engine = engine_of(binary)
        self.data = folder / self.engine.folder_name
        self.log = folder / "server.log"
        self.socket = socket_path(folder)
        self.shared = False
        """Whether another ``dev`` of this checkout owns the server."""
        self._binary = binary
        self._folder = folder
        self._lock = FileLock(folder / "lock")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Have a server that answers: the one that another ``dev`` runs, or one of our own.

        Raises:
            ServerTrouble: it did not start; the end of its log is in the message.
        """
        make_private(self._folder)
        make_private(self.data)
        make_private(self.socket.parent)
        deadline = time.monotonic() + SHARE_SECONDS
        while not self._lock.take():
            if self.answers():
                self.shared = True
                return
            if time.monotonic() > deadline:
                raise ServerTrouble(
                    f"Another process holds {self._folder / 'lock'}, but its server does not answer at {self.socket}. "
                    "Is another 'dev' of this checkout hanging? End it and start again."
                )
            time.sleep(LOOK_SECONDS)
        try:
            self._end_orphan()
            self._spawn()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End our own server, which writes its data first, and leave no socket and no lock. A shared one stays."""
        if self.shared:
            return
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
            self.socket.unlink(missing_ok=True)
            if self.socket.parent != self._folder:
                self.socket.parent.rmdir()
        self._lock.release()

    def trouble(self) -> str:
        """Why the server can no longer be used, in words; empty while all is well."""
        if self._process is not None and self._process.poll() is not None:
            return f"The Redis server ended with {self._process.returncode}. {self._end_of_log()}"
        if self.shared and not self.answers():
            return "The Redis server is gone: the 'dev' that it belongs to has ended. Start this one again."
        return ""

    def answers(self) -> bool:
        """Whether a server answers at the socket. One that still loads its data does not yet."""
        with self._client() as client:
            try:
                return bool(client.ping())
            except (ConnectionError, TimeoutError):
                return False

    def _client(self) -> Redis:
        # Without redis-py's own repeats, which rest for seconds: that nobody answers is an answer here.
        return Redis(unix_socket_path=str(self.socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def _end_orphan(self) -> None:
        """Ask a server whose ``dev`` is dead to write its data and leave: the lock is ours, so nobody else uses it."""
        deadline = time.monotonic() + STOP_SECONDS
        while self._is_served():
            if time.monotonic() > deadline:
                raise ServerTrouble(f"A server left over from an earlier run at {self.socket} does not end.")
            with self._client() as client:
                try:
                    client.shutdown()
                except (ConnectionError, TimeoutError):
                    time.sleep(LOOK_SECONDS)
        self.socket.unlink(missing_ok=True)

    def _is_served(self) -> bool:
        with self._client() as client:
            try:
                client.ping()
            except BusyLoadingError:
                return True
            except (ConnectionError, TimeoutError):
                return False
        return True

    def _spawn(self) -> None:
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--dir": str(self.data),
            "--appendonly": "yes",
            "--appendfsync": "everysec",
            "--save": "",
            "--daemonize": "no",
            "--maxmemory-policy": "noeviction",
            # RQ keeps each job's results in a stream of its own, which takes 4 KB from the start if nobody says so.
            "--stream-node-max-bytes": "512",
        }
        command = [str(self._binary), *(word for option in options.items() for word in option)]
        # A file, never a pipe: an unread pipe fills up and hangs the server.
        with self.log.open("wb") as log:
            self._process = start_leashed(command, output=log)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self._process.poll() is not None:
                raise ServerTrouble(f"The Redis server did not start. {self._end_of_log()}")
            if time.monotonic() > deadline:
                raise ServerTrouble(f"The Redis server did not answer within {START_SECONDS} s. {self._end_of_log()}")
            time.sleep(LOOK_SECONDS)

    def _end_of_log(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return f"The end of {self.log}:\n" + "\n".join(lines)


def make_private(folder: Path) -> None:
    """Make a folder that nobody else may enter, or see that it is one.

    Raises:
        ServerTrouble: it belongs to somebody else or is open to others.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or found.st_uid != os.getuid():
        raise ServerTrouble(f"{folder} is not a folder of yours, so no server is started there.")
    folder.chmod(0o700)
