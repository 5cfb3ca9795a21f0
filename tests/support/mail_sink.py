"""A mail server that keeps what it is given."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class MailSink:
    """What came in."""

    port: int = 0
    refuses: bool = False
    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuses:
            return "451 try later"
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 kept"

    @property
    def subjects(self) -> list[str]:
        return [str(each["Subject"]) for each in self.mails]

    def body(self, place: int = -1) -> str:
        """The text of one mail."""
        return str(self.mails[place].get_payload(decode=True).decode())  # type: ignore[union-attr]


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """A sink that listens on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sink = MailSink(port)
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
