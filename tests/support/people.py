"""Organizations, members and staff for tests."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from allegro.accounts.models import User
from allegro.audience.models import Member, ProviderAccount
from allegro.organizations.models import Organization


def an_organization(slug: str = "city-news", **fields: Any) -> Organization:
    return Organization.objects.create(slug=slug, **{"name": slug.replace("-", " ").title(), **fields})


def a_member(organization: Organization, email: str = "ada@example.com", **fields: Any) -> Member:
    return Member.objects.create(organization=organization, email=email, **fields)


def an_account(organization: Organization, url: str, provider: str = "json-profile", **fields: Any) -> ProviderAccount:
    return ProviderAccount.objects.create(organization=organization, provider=provider, url=url, **fields)


def staff(email: str = "sam@alley.com", *, verified: bool = True, **fields: Any) -> User:
    user = User(email=email, **{"is_staff": True, **fields})
    user.set_password("a long pass phrase")
    if verified:
        user.verify_email(timezone.now())
    user.save()
    return user
