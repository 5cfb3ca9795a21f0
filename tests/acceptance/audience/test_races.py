"""Processes that do the same at the same time, on PostgreSQL, which lets them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.postgres import a_postgres_server
from tests.support.running import manage

SEEDING = """
from allegro.audience.models import Member, ProviderAccount
from allegro.organizations.models import Organization
news = Organization.objects.create(name="News", slug="news")
Member.objects.bulk_create(Member(organization=news, email=f"reader-{each}@example.com") for each in range(%d))
ProviderAccount.objects.create(organization=news, provider="json-profile", url="http://crm.invalid/{email}")
print(news.pk)
"""

LOOKING = """
from allegro.audience.models import ExternalProfile, SyncRound
print(SyncRound.objects.count(), sum(each.dispatched for each in SyncRound.objects.all()))
print(ExternalProfile.objects.count(), [each.payload.get("version") for each in ExternalProfile.objects.all()])
"""


@pytest.fixture(scope="module")
def postgres(postgres_programs: Path) -> Iterator[str]:
    """The address of a server with the project's tables."""
    with a_postgres_server(postgres_programs, tables=True) as url:
        yield url


def shell(url: str, code: str) -> list[str]:
    done = manage("shell", "--verbosity", "0", "--command", code, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def at_once(url: str, what: str, arguments: list[str]) -> list[str]:
    """Start a process for each argument, let them go together, and return what they said."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.audience.race", what, each],
            env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "allegro.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in arguments
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return said


def test_a_due_round_is_begun_once_and_a_profile_ends_with_its_newest_version(postgres: str, redis: Redis):
    organization = shell(postgres, SEEDING % 300)[-1]

    queued = at_once(postgres, "evaluate", [organization] * 4)
    rounds, dispatched = map(int, shell(postgres, LOOKING)[0].split())

    assert redis.llen("rq:queue:audience-sync") == 300
    assert (rounds, dispatched) == (1, 300)
    assert sum(map(int, queued)) == 300

    shell(
        postgres,
        "from allegro.audience.models import Member; Member.objects.exclude(email='reader-0@example.com').delete()",
    )
    at_once(postgres, "store", ["30", "40", "60", "50"])

    assert shell(postgres, LOOKING)[1] == "1 [60]"
