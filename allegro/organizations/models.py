"""Organizations: the tenants. What belongs to one points at it."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

HOST_NAME = RegexValidator(
    r"\A[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\Z",
    gettext_lazy("Give a host name alone, such as news.example.com: no scheme, port or path."),
)


class Organization(models.Model):
    """One tenant: its members, endpoints and providers are its own."""

    name = models.CharField(gettext_lazy("name"), max_length=150)
    slug = models.SlugField(
        gettext_lazy("slug"), unique=True, help_text=gettext_lazy("Short name for addresses, such as 'city-news'.")
    )
    domain = models.CharField(
        gettext_lazy("domain"),
        max_length=253,
        blank=True,
        validators=[HOST_NAME],
        help_text=gettext_lazy(
            "Host name under which this organization's members reach the site; empty when it has none."
        ),
    )
    created_at = models.DateTimeField(gettext_lazy("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = gettext_lazy("organization")
        verbose_name_plural = gettext_lazy("organizations")
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                Lower("domain"),
                name="one_organization_per_domain",
                condition=~models.Q(domain=""),
                violation_error_message=gettext_lazy("Another organization has this domain."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.domain = self.domain.lower()
        if self.domain.startswith("-") or self.domain.endswith("-"):
            raise ValidationError({"domain": gettext("A host name does not start or end with a hyphen.")})
