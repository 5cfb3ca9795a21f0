"""Data for looking at the product on one machine: an organization, members, a webhook, a provider, a super admin."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from allegro.accounts.models import User
from allegro.audience.models import Member, ProviderAccount
from allegro.organizations.models import Organization
from allegro.webhooks.models import Endpoint

ADMIN_EMAIL = "admin@alley.com"
ADMIN_PASSWORD = "allegro"  # noqa: S105 - for a machine of one's own; seed() refuses to run anywhere else

ENDPOINT_DESCRIPTION = "Receiver page on this machine"

PEOPLE = (
    ("ada@example.com", "Ada Lovelace"),
    ("alan@example.com", "Alan Turing"),
    ("annie@example.com", "Annie Easley"),
    ("barbara@example.com", "Barbara Liskov"),
    ("claude@example.com", "Claude Shannon"),
    ("dorothy@example.com", "Dorothy Vaughan"),
    ("edsger@example.com", "Edsger Dijkstra"),
    ("grace@example.com", "Grace Hopper"),
    ("hedy@example.com", "Hedy Lamarr"),
    ("katherine@example.com", "Katherine Johnson"),
    ("margaret@example.com", "Margaret Hamilton"),
    ("radia@example.com", "Radia Perlman"),
)


class NotLocal(Exception):
    """Seeding was asked for outside ``local``, where an account with a known password must not be."""


@transaction.atomic
def seed(site_url: str) -> None:
    """Make what is missing, however often called; what is there stays as it is, except for where this site is.

    Args:
        site_url: address of this site, such as ``http://127.0.0.1:8000``: the webhook and the provider live on it.

    Raises:
        NotLocal: ``APP_ENV`` is not ``local``.
    """
    if not settings.IS_LOCAL:
        raise NotLocal(f"Demo data is for APP_ENV=local; this is {settings.APP_ENV}.")
    site = site_url.rstrip("/")
    organization, _ = Organization.objects.get_or_create(slug="city-news", defaults={"name": "City News"})
    # Members come before the endpoint, which would hear of each of them otherwise.
    for email, name in PEOPLE:
        Member.objects.get_or_create(organization=organization, email=email, defaults={"name": name})
    seed_provider(organization, f"{site}/demo/crm/{{email}}")
    seed_endpoint(organization, f"{site}/demo/receiver/")
    seed_admin()


def seed_provider(organization: Organization, url: str) -> None:
    account, created = ProviderAccount.objects.get_or_create(
        organization=organization,
        provider="json-profile",
        defaults={"url": url, "refresh_minutes": 15, "max_login_age_minutes": 10},
    )
    if not created and account.url != url:
        account.url = url
        account.save(update_fields=["url"])


def seed_endpoint(organization: Organization, url: str) -> None:
    endpoint = Endpoint.objects.filter(organization=organization, description=ENDPOINT_DESCRIPTION).first()
    if endpoint is None:
        Endpoint.objects.create(organization=organization, description=ENDPOINT_DESCRIPTION, url=url)
    elif endpoint.url != url:
        endpoint.url = url
        endpoint.save(update_fields=["url"])


def seed_admin() -> None:
    if User.objects.filter(email__iexact=ADMIN_EMAIL).exists():
        return
    user = User(email=ADMIN_EMAIL, name="Demo admin", is_staff=True, is_superuser=True)
    user.set_password(ADMIN_PASSWORD)
    user.verify_email(timezone.now())
    user.save()
