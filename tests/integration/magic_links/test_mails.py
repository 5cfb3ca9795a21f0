"""Mails as a mail server gets them."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from redis import Redis

from allegro.magic_links import links
from allegro.magic_links.jobs import send_magic_link
from allegro.magic_links.models import MailTemplate
from allegro.magic_links.placeholders import fill
from allegro.organizations.models import Organization
from tests.support.burst import work_off
from tests.support.mail_sink import MailSink, mail_sink
from tests.support.people import a_member, an_organization

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sink(settings: Any, redis: Redis) -> Iterator[MailSink]:
    with mail_sink() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.SITE_URL = "https://allegro.example"
        yield server


def mailed(sink: MailSink, organization: Organization, email: str = "ada@example.com") -> EmailMessage:
    """The mail for a request of this address, as it arrived."""
    link = links.request_link(organization, email, "", timezone.now())
    assert send_magic_link(str(link.pk)) == "sent"
    assert sink.mails[-1].rcpt_tos == [email]
    content = sink.mails[-1].content
    assert isinstance(content, bytes)
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_the_default_mail_says_the_same_in_text_and_in_html(sink: MailSink):
    message = mailed(sink, an_organization())

    text, html = part(message, "plain"), part(message, "html")
    assert message["Subject"] == "Sign in to City News"
    for each in (text, html):
        assert "https://allegro.example/members/magic-link/validate/?allegro_token=" in each
        assert "30 minutes" in each
        assert "{%" not in each
    assert html.startswith("<!doctype html>")


def test_an_organizations_own_words_take_the_place_of_the_default(sink: MailSink):
    news, other = an_organization(), an_organization("elsewhere")
    a_member(news, name="Ada <b>&</b> 'Love'")
    template = MailTemplate(
        organization=news,
        subject="{% organization_name %}: your way in, {% member_name %}",
        text="Hello {%member_name%}: {% sign_in_link %} or {% code %}",
        html="<p title='{% member_name %}'><a href='{% sign_in_link %}'>In</a></p>",
    )
    template.full_clean()
    template.save()

    message = mailed(sink, news)

    assert message["Subject"] == "City News: your way in, Ada <b>&</b> 'Love'"
    assert part(message, "plain").startswith("Hello Ada <b>&</b> 'Love': https://allegro.example/")
    assert "<p title='Ada &lt;b&gt;&amp;&lt;/b&gt; &#x27;Love&#x27;'>" in part(message, "html")
    assert mailed(sink, other)["Subject"] == "Sign in to Elsewhere"


def test_a_template_without_html_makes_a_mail_of_text_alone(sink: MailSink):
    news = an_organization()
    MailTemplate.objects.create(organization=news, subject="In", text="{% sign_in_link %}")

    message = mailed(sink, news)

    assert not message.is_multipart()
    assert message.get_content_type() == "text/plain"


def test_what_a_value_holds_is_never_taken_for_a_placeholder_nor_run():
    values = {"member_name": "{% code %}{{ settings.SECRET_KEY }}{% load x %}", "code": "123456"}

    assert fill("{% member_name %}", values) == values["member_name"]
    assert fill("{{ code }} {% code %}", values) == "{{ code }} 123456"


@pytest.mark.parametrize(
    "name",
    [
        "City\r\nBcc: bob@example.com",
        "City\nBcc: bob@example.com",
        "City\x01News",
        "City\x0b\x0cNews",
        "City\u2028Bcc: x",
        "City%0d%0aBcc: bob@example.com",
        "City\0\r\nBcc: bob@example.com",
        "=?utf-8?q?City=0D=0ABcc:_bob@example.com?=",
        "City>, <bob@example.com",
    ],
)
def test_no_name_adds_a_header_or_a_recipient(sink: MailSink, name: str):
    news = an_organization(name=name)
    a_member(news, name=f"Ada{name}")
    MailTemplate.objects.create(
        organization=news, subject="{% organization_name %} {% member_name %}", text="{% sign_in_link %}"
    )

    message = mailed(sink, news)

    assert message["Bcc"] is None
    assert message["To"] == "ada@example.com"
    assert len(message.get_all("Subject", [])) == 1
    assert len(sink.mails) == 1


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com\r\nBcc: bob@example.com",
        "ada@example.com%0d%0aBcc: bob@example.com",
        "ada@example.com\0",
        "ada@example.com, bob@example.com",
        "ada@example.com;bob@example.com",
        "Ada <ada@example.com>",
        "=?utf-8?q?ada=40example.com?=",
        "ada@example.com>, <bob@example.com",
        '"ada\r\nBcc: bob"@example.com',
        "ada@[127.0.0.1]",
    ],
)
def test_what_is_more_or_less_than_one_address_gets_no_mail(sink: MailSink, redis: Redis, address: str):
    an_organization()

    assert Client().post("/members/magic-link/", {"email": address}).status_code == 400
    assert Client().post("/accounts/sign-in/", {"email": address}).status_code == 400
    assert work_off(redis) == []
    assert sink.mails == []


@pytest.mark.parametrize(
    "subject",
    ["Hello\r\nBcc: bob@example.com", "Hello\nBcc: x", "Hello {% secret %}", "Hello {% settings.SECRET_KEY %}"],
)
def test_a_subject_that_would_do_more_than_say_something_is_refused(subject: str):
    template = MailTemplate(organization=an_organization(), subject=subject, text="{% sign_in_link %}")

    with pytest.raises(ValidationError) as refused:
        template.full_clean()

    assert "subject" in refused.value.message_dict


def test_a_mail_server_that_is_away_fails_the_job_and_the_link_of_a_later_mail_works(sink: MailSink, settings: Any):
    news = an_organization()
    link = links.request_link(news, "ada@example.com", "", timezone.now())
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1

    with pytest.raises(OSError, match="refused"):
        send_magic_link(str(link.pk))
    link.refresh_from_db()
    assert link.sent_at is None

    settings.EMAIL_PORT = port
    assert send_magic_link(str(link.pk)) == "sent"
    token = str(sink.mails[0].content.decode().replace("=\r\n", "")).split("allegro_token=")[1]
    assert links.use_link(token.removeprefix("3D")[:43], timezone.now()) is not None
