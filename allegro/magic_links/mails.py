"""The mail with a sign-in link: an organization's own words, or the default ones in the language in which it was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from allegro.magic_links.models import MagicLink, MailTemplate
from allegro.magic_links.placeholders import fill
from allegro.mail_accounts.transport import sender_of
from allegro.mailed_links import address_of, code_of, language_of
from allegro.organizations.models import Organization
from allegro_queue.wording import worded


def link_mail(link: MagicLink, token: str, member_name: str) -> EmailMultiAlternatives:
    """The mail for a request."""
    values = {
        "sign_in_link": address_of("magic-links:validate", token),
        "code": code_of(link),
        **common_values(link.organization, member_name),
    }
    template = MailTemplate.objects.filter(organization_id=link.organization_id).first()
    if template is not None:
        return own_mail(template, values, link.email)
    with translation.override(language_of(link)):
        return default_mail(link.organization, values, link.email)


def sample_mail(template: MailTemplate, to: str) -> EmailMultiAlternatives:
    """The mail as it would look; its link and code open nothing."""
    values = {
        "sign_in_link": address_of("magic-links:validate", "this-is-a-test"),
        "code": "000000",
        **common_values(template.organization, "Ada Lovelace"),
    }
    message = own_mail(template, values, to)
    message.subject = gettext("[Test] {subject}").format(subject=message.subject)
    return message


def common_values(organization: Organization, member_name: str) -> dict[str, str]:
    return {
        "member_name": one_line(member_name),
        "organization_name": one_line(organization.name),
        "expires_minutes": str(settings.MAGIC_LINK_MINUTES),
    }


def default_mail(organization: Organization, values: Mapping[str, str], to: str) -> EmailMultiAlternatives:
    """The mail of an organization that has no words of its own; in the language that is active."""
    context = {**values, "minutes": settings.MAGIC_LINK_MINUTES}
    subject = worded(gettext("Sign in to {organization}"), organization=values["organization_name"])
    message = mail(organization, subject, str(render_to_string("mail/magic_link.txt", context)), to)
    attach(message, organization, render_to_string("mail/magic_link.html", context), is_default=True)
    return message


def own_mail(template: MailTemplate, values: Mapping[str, str], to: str) -> EmailMultiAlternatives:
    """The mail in an organization's own words, with HTML if there is any."""
    message = mail(template.organization, fill(template.subject, values), fill(template.text, values), to)
    if template.html:
        body = mark_safe(fill(template.html, values, html=True))  # noqa: S308 - the organization's own HTML, values escaped
        attach(message, template.organization, body, is_default=False)
    return message


def mail(organization: Organization, subject: str, text: str, to: str) -> EmailMultiAlternatives:
    """To one address, through the organization's own account if it has one."""
    # A value with a line break in it would end the subject's line.
    return EmailMultiAlternatives(subject=one_line(subject), body=text, to=[to], **sender_of(organization))


def attach(message: EmailMultiAlternatives, organization: Organization, body: SafeString, *, is_default: bool) -> None:
    """Give the mail its HTML, in the frame that every one has."""
    frame = {"body": body, "organization": organization, "is_default": is_default}
    message.attach_alternative(render_to_string("mail/frame.html", frame), "text/html")


def one_line(text: str) -> str:
    """A text without line breaks and other control characters."""
    return "".join(each if each.isprintable() else " " for each in " ".join(text.split()))
