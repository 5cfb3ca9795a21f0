"""Through what an organization's mail goes out, and who it says that it is from."""

from __future__ import annotations

from email.utils import formataddr
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext, gettext_lazy

from allegro.audience.addresses import clean_address
from allegro.breaker import Answering
from allegro.credentials import HoldsCredential
from allegro.mail_accounts import ses
from allegro.organizations.models import Organization
from allegro.outbound import OutboundError, parse_url

PORTS = (25, 465, 587, 2465, 2525, 2587)
"""Where mail servers take mail. On any other port something else listens."""


class MailAccount(HoldsCredential, Answering):
    """An organization's own way out for its mail; without a row, or switched off, mail goes out as ``EMAIL_URL`` says."""

    class Service(models.TextChoices):
        SES = "ses", gettext_lazy("Amazon SES")
        SMTP = "smtp", gettext_lazy("Another mail server")

    class Security(models.TextChoices):
        STARTTLS = "starttls", gettext_lazy("STARTTLS")
        TLS = "tls", gettext_lazy("TLS from the start")
        NONE = "none", gettext_lazy("None (in local alone)")

    organization = models.OneToOneField(
        Organization, verbose_name=gettext_lazy("organization"), on_delete=models.CASCADE, related_name="mail_account"
    )
    service = models.CharField(gettext_lazy("service"), max_length=10, choices=Service.choices, default=Service.SES)
    enabled = models.BooleanField(
        gettext_lazy("enabled"),
        default=True,
        help_text=gettext_lazy("Off: mail goes out as that of the installation does."),
    )
    from_name = models.CharField(gettext_lazy("from name"), max_length=100, blank=True)
    from_address = models.CharField(
        gettext_lazy("from address"),
        max_length=254,
        help_text=gettext_lazy("Whom mail is from. The service must know the address, or its domain, as yours."),
    )
    username = models.CharField(
        gettext_lazy("username"),
        max_length=200,
        blank=True,
        help_text=gettext_lazy("The access key id with Amazon SES; else the name to log in with, if any."),
    )
    region = models.CharField(
        gettext_lazy("region"),
        max_length=30,
        blank=True,
        help_text=gettext_lazy("With Amazon SES alone, such as eu-central-1."),
    )
    host = models.CharField(
        gettext_lazy("host"), max_length=200, blank=True, help_text=gettext_lazy("With another mail server alone.")
    )
    port = models.PositiveIntegerField(
        gettext_lazy("port"), default=587, help_text=gettext_lazy("With another mail server alone.")
    )
    security = models.CharField(
        gettext_lazy("security"),
        max_length=10,
        choices=Security.choices,
        default=Security.STARTTLS,
        help_text=gettext_lazy("With another mail server alone."),
    )

    class Meta:
        verbose_name = gettext_lazy("mail account")
        verbose_name_plural = gettext_lazy("mail accounts")
        ordering: ClassVar[list[str]] = ["organization"]

    def __str__(self) -> str:
        return gettext("Mail account of {organization}").format(organization=self.organization)

    @property
    def sender(self) -> str:
        """What stands in the mail's ``From``."""
        return formataddr((self.from_name, self.from_address))

    def clean(self) -> None:
        problems: dict[str, object] = {}
        try:
            self.from_address = clean_address(self.from_address)
        except ValidationError as error:
            problems["from_address"] = error.messages
        if not self.from_name.isprintable():
            problems["from_name"] = gettext("The name must not hold control characters or line breaks.")
        problems |= self.problems_with_ses() if self.service == self.Service.SES else self.problems_with_server()
        if problems:
            raise ValidationError(problems)

    def problems_with_ses(self) -> dict[str, object]:
        problems: dict[str, object] = {}
        if not ses.REGION.fullmatch(self.region):
            problems["region"] = gettext("Name a region of Amazon's, such as eu-central-1.")
        if not (self.username.isalnum() and self.username.isascii()):
            problems["username"] = gettext("An access key id is made of letters and digits.")
        if not self.sealed_credential:
            problems["__all__"] = gettext("Amazon SES needs the secret access key as credential.")
        return problems

    def problems_with_server(self) -> dict[str, object]:
        problems: dict[str, object] = {}
        self.host = self.host.strip().lower()
        if not is_host(self.host):
            problems["host"] = gettext("Name a mail server, such as smtp.example.com.")
        if not settings.IS_LOCAL and self.port not in PORTS:
            problems["port"] = gettext("The port must be one of {ports}, where mail servers listen.").format(
                ports=", ".join(map(str, PORTS))
            )
        if not settings.IS_LOCAL and self.security == self.Security.NONE:
            problems["security"] = gettext("The mail holds links that sign people in; it must not go out in the clear.")
        if bool(self.username) != bool(self.sealed_credential):
            problems["username"] = gettext("A user name and a credential belong together: give both, or neither.")
        return problems


def is_host(text: str) -> bool:
    """Whether the text is one host and nothing beside it."""
    try:
        return text.isascii() and parse_url(f"https://{text}/").netloc.decode("ascii") == text and ":" not in text
    except OutboundError:
        return False
