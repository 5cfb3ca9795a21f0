"""Webhook endpoints and deliveries for tests."""

from __future__ import annotations

from typing import Any

from allegro.organizations.models import Organization
from allegro.webhooks.models import Delivery, Endpoint
from tests.support.people import an_organization


def an_endpoint(organization: Organization, url: str, **fields: Any) -> Endpoint:
    return Endpoint.objects.create(organization=organization, url=url, **fields)


def a_delivery(url: str, **fields: Any) -> Delivery:
    """A delivery of a ping whose job has not run."""
    endpoint = an_endpoint(an_organization(), url, **fields)
    return Delivery.objects.get(endpoint=endpoint)
