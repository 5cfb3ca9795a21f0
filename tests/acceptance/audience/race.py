"""One of several processes that do the same at the same time; started by the test beside it.

python -m tests.acceptance.audience.race evaluate|store <argument>   (begins when it is given a line)
"""

from __future__ import annotations

import sys

import django


def evaluate(organization_id: str) -> str:
    """Evaluate an organization; how many members were queued."""
    from allegro.audience.jobs import evaluate_organization

    return str(sum(evaluate_organization(int(organization_id)).values()))


def store(version: str) -> str:
    """Store versions up to this one, newest first and last; nothing is said."""
    from datetime import UTC, datetime, timedelta

    from allegro.audience.models import Member
    from allegro.audience.profiles import store
    from allegro.audience.providers import Fetched

    ada = Member.objects.get()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in (int(version), *range(int(version))):
        store(ada, "json-profile", Fetched(payload={"version": number}), start + timedelta(seconds=number))
    return ""


if __name__ == "__main__":
    what, argument = sys.argv[1:]
    django.setup()
    print("ready", flush=True)
    sys.stdin.readline()
    print({"evaluate": evaluate, "store": store}[what](argument), flush=True)
