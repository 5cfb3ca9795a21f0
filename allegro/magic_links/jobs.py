"""The job that mails a sign-in link."""

from __future__ import annotations

import logging
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from allegro.audience.jobs import prewarm_profile
from allegro.audience.models import Member
from allegro.magic_links.links import make_token
from allegro.magic_links.models import MagicLink
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import QueueUnavailable
from allegro_queue.jobs import job

log = logging.getLogger(__name__)

TOKEN_PARAMETER = "allegro_token"  # noqa: S105 - a name, not a secret


@job(queue="high")
def send_magic_link(link_id: str) -> str:
    """Make the link's token and mail it. The token is in that mail alone: not in Redis, not in the database.

    Returns:
        What was done, in a few words.
    """
    link = MagicLink.objects.select_related("organization").filter(pk=link_id).first()
    if link is None:
        return "skipped: the request was deleted"
    token = make_token(link, timezone.now())
    if token is None:
        return "skipped: the request is used, replaced by a newer one, or too old"
    warm_up(link)
    message(link, token).send()
    MagicLink.objects.filter(pk=link.pk).update(sent_at=timezone.now())
    return "sent"


def warm_up(link: MagicLink) -> None:
    """Have the member's profile refreshed by the time the link is followed.

    Done here and not in the request, which takes the same time for a known and an unknown address that way.
    """
    member_id = (
        Member.objects.filter(organization_id=link.organization_id, email__iexact=link.email)
        .values_list("pk", flat=True)
        .first()
    )
    if member_id is None:
        return
    try:
        dispatch(prewarm_profile, str(member_id))
    except QueueUnavailable:
        # Signing in refreshes by itself; the mail must not wait for this.
        log.warning("profile not warmed: Redis did not answer member=%s", member_id)


def message(link: MagicLink, token: str) -> EmailMessage:
    """The mail. Its link leads to ``SITE_URL``, never to the host that a request named."""
    address = f"{settings.SITE_URL}{reverse('magic-links:validate')}?{urlencode({TOKEN_PARAMETER: token})}"
    body = render_to_string(
        "mail/magic_link.txt",
        {"organization": link.organization, "address": address, "minutes": settings.MAGIC_LINK_MINUTES},
    )
    # A name with a line break in it would end the subject's line.
    name = " ".join(link.organization.name.split())
    return EmailMessage(subject=f"Sign in to {name}", body=body, to=[link.email])
