"""A server that takes every connection and says nothing, and five real workers that have it called."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from allegro.magic_links import links
from allegro.organizations.models import Organization
from tests.support.eventually import eventually
from tests.support.mail_sink import MailSink, mail_sink
from tests.support.running import Running, running

DEADLINE = 10.0
"""Seconds that an answer is waited for."""

WORKERS = 5


class DeadServer:
    """It listens on a free port of this machine."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._calls: list[socket.socket] = []
        self.port = listener.getsockname()[1]

    def wait_for_a_call(self) -> None:
        """Until somebody has connected, who is left waiting until the end."""
        self._listener.settimeout(30)
        self._calls.append(self._listener.accept()[0])

    def is_called(self) -> bool:
        """Whether somebody has connected since, whom it cuts off."""
        self._listener.settimeout(0)
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def hang_up_on(self, number: int) -> None:
        """Cut so many off once all of them have connected: none of them called after another was cut off."""
        for _ in range(number):
            self.wait_for_a_call()
        for each in self._calls:
            # A reset, and no orderly end.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            each.close()

    def close(self) -> None:
        for each in self._calls:
            each.close()


@contextmanager
def a_dead_server() -> Iterator[DeadServer]:
    """One that has room for as many as call."""
    with socket.create_server(("127.0.0.1", 0), backlog=600) as listener:
        server = DeadServer(listener)
        yield server
        server.close()


@dataclass(frozen=True)
class FiveWorkers:
    """They work on what was queued, the first of them on what calls the dead server."""

    process: Running
    sink: MailSink
    """Where all mail goes that goes through no account of an organization's."""
    called_at: float

    def seconds_to_mail(self, organization: Organization, waiting: QuerySet[Any]) -> float:
        """From the call until the sign-in mail of somebody is out who asks for it meanwhile.

        Args:
            waiting: what is held back. More than there are workers have to be while the first one waits for an answer: had
                each called, all workers would wait now. (That it is all of them in that time is more than a busy machine
                can do.)
        """
        eventually(lambda: waiting.count() >= 4 * WORKERS, within=DEADLINE, explain=self.process.said)
        links.request_link(organization, "ada@example.com", "", timezone.now())
        eventually(lambda: self.sink.mails, within=30, explain=self.process.said)
        return time.monotonic() - self.called_at


@contextmanager
def five_workers_calling(server: DeadServer) -> Iterator[FiveWorkers]:
    """From the moment at which one of them has called."""
    with mail_sink() as sink:
        environment = {
            "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
        }
        with running("horizon", "--environment", "staging", **environment) as process:
            server.wait_for_a_call()
            yield FiveWorkers(process, sink, time.monotonic())
