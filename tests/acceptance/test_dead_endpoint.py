"""What a dead webhook endpoint does to everybody else, with five real workers."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

import pytest
from django.db import connection
from django.utils import timezone
from redis import Redis

from allegro.magic_links import links
from allegro.webhooks.models import Delivery
from allegro.webhooks.publishing import publish
from tests.support.eventually import eventually
from tests.support.hooks import an_endpoint
from tests.support.people import an_organization
from tests.support.running import running
from tests.support.smtp import a_mail_server

DEADLINE = 10.0
WORKERS = 5


@pytest.mark.django_db(transaction=True)
def test_five_hundred_deliveries_to_an_endpoint_that_never_answers_leave_four_workers_free(redis: Redis):
    news = an_organization()
    with socket.create_server(("127.0.0.1", 0), backlog=600) as listener, a_mail_server() as sink:
        listener.settimeout(30)
        an_endpoint(news, f"http://127.0.0.1:{listener.getsockname()[1]}/")
        for _ in range(499):
            publish(news, "audience_member.created", {})
        environment = {
            "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
        }
        with running("horizon", "--environment", "staging", **environment) as process:
            called, _ = listener.accept()
            called_at = time.monotonic()
            # More than there are workers are held back while the first one waits for an answer: had each called, all
            # workers would wait now. (That it is all of them within ten seconds is more than a busy machine can do.)
            held = Delivery.objects.filter(is_held=True)
            eventually(lambda: held.count() >= 4 * WORKERS, within=DEADLINE, explain=process.said)
            links.request_link(news, "ada@example.com", "", timezone.now())
            eventually(lambda: sink.mails, within=30, explain=process.said)
            took = time.monotonic() - called_at

            failed = Delivery.objects.filter(state="failed")
            eventually(failed.exists, within=2 * DEADLINE, explain=process.said)
            ended = failed.earliest("attempted_at")
            listener.settimeout(0)
            others = 0
            with suppress(BlockingIOError):
                while listener.accept():
                    others += 1
            called.close()

    assert took < DEADLINE
    assert DEADLINE * 1000 <= ended.duration_ms < (DEADLINE + 1) * 1000
    assert "did not answer within 10 s" in ended.error
    # What had not been looked at by then may have sent the next one to see.
    assert others <= 1
