"""Requests for a sign-in link, and what an organization's mail with it says."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy

from allegro.magic_links.placeholders import PLACEHOLDERS, problem_in
from allegro.mailed_links import MailedLink
from allegro.organizations.models import Organization


class MagicLink(MailedLink):
    """One request of a member. A row never holds the link's token, only its hash, and that only once the mail is made."""

    organization = models.ForeignKey(
        Organization, verbose_name=gettext_lazy("organization"), on_delete=models.CASCADE, related_name="magic_links"
    )
    return_url = models.CharField(gettext_lazy("return URL"), max_length=500, blank=True)
    data = models.JSONField(
        gettext_lazy("data"),
        default=dict,
        blank=True,
        help_text=gettext_lazy("What the page that asked wants to find again."),
    )
    put_off_at = models.DateTimeField(
        gettext_lazy("put off at"),
        null=True,
        blank=True,
        help_text=gettext_lazy("Since when its mail waits for the organization's mail server to answer."),
    )
    code_tries = models.PositiveSmallIntegerField(
        gettext_lazy("code tries"), default=0, help_text=gettext_lazy("How often a code was typed for it.")
    )

    class Meta(MailedLink.Meta):
        verbose_name = gettext_lazy("magic link")
        verbose_name_plural = gettext_lazy("magic links")
        abstract = False
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organization", "email", "requested_at"], name="magic_link_by_address"),
            models.Index(fields=["organization", "network", "requested_at"], name="magic_link_by_network"),
            models.Index(
                fields=["put_off_at"], name="magic_link_put_off", condition=models.Q(put_off_at__isnull=False)
            ),
        ]


class MailTemplate(models.Model):
    """An organization's own words for the mail with a sign-in link; without a row, the default's."""

    organization = models.OneToOneField(
        Organization, verbose_name=gettext_lazy("organization"), on_delete=models.CASCADE, related_name="mail_template"
    )
    subject = models.CharField(
        gettext_lazy("subject"),
        max_length=150,
        help_text=format_lazy(gettext_lazy("May hold placeholders: {names}."), names=PLACEHOLDERS),
    )
    text = models.TextField(
        gettext_lazy("text"), help_text=gettext_lazy("For readers without HTML. Must hold the sign-in link.")
    )
    html = models.TextField(
        gettext_lazy("HTML"),
        blank=True,
        help_text=gettext_lazy("The body alone; the frame around it is ours. Empty: the mail is text only."),
    )
    updated_at = models.DateTimeField(gettext_lazy("updated at"), auto_now=True)

    class Meta:
        verbose_name_plural = gettext_lazy("sign-in mails")
        verbose_name = gettext_lazy("sign-in mail")
        ordering: ClassVar[list[str]] = ["organization"]

    def __str__(self) -> str:
        return gettext("Sign-in mail of {organization}").format(organization=self.organization)

    def clean(self) -> None:
        problems: dict[str, Any] = {}
        for name, needs_link in (("subject", False), ("text", True), ("html", bool(self.html))):
            if problem := problem_in(getattr(self, name), needs_link=needs_link):
                problems[name] = problem
        if not self.subject.isprintable():
            problems["subject"] = gettext("The subject must not hold control characters or line breaks.")
        if problems:
            raise ValidationError(problems)
