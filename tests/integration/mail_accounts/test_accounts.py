"""Mail through an organization's own account, over TLS, to a server that wants a password."""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from allegro.magic_links import links
from allegro.magic_links.jobs import send_magic_link
from allegro.mail_accounts import models, transport
from allegro.mail_accounts.models import MailAccount
from allegro.mail_accounts.transport import connection_of
from allegro.organizations.models import Organization
from allegro.outbound import OutboundError, Silence
from tests.integration.audience.test_secrets import everything_in
from tests.support.burst import work_off
from tests.support.mail_accounts import an_account
from tests.support.people import an_organization, staff
from tests.support.secure_smtp import PASSWORD, USERNAME, SecureSink, a_secure_mail_server, certificate

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "admin:mail_accounts_mailaccount"


@pytest.fixture
def sink(redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecureSink]:
    pem, secret = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with a_secure_mail_server(pem, secret) as server:
        yield server


def ask(organization: Organization) -> str:
    link = links.request_link(organization, "ada@example.com", "", timezone.now())
    return send_magic_link(str(link.pk))


def test_a_link_goes_out_through_the_organizations_account_and_another_ones_as_before(sink: SecureSink):
    news, other = an_organization(), an_organization("elsewhere")
    an_account(news, sink.port)

    assert ask(news) == ask(other) == "sent"

    (envelope,) = sink.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("post@city-news.example", ["ada@example.com"])
    assert b"From: City News <post@city-news.example>" in (envelope.content or b"")
    assert [message.from_email for message in mail.outbox] == ["Allegro <no-reply@allegro.invalid>"]


def test_an_account_that_is_switched_off_is_not_used(sink: SecureSink):
    news = an_organization()
    an_account(news, sink.port, enabled=False)

    assert ask(news) == "sent"

    assert sink.mails == []
    assert len(mail.outbox) == 1


def test_a_password_that_the_server_refuses_fails_the_job_and_sends_nothing_another_way(sink: SecureSink):
    news = an_organization()
    account = an_account(news, sink.port)
    account.credential = "canary-wrong"
    account.save()

    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        ask(news)

    assert "canary" not in str(refused.value)
    assert sink.refused > 0
    assert sink.mails == mail.outbox == []


def test_a_certificate_that_nobody_vouches_for_is_refused(sink: SecureSink, monkeypatch: pytest.MonkeyPatch):
    news = an_organization()
    an_account(news, sink.port)
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(ssl.SSLCertVerificationError):
        ask(news)
    assert sink.mails == []


def test_a_server_that_accepts_and_never_answers_is_not_waited_for_without_end(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(transport, "STEP_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        news = an_organization()
        an_account(news, listener.getsockname()[1])
        started = time.monotonic()

        with pytest.raises(Silence, match=r"127\.0\.0\.1 did not answer: .*timed out"):
            ask(news)

    assert 0.3 <= time.monotonic() - started < 5
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("host", "refusal"),
    [
        ("127.0.0.1", "private address"),
        ("localhost", "private address"),
        ("[::1]", "Name a mail server"),
        ("2130706433", "private address"),
    ],
)
def test_outside_local_no_private_address_is_connected_to(
    redis: Redis, settings: Any, host: str, refusal: str, monkeypatch: pytest.MonkeyPatch
):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        monkeypatch.setattr(models, "PORTS", [listener.getsockname()[1]])
        news = an_organization()
        account = MailAccount(
            organization=news, service="smtp", from_address="post@city-news.example", host=host,
            port=listener.getsockname()[1],
        )  # fmt: skip
        account.save()
        settings.IS_LOCAL = False

        with pytest.raises(OutboundError, match=refusal):
            connection_of(account).open()

        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"from_name": "City\r\nBcc: bob@example.com"}, "from_name"),
        ({"from_address": "post@city-news.example\r\nBcc: bob@example.com"}, "from_address"),
        ({"from_address": "a@example.com, b@example.com"}, "from_address"),
        ({"host": "smtp.example.com:25/x"}, "host"),
        ({"host": "smtp.example.com\r\nX: 1"}, "host"),
        ({"host": ""}, "host"),
        ({"port": 6379}, "port"),
        ({"security": "none"}, "security"),
        ({"username": ""}, "username"),
        ({"service": "ses", "region": "evil.example/", "username": "AKIA0"}, "region"),
        ({"service": "ses", "region": "eu-central-1", "username": "AKIA 0"}, "username"),
    ],
)
def test_a_faulty_account_is_refused_with_the_reason(settings: Any, fields: dict[str, Any], wrong: str):
    settings.IS_LOCAL = False

    with pytest.raises(ValidationError) as refused:
        an_account(an_organization(), 587, **fields)

    assert list(refused.value.message_dict) == [wrong]


def test_an_account_that_was_fit_in_local_alone_is_not_used_elsewhere(sink: SecureSink, settings: Any):
    news = an_organization()
    an_account(news, sink.port, security="none")
    settings.IS_LOCAL = False

    with pytest.raises(OutboundError, match="must not go out in the clear"):
        ask(news)

    assert sink.mails == mail.outbox == []


def test_an_account_of_amazons_leads_to_its_region_with_the_password_that_belongs_to_the_key():
    news = an_organization()
    account = an_account(news, 587, service="ses", region="us-west-1", username="AKIA0", host="")
    account.credential = "some+secret+key"

    way = connection_of(account)

    assert (way.host, way.port, way.use_tls) == ("email-smtp.us-west-1.amazonaws.com", 587, True)
    assert (way.username, way.password) == ("AKIA0", "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj")


def test_a_stored_password_goes_to_no_other_server_by_somebody_who_does_not_know_it(redis: Redis, client: Client):
    client.force_login(staff("boss@alley.com", is_superuser=True))
    account = an_account(an_organization(), 2525)
    page = reverse(f"{PAGE}_change", args=[account.pk])
    fields = {
        "service": "smtp", "enabled": "on", "host": "thief.example", "port": 2525, "security": account.security,
        "from_address": account.from_address, "username": account.username,
    }  # fmt: skip

    assert "With another Host it would be sent elsewhere" in client.post(page, fields).text
    assert MailAccount.objects.get().host == account.host


def test_a_credential_is_taken_by_a_form_and_is_in_no_page_job_log_or_row(
    sink: SecureSink, redis: Redis, client: Client, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    client.force_login(staff("boss@alley.com", is_superuser=True))
    fields = {
        "organization": an_organization().pk, "service": "smtp", "enabled": "on", "host": "127.0.0.1",
        "port": sink.port, "security": "starttls", "from_address": "Post@City-News.example", "username": USERNAME,
        "new_credential": PASSWORD,
    }  # fmt: skip

    assert client.post(reverse(f"{PAGE}_add"), fields).status_code == 302
    account = MailAccount.objects.get()
    chosen = {"action": "send_test", "_selected_action": [account.pk]}
    said = client.post(reverse(f"{PAGE}_changelist"), chosen, follow=True)
    assert "1 test mail queued for boss@alley.com." in said.text
    in_redis = everything_in(redis)
    assert work_off(redis) == []

    assert [each.rcpt_tos for each in sink.mails] == [["boss@alley.com"]]
    pages = [client.get(reverse(f"{PAGE}_change", args=[account.pk])).text, said.text]
    for text in (*pages, in_redis, everything_in(redis), caplog.text, repr(list(MailAccount.objects.values()))):
        assert "canary" not in text
    assert "Stored, sealed." in pages[0]
