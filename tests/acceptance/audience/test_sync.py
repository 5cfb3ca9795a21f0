"""Audience sync by real processes, against a real server that has its limits."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from contextlib import AbstractContextManager, suppress

import pytest
from django.db import connection
from redis import Redis

from allegro.audience.models import ExternalProfile, Member, ProviderAccount, SyncRound
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from tests.support.eventually import eventually
from tests.support.people import an_account, an_organization
from tests.support.running import Running, manage, running
from tests.support.sources import Crm, saying, serving

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]


def database() -> str:
    """Where the test's rows are, for processes of their own."""
    return f"sqlite:///{connection.settings_dict['NAME']}"


def horizon() -> AbstractContextManager[Running]:
    """A real master with three workers."""
    return running(
        "horizon",
        DJANGO_SETTINGS_MODULE="tests.support.supervised",
        TEST_SUPERVISORS=json.dumps({"one": {"queue": QUEUES, "min_processes": 3, "max_processes": 3}}),
        DATABASE_URL=database(),
    )


def an_audience(crm: Crm, number: int) -> ProviderAccount:
    account = an_account(an_organization(), f"{crm.url}/people/{{email}}", max_login_age_minutes=10)
    emails = [f"reader-{each}@example.com" for each in range(number)]
    Member.objects.bulk_create(Member(organization=account.organization, email=email) for email in emails)
    crm.people.update({email: {"level": "patron"} for email in emails})
    return account


def synced() -> int:
    return ExternalProfile.objects.filter(payload__level="patron").count()


def test_a_tick_syncs_everybody_at_the_pace_of_a_source_that_refuses_more(redis: Redis, stores: Stores):
    # The first two questions are refused however slow this machine is; a fast one meets the source's own limit, too.
    crm = Crm(most_per_second=30, instead=[saying(429, "slow down", Retry_After="1")] * 2)
    with serving(crm):
        an_audience(crm, 120)
        redis.flushall()
        with horizon() as master:
            done = manage("audience_sync_tick", DATABASE_URL=database())
            assert done.returncode == 0, done.stdout + done.stderr
            eventually(lambda: synced() == 120, within=60, explain=master.said)
            master.send(signal.SIGTERM)
            assert master.wait(20) == 0

    # No job failed for being refused, and nobody was bothered twice.
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 0
    answered = Counter(each.path for each in crm.asked)
    assert len(answered) == 120
    assert len(crm.asked) == 120 + crm.refused + 2
    done_round = SyncRound.objects.get()
    assert (done_round.dispatched, done_round.failed) == (120, 0)


def test_whom_a_killed_worker_was_asking_for_is_reached_by_the_next_round(redis: Redis, stores: Stores):
    crm = Crm(rest=0.05)
    with serving(crm):
        an_audience(crm, 120)
        redis.flushall()
        with horizon() as master:
            manage("audience_sync_tick", DATABASE_URL=database())
            for share in (20, 60):
                eventually(lambda share=share: synced() >= share, within=30, explain=master.said)
                for worker in stores.workers.living():
                    with suppress(ProcessLookupError):
                        os.kill(worker.pid, signal.SIGKILL)
            eventually(lambda: stores.jobs.lengths(QUEUES)["audience-sync"] == 0, within=30, explain=master.said)
            eventually(lambda: not stores.reservations.all(), within=30, explain=master.said)
            killed = stores.jobs.counts(QUEUES)[State.FAILED]
            assert synced() >= 120 - killed
            assert 1 <= killed <= 6

            # Their locks are gone with them, so the next round reaches everybody.
            ExternalProfile.objects.all().delete()
            again = manage("audience_sync", "run", "json-profile", DATABASE_URL=database())
            assert "a round begins." in again.stdout, again.stderr
            eventually(lambda: synced() == 120, within=60, explain=master.said)
            master.send(signal.SIGTERM)
            assert master.wait(20) == 0

    latest = SyncRound.objects.first()
    assert latest is not None
    assert (latest.dispatched, latest.pending_already, latest.synced) == (120, 0, 120)
