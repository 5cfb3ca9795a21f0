"""The job that tries an organization's mail account out."""

from __future__ import annotations

from django.core.mail import EmailMessage
from django.utils.translation import gettext

from allegro.mail_accounts.models import MailAccount
from allegro.mail_accounts.transport import connection_of
from allegro.trial_mails import mail_trial
from allegro_queue.jobs import job


@job(queue="high")
def send_account_test(account_id: int, user_id: int) -> str:
    """Mail a line to a staff user through an account, whether or not it is switched on.

    Returns:
        What was done, in a few words.
    """
    return mail_trial(MailAccount.objects.all(), account_id, user_id, a_line)


def a_line(account: MailAccount, to: str) -> EmailMessage:
    return EmailMessage(
        subject=gettext("[Test] Mail account"),
        body=gettext("This came through the mail account of {organization}: it works.").format(
            organization=account.organization.name
        ),
        from_email=account.sender,
        to=[to],
        connection=connection_of(account),
    )
