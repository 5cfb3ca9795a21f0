"""One connection of one worker, for the one command that it sends per job.

redis-py connects and logs in (TLS, ACL, Sentinel); after that the bytes go over the socket directly, since the way
through the client's command layer takes longer than Redis takes to answer.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from ssl import SSLSocket
from typing import Any

import hiredis
from redis import Redis
from redis.exceptions import ConnectionError, RedisError, ResponseError

CHUNK = 16384
NOT_YET = object()

STALE = ("READONLY", "MASTERDOWN")
"""Answers of a server that is no longer the master: the next call connects anew, perhaps to another one."""


class Wire:
    """A connection that is opened when first needed, and opened anew after any trouble.

    With RESP3 the server tells it when a key that it watches has changed (``tracking``).
    """

    def __init__(self, client: Redis) -> None:
        self._pool = client.connection_pool
        self._connection: Any = None
        self._socket: Any = None
        self._reader: Any = None
        # The same room for each answer, which is quicker than new room.
        self._room = bytearray(CHUNK)
        self._told = False
        self.tracking = False

    def call(self, packed: bytes, replies: int = 1) -> Any:
        """Send commands in one go and return the answer to the last one.

        Raises:
            ConnectionError: there was no answer; whether the server has acted is not known.
            ResponseError: the server refused one of them.
        """
        refusal: ResponseError | None = None
        answer: Any = None
        try:
            if self._socket is None:
                self._open()
            self._socket.sendall(packed)
            for _ in range(replies):
                answer = self._read()
                if isinstance(answer, ResponseError):
                    refusal = refusal or answer
        except OSError as error:
            self.close()
            raise ConnectionError(str(error)) from error
        except BaseException:
            self.close()
            raise
        if refusal is not None:
            if str(refusal).startswith(STALE):
                self.close()
            raise refusal
        return answer

    def fileno(self) -> int | None:
        """What to wait on for news; ``None`` when there is no connection."""
        return self._socket.fileno() if self._socket is not None else None

    def has_news(self) -> bool:
        """Whether the server has said, since the last look, that something changed.

        Raises:
            ConnectionError: it has gone.
        """
        if self._socket is None:
            return True
        try:
            self._hear()
            while self._has_bytes():
                self._feed()
                self._hear()
        except OSError as error:
            self.close()
            raise ConnectionError(str(error)) from error
        except BaseException:
            self.close()
            raise
        told, self._told = self._told, False
        return told

    def close(self) -> None:
        """Hang up; the next call connects again."""
        connection, self._connection, self._socket = self._connection, None, None
        self._told = False
        if connection is not None:
            with suppress(OSError, RedisError):
                connection.disconnect()
            self._pool.release(connection)

    def _open(self) -> None:
        self._connection = connection = self._pool.get_connection()
        self.tracking = str(connection.get_protocol()) == "3" and start_tracking(connection)
        self._socket = connection._sock
        # The kernel keeps the time, instead of a look at the clock and at the socket before each call.
        seconds = self._socket.gettimeout()
        if seconds and not isinstance(self._socket, SSLSocket):
            patience = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
            for each in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                self._socket.setsockopt(socket.SOL_SOCKET, each, patience)
            self._socket.settimeout(None)
        self._reader = hiredis.Reader(protocolError=ConnectionError, replyError=ResponseError, notEnoughData=NOT_YET)

    def _read(self) -> Any:
        while True:
            reply = self._reader.gets()
            if reply is NOT_YET:
                self._feed()
            elif isinstance(reply, hiredis.PushNotification):
                self._told = True
            else:
                return reply

    def _hear(self) -> None:
        while (reply := self._reader.gets()) is not NOT_YET:
            self._told |= isinstance(reply, hiredis.PushNotification)

    def _feed(self) -> None:
        size = self._socket.recv_into(self._room)
        if not size:
            raise ConnectionError("the server closed the connection")
        self._reader.feed(self._room, 0, size)

    def _has_bytes(self) -> bool:
        # TLS may have taken more from the socket than was asked for.
        if getattr(self._socket, "pending", int)():
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))


def start_tracking(connection: Any) -> bool:
    """Ask the server to tell of changes; whether it will."""
    connection.send_command("CLIENT", "TRACKING", "ON", "OPTIN", "NOLOOP")
    try:
        connection.read_response()
    except ResponseError:
        return False
    return True


def pack(arguments: Sequence[Any]) -> bytes:
    """One command (text, bytes and numbers) as it goes over the wire."""
    packed: bytes = hiredis.pack_command(arguments if isinstance(arguments, tuple) else tuple(arguments))
    return packed
