"""Asking for a member's link, having its mail made, and using it once, by the link or by the code beside it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.utils.http import url_has_allowed_host_and_scheme

from allegro.audience.models import Member
from allegro.magic_links.models import MagicLink
from allegro.mailed_links import (
    MOST_CODE_TRIES,
    MOST_CODE_TRIES_AN_HOUR,
    TooManyRequests,
    hash_of,
    is_code,
    live_links,
    make_ready,
    note_sent,
    open_links,
    refuse_a_flood,
)
from allegro.organizations.models import Organization
from allegro_queue.jobs import JobOptions
from allegro_queue.outbox import dispatch_durably
from allegro_queue.tenancy import acting_for

__all__ = [
    "SignIn",
    "TooManyRequests",
    "find_live",
    "organization_of",
    "request_link",
    "safe_return_url",
    "use_code",
    "use_link",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """What a used link stands for."""

    member: Member
    return_url: str
    data: Mapping[str, Any] = field(default_factory=dict)


def request_link(
    organization: Organization,
    email: str,
    return_url: str,
    now: datetime,
    *,
    network: str = "",
    language: str = "",
    data: Mapping[str, Any] | None = None,
) -> MagicLink:
    """Note that a link is wanted and queue its mail. Nothing here depends on whether the address is known.

    The two are kept or lost together; with Redis away the mail goes out once it is back, if the link may still work then.

    Args:
        email: as ``clean_address`` returns it.
        network: where the request comes from, as ``network_of`` gives it.

    Raises:
        TooManyRequests: nothing was noted.
        QueueUnavailable: Redis has been away for so long that nothing more can be kept for it; nothing was noted.
    """
    with transaction.atomic():
        # One at a time per organization, so that requests at the same moment cannot all find room.
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        of_network = MagicLink.objects.filter(organization=organization, network=network) if network else none()
        refuse_a_flood(of_address(organization.pk, email), of_network, now)
        link = MagicLink.objects.create(
            organization=organization,
            email=email,
            return_url=return_url,
            requested_at=now,
            network=network,
            language=language,
            data=dict(data or {}),
        )
        queue_mail(link)
    return link


def queue_mail(link: MagicLink) -> None:
    """Queue the mail, in the caller's transaction.

    Raises:
        QueueUnavailable: as ``request_link``.
    """
    from allegro.magic_links.jobs import send_magic_link

    tenant = str(link.organization_id)
    with acting_for(tenant):
        dispatch_durably(
            send_magic_link, str(link.pk), options=JobOptions(tags=(f"organization:{tenant}", "magic-link"))
        )


def ready(link: MagicLink, now: datetime) -> str | None:
    """The token for this link's mail; ``None`` when it must not be sent any more."""
    with transaction.atomic():
        return make_ready(link, of_address(link.organization_id, link.email), now)


def sent(link: MagicLink, now: datetime) -> None:
    """Its mail is out."""
    with transaction.atomic():
        note_sent(link, of_address(link.organization_id, link.email), now)


def find_live(token: str, now: datetime) -> MagicLink | None:
    """The link of this token, if it could be used now. Looking does not use it."""
    return live_links(MagicLink.objects.all(), token, now).select_related("organization").first()


def use_link(token: str, now: datetime) -> SignIn | None:
    """Use a link up. One conditional statement decides, so that of many attempts at once one succeeds.

    Returns:
        Who signs in, or ``None`` when the link is unknown, used, replaced or expired.
    """
    with transaction.atomic():
        if not live_links(MagicLink.objects.all(), token, now).update(used_at=now):
            return None
        return signing_in(MagicLink.objects.select_related("organization").get(token_hash=hash_of(token)), now)


def use_code(link_id: str, code: str, now: datetime) -> SignIn | None:
    """Use a link up by its code, in the session that asked for it; each call costs one of the link's few tries.

    Returns:
        Who signs in, or ``None``: a wrong code, no tries left, or a link that no longer works.
    """
    try:
        wanted = uuid.UUID(link_id)
    except ValueError:
        return None
    tries = open_links(MagicLink.objects.filter(pk=wanted, expires_at__gt=now, code_tries__lt=MOST_CODE_TRIES))
    if not tries.update(code_tries=F("code_tries") + 1):
        return None
    link = MagicLink.objects.select_related("organization").get(pk=wanted)
    lately = of_address(link.organization_id, link.email).filter(requested_at__gt=now - timedelta(hours=1))
    typed = lately.aggregate(all=Sum("code_tries"))["all"] or 0
    if typed > MOST_CODE_TRIES_AN_HOUR or not is_code(link, code):
        return None
    with transaction.atomic():
        if not open_links(MagicLink.objects.filter(pk=wanted, expires_at__gt=now)).update(used_at=now):
            return None
        return signing_in(link, now)


def signing_in(link: MagicLink, now: datetime) -> SignIn:
    """Who a used link signs in. The member is made if the address is new, and the address counts as verified: what was
    used came by mail."""
    member, created = Member.objects.get_or_create(
        organization=link.organization,
        email__iexact=link.email,
        defaults={"email": link.email, "email_verified_at": now},
    )
    if not created and not member.is_email_verified:
        member.email_verified_at = now
        member.save(update_fields=["email_verified_at", "updated_at"])
    return SignIn(member=member, return_url=link.return_url, data=link.data)


def organization_of(token: str) -> Organization | None:
    """Where a link once led, also when it no longer works, so that a new one can be asked for there."""
    link = MagicLink.objects.select_related("organization").filter(token_hash=hash_of(token)).first()
    return link.organization if link else None


def of_address(organization_id: int, email: str) -> QuerySet[MagicLink]:
    """Every request for one address of an organization."""
    return MagicLink.objects.filter(organization_id=organization_id, email=email)


def none() -> QuerySet[MagicLink]:
    """No request."""
    return MagicLink.objects.none()


def safe_return_url(url: str, organization: Organization) -> bool:
    """Whether a member may be sent there after signing in: a path here, or an address of this site or organization."""
    if not url.isprintable() or len(url) > 500 or not url.startswith(("/", "http://", "https://")):
        return False
    site = settings.SITE_URL
    hosts = {each for each in (site.partition("://")[2], organization.domain) if each}
    return url_has_allowed_host_and_scheme(url, hosts, require_https=site.startswith("https://"))
