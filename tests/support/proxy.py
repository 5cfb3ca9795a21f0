"""A TCP proxy before a Redis server that loses replies on demand: the server has acted, and the client never hears of it."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

CHUNK = 65536

Ending = Literal["close", "silence"]


@dataclass(slots=True)
class Loss:
    """Replies that are to be lost."""

    word: bytes
    """In the request whose reply is lost."""
    nth: int
    """The first request with the word to lose, counted from 1."""
    times: int
    """How many in a row."""
    ending: Ending
    """Whether the connection is then closed, or stays open without another word."""
    seen: int = 0

    def takes(self) -> bool:
        """Count a request; whether its reply is lost."""
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


class Proxy:
    """Connections to one server, each with two threads that end with it."""

    def __init__(self, target: str | tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._loss: Loss | None = None
        self.lost = 0
        """Replies lost so far."""
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def lose_reply(self, word: bytes, *, nth: int = 1, times: int = 1, ending: Ending = "close") -> None:
        """Let requests with a word in them reach the server, and lose the replies to the n-th and those after it."""
        with self._lock:
            self._loss = Loss(word, nth, times, ending)
            self.lost = 0

    def cut(self) -> None:
        """Close every connection; new ones are still taken."""
        with self._lock:
            opened = list(self._open)
        for each in opened:
            each.close()

    def reset(self) -> None:
        """Cut every connection as a failing network does (RST): what is still on its way is lost, both ways."""
        with self._lock:
            opened = list(self._open)
        for each in opened:
            each.reset()

    def swallow(self) -> None:
        """Let nothing through to clients any more, on old connections and new ones, until ``mend`` is called."""
        self.lose_reply(b"", times=sys.maxsize, ending="silence")

    def mend(self) -> None:
        """Lose nothing more. Connections that were silenced are cut."""
        with self._lock:
            self._loss = None
        self.cut()

    def close(self) -> None:
        """Take no more connections, and close those that are open."""
        # A plain close does not wake the thread that waits in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def verdict(self, request: bytes, tail: bytes) -> Ending | None:
        """What becomes of the reply to a request; ``None``: it goes through.

        Args:
            tail: the end of what came before, in which a word may have begun.
        """
        with self._lock:
            loss = self._loss
            if loss is None or loss.word not in tail[1 - len(loss.word) :] + request or not loss.takes():
                return None
            self.lost += 1
            return loss.ending

    def forget(self, connection: Connection) -> None:
        with self._lock:
            self._open.discard(connection)

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            connection = Connection(self, client, connect(self._target))
            with self._lock:
                self._open.add(connection)
            connection.start()


class Connection:
    """One client's connection and the one to the server that it stands for."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._ending: Ending | None = None

    def start(self) -> None:
        for pump in (self._requests, self._replies):
            threading.Thread(target=pump, daemon=True).start()

    def reset(self) -> None:
        for each in (self._client, self._server):
            if each.family != socket.AF_UNIX:
                with suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        for each in (self._client, self._server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._proxy.forget(self)

    def _requests(self) -> None:
        tail = b""
        with suppress(OSError):
            while request := self._client.recv(CHUNK):
                self._ending = self._proxy.verdict(request, tail) or self._ending
                tail = (tail + request)[-CHUNK:]
                self._server.sendall(request)
        self.close()

    def _replies(self) -> None:
        with suppress(OSError):
            while reply := self._server.recv(CHUNK):
                if self._ending == "close":
                    break
                if self._ending is None:
                    self._client.sendall(reply)
        self.close()


def connect(target: str | tuple[str, int]) -> socket.socket:
    """A connection to a Unix socket's path, or to a host and port."""
    if isinstance(target, str):
        made = socket.socket(socket.AF_UNIX)
        made.connect(target)
        return made
    return socket.create_connection(target)


@contextmanager
def proxy_to(target: str | tuple[str, int]) -> Iterator[Proxy]:
    """A proxy before a server, for as long as the block lasts."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
