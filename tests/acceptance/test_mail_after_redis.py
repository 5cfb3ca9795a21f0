"""A link that is asked for while Redis is dead arrives once it is back, through real processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from allegro.dev.valkey import server_binary
from allegro.magic_links import links
from allegro.magic_links.models import MagicLink
from allegro_queue.connection import forget_client
from allegro_queue.models import OutboxEntry
from tests.support.eventually import eventually
from tests.support.people import an_organization
from tests.support.running import running
from tests.support.server import start_server
from tests.support.smtp import a_mail_server


@pytest.fixture
def elsewhere(settings: Any, tmp_path: Path) -> Iterator[str]:
    """The address of a server of this test's own; this process dispatches there too."""
    forget_client()
    url = f"unix://{tmp_path / 'redis.sock'}"
    settings.RQ_QUEUES = {name: {**config, "URL": url} for name, config in settings.RQ_QUEUES.items()}
    yield url
    forget_client()


@pytest.mark.django_db(transaction=True)
def test_a_link_asked_for_while_redis_is_dead_is_mailed_once_when_it_is_back(elsewhere: str, tmp_path: Path):
    news = an_organization()
    server = start_server(server_binary(), tmp_path, keep=True)
    links.request_link(news, "ada@example.com", "", timezone.now())
    server.send_signal(signal.SIGKILL)
    server.wait()
    links.request_link(news, "bob@example.com", "", timezone.now())
    assert OutboxEntry.objects.count() == 1

    database = f"sqlite:///{connection.settings_dict['NAME']}"
    with a_mail_server() as sink:
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
        finally:
            server.terminate()
            server.wait()

    assert sorted(each.rcpt_tos[0] for each in sink.mails) == ["ada@example.com", "bob@example.com"]
