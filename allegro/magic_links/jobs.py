"""The job that mails a sign-in link, and the one that mails a template to look at."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from django.conf import settings
from django.utils import timezone

from allegro.accounts.models import StaffLink
from allegro.audience.models import Member
from allegro.audience.warming import warm_ahead
from allegro.magic_links.links import ready
from allegro.magic_links.mails import link_mail, sample_mail
from allegro.magic_links.models import MagicLink, MailTemplate
from allegro.mailed_links import forget_old
from allegro.trial_mails import mail_trial
from allegro_queue.jobs import job

log = logging.getLogger(__name__)


@job(queue="high")
def send_magic_link(link_id: str) -> str:
    """Make the link work and mail it. Its token is in that mail alone: not in Redis, not in the database.

    Returns:
        What was done, in a few words.
    """
    link = MagicLink.objects.select_related("organization").filter(pk=link_id).first()
    if link is None:
        return "skipped: the request was deleted"
    token = ready(link, timezone.now())
    if token is None:
        return "skipped: the request is used, replaced by a newer one, or too old"
    member = Member.objects.filter(organization_id=link.organization_id, email__iexact=link.email).first()
    if member is not None:
        # Here and not in the request, which takes the same time for a known and an unknown address that way.
        warm_ahead(member)
    link_mail(link, token, member.name if member is not None else "").send()
    MagicLink.objects.filter(pk=link.pk).update(sent_at=timezone.now())
    return "sent"


@job(queue="high")
def send_test_mail(template_id: int, user_id: int) -> str:
    """Mail an organization's template to a staff user.

    Returns:
        What was done, in a few words.
    """
    return mail_trial(MailTemplate.objects.all(), template_id, user_id, sample_mail)


@job(queue="default")
def forget_old_links() -> int:
    """Every day: delete requests of members and of staff past their days, and sessions that have run out.

    Returns:
        How many requests were deleted.
    """
    now = timezone.now()
    # Each request makes one.
    engine: Any = import_module(settings.SESSION_ENGINE)
    engine.SessionStore.clear_expired()
    return forget_old(MagicLink.objects.all(), now) + forget_old(StaffLink.objects.all(), now)
