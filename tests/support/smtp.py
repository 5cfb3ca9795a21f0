"""A mail server that keeps what it is given."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope


class Sink:
    """Takes every mail."""

    def __init__(self, taken: Callable[[Sink], None] | None) -> None:
        self.mails: list[Envelope] = []
        self.port = 0
        self.taken = taken

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        self.mails.append(envelope)
        if self.taken is not None:
            self.taken(self)
        return "250 taken"


@contextmanager
def a_mail_server(taken: Callable[[Sink], None] | None = None) -> Iterator[Sink]:
    """A server on a free port of this machine.

    Args:
        taken: called when it has a mail, before it says so.
    """
    sink = Sink(taken)
    # The library connects to itself when it starts, so it must be told a port.
    with socket.create_server(("127.0.0.1", 0)) as free:
        sink.port = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
