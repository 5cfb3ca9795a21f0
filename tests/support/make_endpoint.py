"""Making one webhook endpoint, for processes that do so at the same moment."""

from __future__ import annotations

import os

from django.core.exceptions import ValidationError

from allegro.organizations.models import Organization
from allegro.webhooks.models import Endpoint


def make() -> str:
    """Whether there was a place for it, in a word."""
    try:
        Endpoint.objects.create(
            organization=Organization.objects.get(), url=f"http://{os.getpid()}.invalid/", active=False
        )
    except ValidationError:
        return "refused"
    return "made"
