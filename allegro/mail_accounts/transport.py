"""The connection that an organization's mail goes through: as with all addresses that came from outside, to a public one."""

from __future__ import annotations

import smtplib
import socket
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpcore
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.utils import timezone

from allegro import breaker
from allegro.mail_accounts import ses
from allegro.mail_accounts.models import MailAccount
from allegro.organizations.models import Organization
from allegro.outbound import OutboundError, Silence, checked_addresses

STEP_SECONDS = 10.0
"""Time for the connection, and for each answer of the mail server."""

SILENT = (Silence, smtplib.SMTPServerDisconnected, TimeoutError, ConnectionError)
"""How a server does not answer. Whatever else goes wrong holds nobody up."""

LONGEST_REST = timedelta(minutes=5)
"""How long a server that does not answer is left alone at the most: those who wait for a mail do not wait for long."""


class SilentMidway(Silence):
    """The server was there, and fell silent while it was given a mail: it may have taken it."""


class CheckedSMTP(smtplib.SMTP):
    """Connects to the very address that was checked, whatever the name says a moment later."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        deadline = time.monotonic() + timeout
        try:
            addresses = checked_addresses(host, port, timeout, allow_private=settings.IS_LOCAL)
        except httpcore.TimeoutException as error:
            raise Silence(f"{host} was not found within {timeout:g} s.") from error
        except httpcore.NetworkError as error:
            raise Silence(f"The connection to {host} failed: {error}.") from error
        fault: OSError = OSError("the host has no address")
        for address in addresses:
            try:
                connection = socket.create_connection((address, port), max(deadline - time.monotonic(), 0.001))
            except OSError as error:
                fault = error
                continue
            connection.settimeout(timeout)
            return connection
        raise Silence(f"The connection to {host} failed: {fault}.") from fault


class CheckedSMTPOverTLS(smtplib.SMTP_SSL, CheckedSMTP):
    """The same with TLS from the start: the class before it in line wraps what the one behind it connects."""


class AccountBackend(EmailBackend):
    """Django's own, over a checked connection. Certificates are always checked; whether the server answers is noted."""

    tried_at: datetime
    """When the try began that is under way."""

    def __init__(self, account: MailAccount, **settings: Any) -> None:
        super().__init__(**settings)
        self.account = account

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return CheckedSMTPOverTLS if self.use_ssl else CheckedSMTP

    def open(self) -> bool | None:
        self.tried_at = timezone.now()
        try:
            opened = super().open()
        except Exception as error:
            self.note(answers=not isinstance(error, SILENT))
            # Django leaves what it had begun open; a server that did not answer is not bidden good-bye either.
            half_open: smtplib.SMTP | None = vars(self).pop("_partial_connection", None)
            self._partial_connection = None
            if half_open is not None:
                half_open.close()
            if isinstance(error, SILENT) and not isinstance(error, Silence):
                raise Silence(f"{self.host} did not answer: {error}") from error
            raise
        return opened

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send them. Only a server that takes or refuses a mail answers: one may greet, and then say no more.

        Raises:
            Silence: it did not answer.
        """
        self.tried_at = timezone.now()
        try:
            number: int = super().send_messages(email_messages)
        except Silence:
            raise
        except SILENT as error:
            self.note(answers=False)
            raise SilentMidway(f"{self.host} fell silent while it was given a mail: {error}") from error
        except smtplib.SMTPException:
            self.note(answers=True)
            raise
        self.note(answers=True)
        return number

    def note(self, *, answers: bool) -> None:
        """Tell the account's breaker."""
        one = MailAccount.objects.filter(pk=self.account.pk)
        if answers:
            breaker.note_answer(one, timezone.now())
        else:
            breaker.note_silence(one, self.tried_at, timezone.now(), LONGEST_REST)


def put_off_until(organization: Organization, now: datetime) -> datetime | None:
    """When to ask again, if mail of the organization's must wait for its server; ``None`` when it may go.

    Raises:
        OutboundError, CannotOpen: as ``connection_of``.
    """
    account = account_of(organization)
    if account is None:
        return None
    # What must not be used at all is said at once: it would wait for nothing.
    connection_of(account)
    return breaker.let_through(MailAccount.objects.filter(pk=account.pk), now)


def account_of(organization: Organization) -> MailAccount | None:
    """The organization's own account, if it has one and it is switched on."""
    return MailAccount.objects.filter(organization=organization, enabled=True).first()


def sender_of(organization: Organization) -> dict[str, Any]:
    """``from_email`` and ``connection`` of a message, if the organization has an account of its own; else nothing.

    Raises:
        OutboundError, CannotOpen: as ``connection_of``.
    """
    account = account_of(organization)
    return {} if account is None else {"from_email": account.sender, "connection": connection_of(account)}


def connection_of(account: MailAccount) -> AccountBackend:
    """Not opened yet; whoever sends opens it.

    Raises:
        OutboundError: the account must not be used as it is, in words.
        CannotOpen: its credential was sealed with a key that is gone.
    """
    try:
        # It was checked when it was saved; rules and environment may have changed since.
        account.clean()
    except ValidationError as error:
        raise OutboundError(f"The organization's mail account is not fit for use: {' '.join(error.messages)}") from None
    if account.service == MailAccount.Service.SES:
        return AccountBackend(
            account,
            host=ses.host_of(account.region),
            port=ses.PORT,
            username=account.username,
            password=ses.password_of(account.credential, account.region),
            use_tls=True,
            use_ssl=False,
            timeout=STEP_SECONDS,
        )
    return AccountBackend(
        account,
        host=account.host,
        port=account.port,
        username=account.username,
        password=account.credential,
        use_tls=account.security == MailAccount.Security.STARTTLS,
        use_ssl=account.security == MailAccount.Security.TLS,
        timeout=STEP_SECONDS,
    )
