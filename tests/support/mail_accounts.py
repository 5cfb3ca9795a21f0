"""Organizations' own mail accounts for tests."""

from __future__ import annotations

from typing import Any

from allegro.mail_accounts.models import MailAccount
from allegro.organizations.models import Organization
from tests.support.secure_smtp import PASSWORD, USERNAME


def an_account(organization: Organization, listens_at: int, **fields: Any) -> MailAccount:
    account = MailAccount(
        organization=organization,
        **{
            "service": MailAccount.Service.SMTP,
            "from_name": "City News",
            "from_address": "post@city-news.example",
            "host": "127.0.0.1",
            "port": listens_at,
            "username": USERNAME,
            **fields,
        },
    )
    account.credential = PASSWORD
    account.full_clean()
    account.save()
    return account
