"""What several processes do at the same moment, in the test beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from allegro.audience import profiles
from allegro.audience.jobs import evaluate_organization
from allegro.audience.models import Member
from allegro.audience.providers import Fetched


def evaluate(organization_id: int) -> int:
    """Evaluate an organization; how many members were queued."""
    return sum(evaluate_organization(organization_id).values())


def store(version: int) -> None:
    """Store versions up to this one, newest first and last."""
    ada = Member.objects.get()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in (version, *range(version)):
        profiles.store(ada, "json-profile", Fetched(payload={"version": number}), start + timedelta(seconds=number))
