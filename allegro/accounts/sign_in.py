"""Staff sign in by a mailed link, as members do; using one proves that they read the mail of their address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from allegro.accounts.models import StaffLink, User
from allegro.mailed_links import address_of, hash_of, language_of, live_links, make_ready, note_sent, refuse_a_flood
from allegro_queue.outbox import dispatch_durably


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffSignIn:
    """What a used link stands for."""

    user: User
    next_url: str


def request_link(email: str, next_url: str, now: datetime, *, network: str = "", language: str = "") -> StaffLink:
    """Note that a link is wanted and queue its mail. Nothing here depends on whether somebody has the address.

    Args:
        email: as ``clean_address`` returns it.
        next_url: where to go on, as ``safe_next`` returns it.
        language: in which the mail is to be; empty for the site's.

    Raises:
        TooManyRequests: nothing was noted.
        QueueUnavailable: Redis has been away for so long that nothing more can be kept for it; nothing was noted.
    """
    from allegro.accounts.jobs import send_staff_link

    with transaction.atomic():
        # One at a time, so that requests at the same moment cannot all find room; any row that is always there would do.
        list(User.objects.select_for_update(no_key=True).order_by("pk").values_list("pk")[:1])
        of_network = StaffLink.objects.filter(network=network) if network else StaffLink.objects.none()
        refuse_a_flood(StaffLink.objects.filter(email=email), of_network, now)
        link = StaffLink.objects.create(
            email=email, next_url=next_url, requested_at=now, network=network, language=language
        )
        dispatch_durably(send_staff_link, str(link.pk))
    return link


def user_of(link: StaffLink) -> User | None:
    """The staff user whom the link would sign in, as things are now."""
    return User.objects.filter(email__iexact=link.email, is_active=True, is_staff=True).first()


def ready(link: StaffLink, now: datetime) -> str | None:
    """The token for this link's mail; ``None`` when it must not be sent any more."""
    with transaction.atomic():
        return make_ready(link, StaffLink.objects.filter(email=link.email), now)


def sent(link: StaffLink, now: datetime) -> None:
    """Its mail is out."""
    with transaction.atomic():
        note_sent(link, StaffLink.objects.filter(email=link.email), now)


def find_live(token: str, now: datetime) -> StaffLink | None:
    """The link of this token, if it could be used now. Looking does not use it."""
    link = live_links(StaffLink.objects.all(), token, now).first()
    return link if link is not None and user_of(link) is not None else None


def use_link(token: str, now: datetime) -> StaffSignIn | None:
    """Use a link up and verify its address. One conditional statement decides, so that of many attempts one succeeds.

    Returns:
        Who signs in, or ``None``: the link is unknown, used, replaced or expired, or the account has changed since.
    """
    with transaction.atomic():
        if not live_links(StaffLink.objects.all(), token, now).update(used_at=now):
            return None
        link = StaffLink.objects.get(token_hash=hash_of(token))
        user = user_of(link)
        if user is None:
            return None
        if not user.is_email_verified:
            user.verify_email(now)
            user.save(update_fields=["email_verified_at", "verified_email"])
    return StaffSignIn(user=user, next_url=link.next_url)


def safe_next(url: str) -> str:
    """The address if it is a path of this site; else nothing."""
    is_safe = len(url) <= 500 and url.startswith("/") and url.isprintable()
    return url if is_safe and url_has_allowed_host_and_scheme(url, None) else ""


def link_mail(link: StaffLink, user: User, token: str) -> EmailMessage:
    """The mail with the link, in the language in which it was asked for."""
    address = address_of("accounts:link", token)
    with translation.override(language_of(link)):
        body = render_to_string("mail/staff_link.txt", {"address": address, "minutes": settings.MAGIC_LINK_MINUTES})
        return EmailMessage(subject=gettext("Sign in to Allegro"), body=body, to=[user.email])
