"""A mail server that keeps what it is given."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope


class MailSink:
    """What came in."""

    def __init__(self, port: int, taken: Callable[[MailSink], None] | None) -> None:
        self.port = port
        self.refuses = False
        self.mails: list[Envelope] = []
        self._taken = taken

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.refuses:
            return "451 try later"
        self.mails.append(envelope)
        if self._taken is not None:
            self._taken(self)
        return "250 kept"

    def message(self, place: int = -1) -> EmailMessage:
        content = self.mails[place].content
        assert isinstance(content, bytes)
        return message_from_bytes(content, policy=default)  # type: ignore[return-value]

    @property
    def subjects(self) -> list[str]:
        return [str(self.message(place)["Subject"]) for place in range(len(self.mails))]

    def body(self, place: int = -1) -> str:
        """The text of one mail."""
        return str(self.message(place).get_payload(decode=True).decode())  # type: ignore[union-attr]


@contextmanager
def mail_sink(taken: Callable[[MailSink], None] | None = None) -> Iterator[MailSink]:
    """A sink that listens on a free port of this machine.

    Args:
        taken: called when it has a mail, before it says so.
    """
    # The library connects to itself when it starts, so it must be told a port.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sink = MailSink(port, taken)
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
