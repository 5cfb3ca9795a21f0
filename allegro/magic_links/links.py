"""Asking for a link, making its token, and using it once.

How long a link lives, how many may be asked for, and that the newest wins are this port's own choices.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.http import url_has_allowed_host_and_scheme

from allegro.audience.models import Member
from allegro.magic_links.models import MagicLink
from allegro.organizations.models import Organization
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import QueueUnavailable

MOST_REQUESTS = 3
"""Links that may be asked for, for one address of one organization, in ``RATE_WINDOW``."""

RATE_WINDOW = timedelta(minutes=1)


class TooManyRequests(Exception):
    """Too many links were asked for; ``wait_seconds`` says when the next may be."""

    def __init__(self, wait_seconds: int) -> None:
        self.wait_seconds = wait_seconds
        unit = "second" if wait_seconds == 1 else "seconds"
        super().__init__(f"Too many links were asked for. Try again in {wait_seconds} {unit}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """What a used link stands for."""

    member: Member
    return_url: str


def request_link(organization: Organization, email: str, return_url: str, now: datetime) -> MagicLink:
    """Note that a link is wanted and queue its mail. Nothing here depends on whether the address is known.

    Args:
        email: as ``clean_address`` returns it.

    Raises:
        TooManyRequests: nothing was noted.
        QueueUnavailable: Redis did not answer; nothing was noted.
    """
    from allegro.magic_links.jobs import send_magic_link

    with transaction.atomic():
        # One at a time per organization, so that requests at the same moment cannot all find room.
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        refuse_a_flood(organization, email, now)
        link = MagicLink.objects.create(organization=organization, email=email, return_url=return_url, requested_at=now)
    try:
        dispatch(send_magic_link, str(link.pk))
    except QueueUnavailable:
        link.delete()
        raise
    return link


def refuse_a_flood(organization: Organization, email: str, now: datetime) -> None:
    """Raise ``TooManyRequests`` if the address has used up its requests."""
    recent = list(
        MagicLink.objects.filter(organization=organization, email=email, requested_at__gt=now - RATE_WINDOW)
        .order_by("-requested_at")
        .values_list("requested_at", flat=True)[:MOST_REQUESTS]
    )
    if len(recent) == MOST_REQUESTS:
        raise TooManyRequests(max(1, math.ceil((recent[-1] + RATE_WINDOW - now).total_seconds())))


def make_token(link: MagicLink, now: datetime) -> str | None:
    """A new token for this request; every earlier one of the address is worth nothing from now on.

    Returns:
        The token, which exists nowhere else; ``None`` when the request is used, replaced, or too old to answer.
    """
    life = timedelta(minutes=settings.MAGIC_LINK_MINUTES)
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        made = (
            open_links()
            .filter(pk=link.pk, requested_at__gt=now - life)
            .update(token_hash=hash_of(token), expires_at=now + life)
        )
        if not made:
            return None
        open_links().filter(
            organization_id=link.organization_id, email=link.email, requested_at__lte=link.requested_at
        ).exclude(pk=link.pk).update(voided_at=now)
    return token


def find_live(token: str, now: datetime) -> MagicLink | None:
    """The link of this token, if it could be used now. Looking does not use it."""
    return live_links(token, now).select_related("organization").first()


def use_link(token: str, now: datetime) -> SignIn | None:
    """Use a link up. One conditional statement decides, so that of many attempts at once one succeeds.

    The member is made if the address is new, and the address counts as verified: the link came by mail.

    Returns:
        Who signs in, or ``None`` when the link is unknown, used, replaced or expired.
    """
    with transaction.atomic():
        if not live_links(token, now).update(used_at=now):
            return None
        link = MagicLink.objects.select_related("organization").get(token_hash=hash_of(token))
        member, created = Member.objects.get_or_create(
            organization=link.organization,
            email__iexact=link.email,
            defaults={"email": link.email, "email_verified_at": now},
        )
        if not created and not member.is_email_verified:
            member.email_verified_at = now
            member.save(update_fields=["email_verified_at", "updated_at"])
    return SignIn(member=member, return_url=link.return_url)


def organization_of(token: str) -> Organization | None:
    """Where a link once led, also when it no longer works, so that a new one can be asked for there."""
    link = MagicLink.objects.select_related("organization").filter(token_hash=hash_of(token)).first()
    return link.organization if link else None


def open_links() -> QuerySet[MagicLink]:
    """Requests that are neither used nor replaced."""
    return MagicLink.objects.filter(used_at__isnull=True, voided_at__isnull=True)


def live_links(token: str, now: datetime) -> QuerySet[MagicLink]:
    """The one request with this token, while it may be used."""
    return open_links().filter(token_hash=hash_of(token), expires_at__gt=now)


def hash_of(token: str) -> str:
    """What is stored of a token. It is long and random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


def safe_return_url(url: str, organization: Organization) -> bool:
    """Whether a member may be sent there after signing in: a path here, or an address of this site or organization."""
    if not url.isprintable() or len(url) > 500 or not url.startswith(("/", "http://", "https://")):
        return False
    site = settings.SITE_URL
    hosts = {each for each in (site.partition("://")[2], organization.domain) if each}
    return url_has_allowed_host_and_scheme(url, hosts, require_https=site.startswith("https://"))
