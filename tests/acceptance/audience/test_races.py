"""Processes that do the same at the same time, on PostgreSQL, which lets them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.postgres import a_postgres_server
from tests.support.race import race
from tests.support.running import manage

SEEDING = """
from allegro.audience.models import Member, ProviderAccount
from allegro.organizations.models import Organization
news = Organization.objects.create(name="News", slug="news")
Member.objects.bulk_create(Member(organization=news, email=f"reader-{each}@example.com") for each in range(%d))
ProviderAccount.objects.create(organization=news, provider="json-profile", url="http://crm.invalid/{email}")
print(news.pk)
"""

RACING = "from tests.acceptance.audience import racing"

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


def test_a_due_round_is_begun_once_and_a_profile_ends_with_its_newest_version(
    postgres: str, redis: Redis, tmp_path: Path
):
    organization = shell(postgres, SEEDING % 300)[-1]

    queued = race(tmp_path, [f"{RACING}; print(racing.evaluate({organization}))"] * 4, DATABASE_URL=postgres)
    rounds, dispatched = map(int, shell(postgres, LOOKING)[0].split())

    assert redis.llen("rq:queue:audience-sync") == 300
    assert (rounds, dispatched) == (1, 300)
    assert sum(map(int, queued)) == 300

    shell(
        postgres,
        "from allegro.audience.models import Member; Member.objects.exclude(email='reader-0@example.com').delete()",
    )
    race(tmp_path, [f"{RACING}; racing.store({version})" for version in (30, 40, 60, 50)], DATABASE_URL=postgres)

    assert shell(postgres, LOOKING)[1] == "1 [60]"
