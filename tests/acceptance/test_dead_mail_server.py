"""What the dead mail server of one organization does to the sign-in mails of all others, with five real workers."""

from __future__ import annotations

import pytest
from django.utils import timezone
from redis import Redis

from allegro.magic_links import links
from allegro.magic_links.models import MagicLink
from tests.support.dead_server import DEADLINE, a_dead_server, five_workers_calling
from tests.support.eventually import eventually
from tests.support.mail_accounts import an_account
from tests.support.people import an_organization


@pytest.mark.django_db(transaction=True)
def test_a_hundred_mails_over_a_server_that_never_answers_leave_four_workers_free(redis: Redis):
    news, other = an_organization(), an_organization("elsewhere")
    with a_dead_server() as server:
        an_account(news, server.port)
        for number in range(100):
            links.request_link(news, f"reader-{number}@example.com", "", timezone.now())
        with five_workers_calling(server) as workers:
            waiting = MagicLink.objects.filter(put_off_at__isnull=False)
            took = workers.seconds_to_mail(other, waiting)

            # The mail that met the silence waits with the others.
            eventually(lambda: waiting.count() >= 99, within=3 * DEADLINE, explain=workers.process.said)
            others = sum(1 for _ in iter(server.is_called, False))

    assert took < DEADLINE
    # What had not been looked at by then may have sent the next ones to see.
    assert others <= 2
