"""The kinds of events, and what each carries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from allegro.audience.models import Member

PING = "ping"
MEMBER_CREATED = "audience_member.created"

SUBSCRIBABLE = (MEMBER_CREATED,)
"""What an endpoint may choose. ``ping`` is not among them: it always goes to the endpoint that was just made."""


def timestamp(at: datetime) -> str:
    """UTC in ISO 8601 with ``Z``, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def member_resource(member: Member) -> dict[str, Any]:
    """A member as receivers see it."""
    return {
        "id": str(member.pk),
        "email": member.email,
        "name": member.name,
        "email_verified": member.is_email_verified,
        "created_at": timestamp(member.created_at),
        "updated_at": timestamp(member.updated_at),
    }
