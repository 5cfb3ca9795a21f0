"""The job that tries an organization's mail account out."""

from __future__ import annotations

from django.core.mail import EmailMessage

from allegro.accounts.models import User
from allegro.mail_accounts.models import MailAccount
from allegro.mail_accounts.transport import connection_of
from allegro_queue.jobs import job


@job(queue="high")
def send_account_test(account_id: int, user_id: int) -> str:
    """Mail a line to a staff user through an account, whether or not it is switched on.

    Returns:
        What was done, in a few words.
    """
    account = MailAccount.objects.select_related("organization").filter(pk=account_id).first()
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if account is None or user is None:
        return "skipped: the account or the user was deleted"
    EmailMessage(
        subject="[Test] Mail account",
        body=f"This came through the mail account of {account.organization.name}: it works.",
        from_email=account.sender,
        to=[user.email],
        connection=connection_of(account),
    ).send()
    return "sent"
