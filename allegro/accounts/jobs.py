"""The job that mails a sign-in link to a staff user."""

from __future__ import annotations

from django.utils import timezone

from allegro.accounts.models import StaffLink
from allegro.accounts.sign_in import link_mail, ready, sent, user_of
from allegro_queue.jobs import job


@job(queue="high", tags=("staff-sign-in",))
def send_staff_link(link_id: str) -> str:
    """Make the link work and mail it, if the address is that of a staff user.

    Returns:
        What was done, in a few words.
    """
    link = StaffLink.objects.filter(pk=link_id).first()
    if link is None:
        return "skipped: the request was deleted"
    user = user_of(link)
    if user is None:
        return "skipped: no active staff user has this address"
    token = ready(link, timezone.now())
    if token is None:
        return "skipped: the request is used, replaced by a newer one, or too old"
    link_mail(link, user, token).send()
    sent(link, timezone.now())
    return "sent"
