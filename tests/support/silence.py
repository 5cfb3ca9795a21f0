"""Servers that take connections and answer nobody."""

from __future__ import annotations

import socket
import struct


def hang_up_on(listener: socket.socket, number: int) -> None:
    """Take so many connections, and only then cut them all off: nobody called after the first was."""
    called = [listener.accept()[0] for _ in range(number)]
    for each in called:
        # A reset, and no orderly end.
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        each.close()
