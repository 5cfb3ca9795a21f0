"""The job that mails a verification link to a staff user."""

from __future__ import annotations

from allegro.accounts.models import User
from allegro.accounts.verification import message
from allegro_queue.jobs import job


@job(queue="default")
def send_verification(user_id: int) -> str:
    """Make the signed link and mail it to the address that the user has now.

    Returns:
        What was done, in a few words.
    """
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return "skipped: the user was deleted or is not active"
    message(user).send()
    return "sent"
