"""What the dead mail server of one organization does to the sign-in mails of all others, with five real workers."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

import pytest
from django.db import connection
from django.utils import timezone
from redis import Redis

from allegro.magic_links import links
from allegro.magic_links.models import MagicLink
from tests.support.eventually import eventually
from tests.support.mail_accounts import an_account
from tests.support.people import an_organization
from tests.support.running import running
from tests.support.smtp import a_mail_server

DEADLINE = 10.0
WORKERS = 5


@pytest.mark.django_db(transaction=True)
def test_a_hundred_mails_over_a_server_that_never_answers_leave_four_workers_free(redis: Redis):
    news, other = an_organization(), an_organization("elsewhere")
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener, a_mail_server() as sink:
        listener.settimeout(30)
        an_account(news, listener.getsockname()[1])
        for number in range(100):
            links.request_link(news, f"reader-{number}@example.com", "", timezone.now())
        environment = {
            "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
        }
        with running("horizon", "--environment", "staging", **environment) as process:
            called, _ = listener.accept()
            called_at = time.monotonic()
            # More than there are workers are put off while the first one waits: had each called, all workers would.
            waiting = MagicLink.objects.filter(put_off_at__isnull=False)
            eventually(lambda: waiting.count() >= 4 * WORKERS, within=DEADLINE, explain=process.said)
            links.request_link(other, "ada@example.com", "", timezone.now())
            eventually(lambda: sink.mails, within=30, explain=process.said)
            took = time.monotonic() - called_at

            # The mail that met the silence waits with the others.
            eventually(lambda: waiting.count() >= 99, within=3 * DEADLINE, explain=process.said)
            listener.settimeout(0)
            others = 0
            with suppress(BlockingIOError):
                while listener.accept():
                    others += 1
            called.close()

    assert took < DEADLINE
    # What had not been looked at by then may have sent the next ones to see.
    assert others <= 2
