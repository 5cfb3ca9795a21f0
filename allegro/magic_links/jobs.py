"""The job that mails a sign-in link, and the one that mails a template to look at."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.utils import timezone

from allegro.accounts.models import StaffLink
from allegro.audience.models import Member
from allegro.audience.warming import warm_ahead
from allegro.magic_links.links import ready, sent
from allegro.magic_links.mails import link_mail, sample_mail
from allegro.magic_links.models import MagicLink, MailTemplate
from allegro.magic_links.waiting import may_go, put_off, queue_waiting
from allegro.mail_accounts.transport import SilentMidway, put_off_until
from allegro.mailed_links import forget_old, wanted_links
from allegro.outbound import Silence
from allegro.trial_mails import mail_trial
from allegro_queue.jobs import job

NOT_WANTED = "skipped: the request is used, replaced by a newer one, or too old"


@job(queue="high")
def send_magic_link(link_id: str) -> str:
    """Make the link work and mail it. Its token is in that mail alone: not in Redis, not in the database.

    Returns:
        What was done, in a few words.

    Raises:
        Silence: the organization's own mail server did not answer; another job tries again later.
    """
    link = MagicLink.objects.select_related("organization").filter(pk=link_id).first()
    if link is None:
        return "skipped: the request was deleted"
    if link.sent_at is not None:
        # A job that is run again after the mail: there is nothing left to do.
        return "skipped: its mail is sent"
    now = timezone.now()
    if not wanted_links(MagicLink.objects.filter(pk=link.pk), now).exists():
        return NOT_WANTED
    if until := put_off_until(link.organization, now):
        put_off(link, now)
        return f"put off until {until:%Y-%m-%dT%H:%M:%SZ}: the organization's mail server has not answered of late"
    token = ready(link, now)
    if token is None:
        return NOT_WANTED
    member = Member.objects.filter(organization_id=link.organization_id, email__iexact=link.email).first()
    if member is not None:
        # Here and not in the request, which takes the same time for a known and an unknown address that way.
        warm_ahead(member)
    try:
        link_mail(link, token, member.name if member is not None else "").send()
    except Silence as silence:
        put_off(link, timezone.now(), may_have_gone=isinstance(silence, SilentMidway))
        raise
    sent(link, timezone.now())
    queue_waiting(MagicLink.objects.filter(organization_id=link.organization_id))
    return "sent"


@job(queue="high")
def queue_put_off_links() -> int:
    """Every minute: queue the mails that were put off and may be tried again.

    Returns:
        How many jobs were queued.
    """
    return queue_waiting(may_go(timezone.now()))


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
