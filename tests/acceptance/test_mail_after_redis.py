"""What Redis must not lose, and what nobody may get twice in another form, through real processes."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_httpserver import HTTPServer
from redis import Redis

from allegro.dev.valkey import server_binary
from allegro.magic_links import links
from allegro.magic_links.models import MagicLink
from allegro.webhooks.models import Delivery
from allegro_queue.connection import forget_client
from allegro_queue.models import OutboxEntry
from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores
from tests.support.eventually import eventually
from tests.support.hooks import an_endpoint
from tests.support.mail_sink import MailSink, mail_sink
from tests.support.people import a_member, an_organization
from tests.support.running import manage, running
from tests.support.server import start_server


@pytest.fixture
def elsewhere(settings: Any, tmp_path: Path) -> Iterator[str]:
    """The address of a server of this test's own; this process dispatches there too."""
    forget_client()
    url = f"unix://{tmp_path / 'redis.sock'}"
    settings.RQ_QUEUES = {name: {**config, "URL": url} for name, config in settings.RQ_QUEUES.items()}
    yield url
    forget_client()


@pytest.mark.django_db(transaction=True)
def test_a_link_and_an_event_of_while_redis_is_dead_go_out_once_when_it_is_back(
    elsewhere: str, tmp_path: Path, httpserver: HTTPServer
):
    httpserver.expect_request("/hook", method="POST").respond_with_data("thanks")
    news = an_organization()
    server = start_server(server_binary(), tmp_path, keep=True)
    links.request_link(news, "ada@example.com", "", timezone.now())
    server.send_signal(signal.SIGKILL)
    server.wait()
    links.request_link(news, "bob@example.com", "", timezone.now())
    an_endpoint(news, httpserver.url_for("/hook"))
    a_member(news)
    assert OutboxEntry.objects.count() == 3

    database = f"sqlite:///{connection.settings_dict['NAME']}"
    with mail_sink() as sink:
        environment = {
            "REDIS_URL": elsewhere,
            "DATABASE_URL": database,
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
        }
        server = start_server(server_binary(), tmp_path, keep=True)
        try:
            with running("horizon", **environment) as process:
                eventually(lambda: len(sink.mails) == 2, within=30, explain=process.said)
                eventually(lambda: not OutboxEntry.objects.exists(), within=10, explain=process.said)
                eventually(lambda: MagicLink.objects.filter(sent_at__isnull=False).count() == 2, explain=process.said)
                arrived = Delivery.objects.filter(state="succeeded")
                eventually(lambda: arrived.count() == 2, within=20, explain=process.said)
        finally:
            server.terminate()
            server.wait()

    assert sorted(each.rcpt_tos[0] for each in sink.mails) == ["ada@example.com", "bob@example.com"]
    kinds = [request.headers["X-Allegro-Event"] for request, _ in httpserver.log]
    assert sorted(kinds) == ["audience_member.created", "ping"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_once_the_server_has_the_mail_leaves_a_failed_job_and_a_second_mail_holds_the_same_link(
    redis: Redis, stores: Stores
):
    link = links.request_link(an_organization(), "ada@example.com", "", timezone.now())
    (job_id,) = get_queue("high", redis).get_job_ids()

    def die_once(sink: MailSink) -> None:
        if len(sink.mails) == 1:
            for worker in stores.workers.living():
                process.kill_one(worker.pid)

    with mail_sink(taken=die_once) as sink:
        environment = {
            "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
        }
        with running("horizon", **environment) as process:
            failed = get_queue("high", redis).failed_job_registry
            eventually(lambda: job_id in failed, within=30, explain=process.said)
            link.refresh_from_db()
            assert (len(sink.mails), link.sent_at) == (1, None)
            assert manage("horizon_retry", job_id, **environment).returncode == 0
            eventually(lambda: len(sink.mails) == 2, within=30, explain=process.said)
            eventually(lambda: MagicLink.objects.filter(sent_at__isnull=False), explain=process.said)

    tokens = {token_in(each.content) for each in sink.mails}
    assert len(tokens) == 1
    assert links.use_link(tokens.pop(), timezone.now()) is not None


def token_in(content: Any) -> str:
    """The token in a mail's text."""
    body = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    found = re.search(r"allegro_token=([\w-]+)", body.get_content())
    assert found
    return found.group(1)
