"""What a dead webhook endpoint does to everybody else, with five real workers."""

from __future__ import annotations

import pytest
from redis import Redis

from allegro.webhooks.models import Delivery
from allegro.webhooks.publishing import publish
from tests.support.dead_server import DEADLINE, a_dead_server, five_workers_calling
from tests.support.eventually import eventually
from tests.support.hooks import an_endpoint
from tests.support.people import an_organization


@pytest.mark.django_db(transaction=True)
def test_five_hundred_deliveries_to_an_endpoint_that_never_answers_leave_four_workers_free(redis: Redis):
    news = an_organization()
    with a_dead_server() as server:
        an_endpoint(news, f"http://127.0.0.1:{server.port}/")
        for _ in range(499):
            publish(news, "audience_member.created", {})
        with five_workers_calling(server) as workers:
            took = workers.seconds_to_mail(news, Delivery.objects.filter(is_held=True))

            failed = Delivery.objects.filter(state="failed")
            eventually(failed.exists, within=2 * DEADLINE, explain=workers.process.said)
            ended = failed.earliest("attempted_at")
            others = sum(1 for _ in iter(server.is_called, False))

    assert took < DEADLINE
    assert DEADLINE * 1000 <= ended.duration_ms < (DEADLINE + 1) * 1000
    assert "did not answer within 10 s" in ended.error
    # What had not been looked at by then may have sent the next one to see.
    assert others <= 1
