"""The mail with a sign-in link: an organization's own words, or the default ones."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from allegro.magic_links.models import MagicLink, MailTemplate
from allegro.magic_links.placeholders import fill
from allegro.mail_accounts.transport import sender_of
from allegro.mailed_links import address_of, code_of
from allegro.organizations.models import Organization

DEFAULT_SUBJECT = "Sign in to {% organization_name %}"


def link_mail(link: MagicLink, token: str, member_name: str) -> EmailMultiAlternatives:
    """The mail for a request."""
    values = {
        "sign_in_link": address_of("magic-links:validate", token),
        "code": code_of(link),
        **common_values(link.organization, member_name),
    }
    template = MailTemplate.objects.filter(organization_id=link.organization_id).first()
    return mail(link.organization, template, values, link.email)


def sample_mail(template: MailTemplate, to: str) -> EmailMultiAlternatives:
    """The mail as it would look; its link and code open nothing."""
    values = {
        "sign_in_link": address_of("magic-links:validate", "this-is-a-test"),
        "code": "000000",
        **common_values(template.organization, "Ada Lovelace"),
    }
    message = mail(template.organization, template, values, to)
    message.subject = f"[Test] {message.subject}"
    return message


def common_values(organization: Organization, member_name: str) -> dict[str, str]:
    return {
        "member_name": one_line(member_name),
        "organization_name": one_line(organization.name),
        "expires_minutes": str(settings.MAGIC_LINK_MINUTES),
    }


def mail(
    organization: Organization, template: MailTemplate | None, values: Mapping[str, str], to: str
) -> EmailMultiAlternatives:
    """Subject, text and, if there is any, HTML; to one address, through the organization's own account if it has one."""
    subject, text, html = DEFAULT_SUBJECT, "", ""
    if template is None:
        text, html = str(render_to_string("mail/magic_link.txt")), str(render_to_string("mail/magic_link.html"))
    else:
        subject, text, html = template.subject, template.text, template.html
    message = EmailMultiAlternatives(
        # A value with a line break in it would end the subject's line.
        subject=one_line(fill(subject, values)),
        body=fill(text, values),
        to=[to],
        **sender_of(organization),
    )
    if html:
        body = mark_safe(fill(html, values, html=True))  # noqa: S308 - the organization's own HTML, values escaped
        frame = {"body": body, "organization": organization}
        message.attach_alternative(render_to_string("mail/frame.html", frame), "text/html")
    return message


def one_line(text: str) -> str:
    """A text without line breaks and other control characters."""
    return "".join(each if each.isprintable() else " " for each in " ".join(text.split()))
